"""Tables of runs: only what differs, and only what can be compared."""

from __future__ import annotations

import json
from pathlib import Path

from recorded import write_run

from i2i.report.record import Record, read_record
from i2i.report.tables import differences, evaluations, flat


def evaluated(path: Path, *entries: object) -> Record:
    run = write_run(path, steps=1)
    (run / "evaluation.json").write_text(json.dumps({"evaluations": entries}), encoding="utf-8")
    return read_record(run, path.name)


def test_nested_tables_become_dotted_keys() -> None:
    assert dict(flat({"a": {"b": 1e-05, "c": {}}, "d": [1, "é"], "e": True})) == {
        "a.b": "1e-05",
        "a.c": "{}",
        "d": '[1, "é"]',
        "e": "true",
    }


def test_only_keys_that_differ_are_shown() -> None:
    found = differences(["x", "y"], [{"a": 1, "b": {"c": 2}}, {"a": 1, "b": {"c": 3}, "d": "new"}])
    assert found.columns == ["", "x", "y"]
    assert found.rows == [["b.c", "2", "3"], ["d", "–", "new"]]


def entry(metric: str, values: object, protocol: object, step: int = 40) -> dict[str, object]:
    return {
        "metric": metric,
        "values": values,
        "protocol": protocol,
        "model": {"step": step, "weights": "averaged"},
    }


def test_values_of_one_protocol_stand_in_one_table(tmp_path: Path) -> None:
    protocol = {"split": "test", "drawn": {"seed": 0}}
    values = {"x": 12.5, "y": 13.0}
    records = [evaluated(tmp_path / name, entry("fid", {"fid": values[name]}, protocol)) for name in values]
    (judged,) = evaluations(records)
    (table,) = judged.tables
    assert (judged.metric, table.columns) == ("fid", ["run", "step", "weights", "fid"])
    assert table.rows == [["x", "40", "averaged", "12.5"], ["y", "40", "averaged", "13"]]
    assert table.facts == {"split": "test", "drawn.seed": "0"}


def test_values_of_other_protocols_never_share_a_table(tmp_path: Path) -> None:
    entries = [entry("fid", {"fid": 1.0}, {"resize": side, "count": 9}) for side in (256, 299)]
    (judged,) = evaluations([evaluated(tmp_path / "x", *entries)])
    assert len(judged.tables) == 2
    assert judged.differences.rows == [["resize", "256", "299"]]


def test_several_values_of_a_metric_have_columns_of_their_own(tmp_path: Path) -> None:
    record = evaluated(tmp_path / "x", entry("kid", {"kid": 0.01, "kid_error": 0.002}, {}, 12_000))
    (judged,) = evaluations([record])
    assert judged.tables[0].columns[3:] == ["kid", "kid_error"]
    assert judged.tables[0].rows == [["x", "12,000", "averaged", "0.01", "0.002"]]


def test_entries_of_something_else_are_shown_as_far_as_they_go(tmp_path: Path) -> None:
    (judged,) = evaluations([evaluated(tmp_path / "x", {"values": 3, "model": [], "protocol": "none"})])
    assert judged.tables[0].rows == [["x", "–", "–"]]
