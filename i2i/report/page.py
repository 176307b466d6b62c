"""The page: everything in one file, which asks nobody for anything."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from importlib.resources import files
from typing import Any

import i2i
from i2i.core.extras import needs
from i2i.report.charts import Chart, charts, thinning
from i2i.report.overview import overview
from i2i.report.previews import ALL_SIZE, Previews, previews
from i2i.report.record import Record
from i2i.report.tables import differences, evaluations, flat, side_by_side

MARK = '<meta name="generator" content="i2i report">'
"""Stands near the beginning of every report; other files are never overwritten."""

LEAST_SIZE = 100_000  # characters for the pictures of a run, of however many
SCRIPTS = ("theme.js", "curves.js", "pictures.js")
OBJECTIVES = "objectives"  # of a plan: what people look for first
PURPOSE = "to draw the curves of a report"


def render(records: Sequence[Record]) -> str:
    """The page of runs.

    Raises:
        I2IError: plotly is not installed.
    """
    plotly = needs("plotly.offline", "report", PURPOSE)
    jinja2 = needs("jinja2", "report", "to write a report")
    markup = needs("markupsafe", "report", "to write a report").Markup
    scripts = [plain(plotly.get_plotlyjs()), "\n".join(_file(name) for name in SCRIPTS)]
    drawn = charts(records)
    seen = [previews(record, max(LEAST_SIZE, ALL_SIZE // len(records))) for record in records]
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    text: str = environment.from_string(_file("page.html")).render(
        **told(records, drawn, seen),
        version=i2i.__version__,
        mark=markup(MARK),
        policy=policy(scripts),
        style=markup(_file("page.css")),
        scripts=[markup(script) for script in scripts],
        facts=markup(as_data(facts(records, drawn, seen))),
    )
    return text


def told(records: Sequence[Record], drawn: Sequence[Chart], seen: Sequence[Previews]) -> dict[str, Any]:
    """What the page says about runs; every text in it is escaped."""
    names = [record.name for record in records]
    return {
        "records": records,
        "names": names,
        "faults": [
            f"{record.name}: {fault}"
            for record, pictures in zip(records, seen, strict=True)
            for fault in (*record.faults, *pictures.faults)
        ],
        "overview": side_by_side(names, [overview(record) for record in records]),
        "spec_differences": differences(names, [record.spec for record in records]),
        "environment_differences": differences(
            names, [_without(record, "plan", "started", "job") for record in records]
        ),
        "watched": [record for record in records if record.remarks],
        "plans": plans(records),
        "pictures": [(name, pictures) for name, pictures in zip(names, seen, strict=True) if pictures.whole],
        "groups": groups(drawn),
        "thinning": thinning(records, drawn),
        "evaluations": evaluations(records),
        "environments": [dict(flat(_without(record, "plan"))) for record in records],
    }


def groups(drawn: Sequence[Chart]) -> dict[str, list[tuple[int, Chart]]]:
    """The charts below each heading, with their numbers."""
    found: dict[str, list[tuple[int, Chart]]] = {}
    for number, chart in enumerate(drawn):
        found.setdefault(chart.group, []).append((number, chart))
    return found


def plans(records: Sequence[Record]) -> list[tuple[str, dict[str, str]]]:
    """The plans of runs, each once, below the names of the runs that have it."""
    found: list[tuple[list[str], dict[str, str]]] = []
    for record in records:
        mine = plan(record)
        same = next((names for names, other in found if other == mine), None)
        if same is None:
            found.append(([record.name], mine))
        else:
            same.append(record.name)
    return [(", ".join(names), mine) for names, mine in found]


def plan(record: Record) -> dict[str, str]:
    """What the run was told to do, by titles, written when it started; else what a checkpoint knows of the data."""
    found = record.environment.get("plan")
    if isinstance(found, dict):
        titles = sorted(found, key=lambda title: title != OBJECTIVES)
        return {title: str(found[title]) for title in titles}
    known = "\n".join(f"{key}: {text}" for key, text in flat(record.data) if text not in ("[]", "{}", "null"))
    return {"data": known} if known else {}


def facts(records: Sequence[Record], drawn: Sequence[Chart], seen: Sequence[Previews]) -> dict[str, Any]:
    """What the scripts of the page read."""
    runs = [
        {
            "name": record.name,
            "marks": [
                {"step": remark["step"], "kind": str(remark.get("kind", ""))} for remark in record.remarks
            ],
            "whole": [asdict(picture) for picture in pictures.whole],
            "columns": [asdict(picture) for picture in pictures.columns],
        }
        for record, pictures in zip(records, seen, strict=True)
    ]
    return {"runs": runs, "charts": [asdict(chart) for chart in drawn]}


def as_data(value: Any) -> str:
    """JSON that can stand inside an element of a page: nothing in it ends the element."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def policy(scripts: Sequence[str]) -> str:
    """What the browser lets the page do: run these scripts and show pictures that it holds itself, nothing else."""
    digests = (hashlib.sha256(script.encode()).digest() for script in scripts)
    allowed = " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def plain(script: str) -> str:
    """A script as a browser reads it in a page: its hash is made of what the browser sees."""
    return script.replace("\r\n", "\n").replace("\r", "\n")


def _file(name: str) -> str:
    return plain((files("i2i.report") / "page" / name).read_text(encoding="utf-8"))


def _without(record: Record, *keys: str) -> dict[str, Any]:
    """The environment without what is shown elsewhere, or differs between any two runs."""
    return {key: value for key, value in record.environment.items() if key not in keys}
