"""Curves of a run: the numbers of `metrics.jsonl`, each over its steps."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from i2i.engine import lines

NO_CURVES = ("step", "time")
LARGEST_STEP = 2**53  # a browser counts no further


@dataclass
class Curve:
    """A number over steps, each step once; what was not finite is nan."""

    steps: array[int] = field(default_factory=lambda: array("q"))
    values: array[float] = field(default_factory=lambda: array("d"))

    def add(self, step: int, value: float) -> None:
        """A point at the end; it takes the place of those from its step on."""
        self.cut(step)
        self.steps.append(step)
        self.values.append(value)

    def cut(self, step: int) -> None:
        """Forget the points from a step on."""
        start = bisect_left(self.steps, step)
        del self.steps[start:], self.values[start:]

    def at(self, step: int) -> float | None:
        """The value of a step, if there is a finite one."""
        where = bisect_left(self.steps, step)
        here = where < len(self.steps) and self.steps[where] == step
        return self.values[where] if here and math.isfinite(self.values[where]) else None

    def finite(self) -> list[float]:
        """The values that are."""
        return [value for value in self.values if math.isfinite(value)]


@dataclass(frozen=True)
class Curves:
    """All curves of a run.

    Attributes:
        by_name: by their names in `metrics.jsonl`, in the order in which they came.
        last: the newest step; 0 before the first.
        returns: from which step to which the run went back (to a checkpoint); what it had done since is left out.
        written: when the newest line was written, in seconds since 1970; 0 before the first.
    """

    by_name: Mapping[str, Curve]
    last: int = 0
    returns: Sequence[tuple[int, int]] = ()
    written: float = 0.0


def read_curves(path: Path) -> Curves:
    """Read `metrics.jsonl`, whole or torn; empty if it is not there."""
    curves: dict[str, Curve] = {}
    returns: list[tuple[int, int]] = []
    last, written = 0, 0.0
    for step, line in _lines(path):
        if step < last:
            returns.append((last, step))
            for curve in curves.values():
                curve.cut(step + 1)
        last, written = step, _number(line.get("time", written)) or written
        for name, value in line.items():
            if name not in NO_CURVES and (number := _number(value)) is not None:
                curves.setdefault(name, Curve()).add(step, number)
    return Curves({name: curve for name, curve in curves.items() if curve.steps}, last, returns, written)


def _lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The lines that belong to a step."""
    for line in lines.read(path):
        step = line.get("step")
        if isinstance(step, int) and not isinstance(step, bool) and 0 <= step < LARGEST_STEP:
            yield step, line


def _number(value: Any) -> float | None:
    """A value as a curve shows it: what JSON could not hold is a gap, what is no number is None."""
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf


@dataclass(frozen=True)
class Thinned:
    """A curve of few points: each stands for a stretch of it.

    Attributes:
        steps: the middle of each stretch.
        values: the mean of what is finite in it; None where nothing is.
        low: the smallest, `high` the largest of it; both empty where every point is kept.
        high: see `low`.
    """

    steps: list[int]
    values: list[float | None]
    low: list[float | None]
    high: list[float | None]


def thinned(curve: Curve, most: int) -> Thinned:
    """At most so many stretches of equal numbers of points."""
    each = -(-len(curve.steps) // most)
    starts = range(0, len(curve.steps), each)
    steps = [curve.steps[start : start + each] for start in starts]
    values = [[v for v in curve.values[start : start + each] if math.isfinite(v)] for start in starts]
    means = [_short(sum(v) / len(v)) if v else None for v in values]
    middles = [(of[0] + of[-1]) // 2 for of in steps]
    if each == 1:
        return Thinned(middles, means, [], [])
    low = [_short(min(v)) if v else None for v in values]
    return Thinned(middles, means, low, [_short(max(v)) if v else None for v in values])


def _short(value: float) -> float | None:
    """Five digits are more than a screen shows."""
    return float(f"{value:.5g}") if math.isfinite(value) else None
