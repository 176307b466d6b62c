"""Which curve is drawn in which chart."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from i2i.core.words import counted
from i2i.report.curves import Curve, thinned
from i2i.report.record import Record

MOST_POINTS, LEAST_POINTS = 1000, 100
"""Points of a curve: the most, and the least however many curves there are."""

ALL_POINTS = 40_000
"""Points of a page."""

JUDGED, RATES, VALIDATED = "judged/", "lr/", "validate/"
BASELINE = re.compile(r"(.+)_of_copying")
VALIDATION, TRAINING, OTHER = "Held-out pictures", "The training itself", "Other numbers"


@dataclass(frozen=True)
class Place:
    """Where a curve is drawn: the group of charts, the chart, its line in it, and what its values are."""

    group: str
    chart: str
    line: str
    unit: str


@dataclass(frozen=True)
class Chart:
    """Curves over the same steps that are read together.

    Attributes:
        group: the heading above it.
        title: its own.
        unit: of its values.
        from_zero: whether its axis starts there.
        lines: the names of its lines, each drawn for every run.
        series: as the page's script reads them.
    """

    group: str
    title: str
    unit: str
    from_zero: bool
    lines: list[str] = field(default_factory=list)
    series: list[dict[str, Any]] = field(default_factory=list)


def place(name: str, several: bool = False) -> Place:
    """Where the curve of a name is drawn, for one run or for several."""
    if name.startswith(VALIDATED):
        metric = name.removeprefix(VALIDATED)
        copying = BASELINE.fullmatch(metric)
        title = copying[1] if copying else metric
        return Place(VALIDATION, title, "copying the input" if copying else "results", title)
    if name.startswith(JUDGED):
        role = name.removeprefix(JUDGED)
        chart = f"discriminator is right, {role}" if several else "discriminator is right"
        return Place(TRAINING, chart, "" if several else role, "share of pictures")
    if name.startswith(RATES):
        return Place(TRAINING, "learning rate", name.removeprefix(RATES), "learning rate")
    if name == "images_per_second":
        return Place(TRAINING, "speed", "", "images per second")
    if name == "waiting_for_data":
        return Place(TRAINING, "waiting for data", "", "share of the time")
    group, _, term = name.rpartition("/")
    if group == "memory":
        return Place(TRAINING, f"memory: {term}", "", "bytes")
    return Place(group or OTHER, term, "", "unweighted" if group else "")


def charts(records: Sequence[Record]) -> list[Chart]:
    """The charts of runs: held-out pictures, every term, and last what is about the training itself."""
    found: dict[tuple[str, str], Chart] = {}
    all_curves = [(n, name, curve) for n, record in enumerate(records) for name, curve in _curves(record)]
    most = max(LEAST_POINTS, min(MOST_POINTS, ALL_POINTS // max(len(all_curves), 1)))
    for run, name, curve in all_curves:
        at = place(name, len(records) > 1)
        chart = found.setdefault(
            (at.group, at.chart), Chart(at.group, at.chart, at.unit, at.group == TRAINING)
        )
        if at.line not in chart.lines:
            chart.lines.append(at.line)
        chart.series.append({"run": run, "line": chart.lines.index(at.line), **asdict(thinned(curve, most))})
    return sorted(found.values(), key=lambda chart: (chart.group == TRAINING) - (chart.group == VALIDATION))


def _curves(record: Record) -> list[tuple[str, Curve]]:
    """The curves of a run; networks with the same learning rate share one."""
    together: dict[tuple[bytes, bytes], list[str]] = {}
    rest = []
    for name, curve in record.curves.by_name.items():
        if name.startswith(RATES):
            key = curve.steps.tobytes(), curve.values.tobytes()
            together.setdefault(key, []).append(name)
        else:
            rest.append((name, curve))
    shared = [
        (RATES + ", ".join(name.removeprefix(RATES) for name in names), record.curves.by_name[names[0]])
        for names in together.values()
    ]
    return [*rest, *shared]


def thinning(records: Sequence[Record], drawn: Sequence[Chart]) -> str:
    """How honest the curves are, in a sentence."""
    points = sum(len(curve.steps) for record in records for curve in record.curves.by_name.values())
    wide = any(series["low"] for chart in drawn for series in chart.series)
    kept = f"The curves hold {counted(points, 'number')} that the training wrote"
    if not wide:
        return f"{kept}, each of them."
    return (
        f"{kept}; long ones are drawn as the mean of each stretch, inside a band from its smallest to its largest "
        "value."
    )
