"""Tables of a page: what differs between runs, and the numbers of evaluations."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from i2i.report.record import Record

ABSENT = "–"


@dataclass(frozen=True)
class Table:
    """Columns and rows of text; `facts` hold for all of it."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    facts: Mapping[str, str] = field(default_factory=dict)


def flat(table: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """The values of nested tables, by dotted keys, as text."""
    for key, value in table.items():
        name = f"{above}{key}"
        if isinstance(value, Mapping) and value:
            yield from flat(value, f"{name}.")
        else:
            yield name, as_text(value)


def as_text(value: Any) -> str:
    """A value as a table shows it."""
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return f"{value:.6g}"
    return json.dumps(value, ensure_ascii=False, default=str)


def as_count(value: Any) -> str:
    """A number as people write it, 200,000; anything else as it is."""
    return f"{value:,}" if isinstance(value, int) else as_text(value)


def side_by_side(names: Sequence[str], tables: Sequence[Mapping[str, str]]) -> Table:
    """One column for each run, one row for each key that any of them has."""
    keys = list(dict.fromkeys(key for table in tables for key in table))
    return Table(["", *names], [[key, *(table.get(key, ABSENT) for table in tables)] for key in keys])


def differences(names: Sequence[str], tables: Sequence[Mapping[str, Any]]) -> Table:
    """The keys whose values are not the same everywhere."""
    found = side_by_side(names, [dict(flat(table)) for table in tables])
    return Table(found.columns, [row for row in found.rows if len(set(row[1:])) > 1])


@dataclass(frozen=True)
class Judged:
    """What runs were judged to be by a metric.

    Attributes:
        metric: its name.
        tables: one for all that was measured alike.
        differences: of the protocols, if there are several.
    """

    metric: str
    tables: Sequence[Table]
    differences: Table


def evaluations(records: Sequence[Record]) -> list[Judged]:
    """The values of each metric; those of other protocols never share a table."""
    alike: dict[str, dict[str, list[tuple[str, Mapping[str, Any]]]]] = {}
    for record in records:
        for entry in record.evaluations:
            protocol = json.dumps(entry.get("protocol"), sort_keys=True)
            of_metric = alike.setdefault(as_text(entry.get("metric", "")), {})
            of_metric.setdefault(protocol, []).append((record.name, entry))
    return [_judged(metric, [*groups.values()]) for metric, groups in alike.items()]


def _judged(metric: str, groups: Sequence[Sequence[tuple[str, Mapping[str, Any]]]]) -> Judged:
    tables = [_measured(entries) for entries in groups]
    names = [f"table {number}" for number in range(1, len(tables) + 1)]
    return Judged(metric, tables, differences(names, [table.facts for table in tables]))


def _measured(entries: Sequence[tuple[str, Mapping[str, Any]]]) -> Table:
    """One row for each checkpoint that was judged, in the order of the file."""
    found = [dict(flat(as_table(entry.get("values")))) for _, entry in entries]
    columns = list(dict.fromkeys(name for values in found for name in values))
    rows = [
        [run, *_model(as_table(entry.get("model"))), *(values.get(name, ABSENT) for name in columns)]
        for (run, entry), values in zip(entries, found, strict=True)
    ]
    protocol = as_table(entries[0][1].get("protocol"))
    return Table(["run", "step", "weights", *columns], rows, dict(flat(protocol)))


def _model(facts: Mapping[str, Any]) -> tuple[str, str]:
    return as_count(facts.get("step", ABSENT)), as_text(facts.get("weights", ABSENT))


def as_table(value: Any) -> Mapping[str, Any]:
    """A table that was read from a file; empty if it is something else."""
    return value if isinstance(value, Mapping) else {}
