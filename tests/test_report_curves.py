"""Curves: what a run wrote, the parts that it took back left out, and thinned without hiding anything."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from recorded import write_lines

from i2i.report.curves import Curve, read_curves, thinned


def curve_of(values: list[float]) -> Curve:
    curve = Curve()
    for step, value in enumerate(values):
        curve.add(step, value)
    return curve


def test_numbers_are_read_by_name(tmp_path: Path) -> None:
    file = tmp_path / "metrics.jsonl"
    write_lines(file, [{"step": 1, "a/x": 2.0, "lr/G": 1}, {"step": 5, "a/x": 1.5}])
    found = read_curves(file)
    assert {name: (list(c.steps), list(c.values)) for name, c in found.by_name.items()} == {
        "a/x": ([1, 5], [2.0, 1.5]),
        "lr/G": ([1], [1.0]),
    }
    assert (found.last, found.written, list(found.returns)) == (5, 1.8e9, [])


def test_no_file_is_no_curve(tmp_path: Path) -> None:
    assert read_curves(tmp_path / "metrics.jsonl").by_name == {}


@pytest.mark.parametrize(
    "torn",
    ['{"step": 3, "a/x": 7', "null\n", '{"step": "3", "a/x": 7}\n', '{"step": true, "a/x": 7}\n', "\0\0\n"],
)
def test_damaged_lines_are_left_out(tmp_path: Path, torn: str) -> None:
    file = tmp_path / "metrics.jsonl"
    write_lines(file, [{"step": 2, "a/x": 1.0}])
    with file.open("a", encoding="utf-8") as added:
        added.write(torn)
    assert list(read_curves(file).by_name["a/x"].values) == [1.0]


def test_what_is_no_number_is_no_curve_and_what_was_not_finite_is_a_gap(tmp_path: Path) -> None:
    file = tmp_path / "metrics.jsonl"
    write_lines(file, [{"step": 1, "a/x": None, "text": "no", "yes": True, "a/big": 10**400}])
    found = read_curves(file).by_name
    assert sorted(found) == ["a/big", "a/x"]
    assert math.isnan(found["a/x"].values[0])
    assert thinned(found["a/x"], 10).values == thinned(found["a/big"], 10).values == [None]


def test_what_a_run_took_back_is_left_out(tmp_path: Path) -> None:
    file = tmp_path / "metrics.jsonl"
    write_lines(file, [{"step": n, "a/x": float(n)} for n in range(1, 7)])
    write_lines(file, [{"step": 4, "validate/l1": 0.5}, {"step": 4, "a/x": 40.0}])
    found = read_curves(file)
    assert list(found.by_name["a/x"].steps) == [1, 2, 3, 4]
    assert found.by_name["a/x"].at(4) == 40.0
    assert (found.by_name["validate/l1"].at(4), found.returns, found.last) == (0.5, [(6, 4)], 4)


def test_short_curves_keep_every_point() -> None:
    found = thinned(curve_of([3.0, 1.0, 2.0]), 3)
    assert (found.steps, found.values, found.low) == ([0, 1, 2], [3.0, 1.0, 2.0], [])


def test_long_curves_keep_mean_and_extremes_of_each_stretch() -> None:
    values = [0.0] * 1000
    values[500], values[900] = 50.0, -7.0
    found = thinned(curve_of(values), 100)
    assert len(found.steps) == 100
    assert max(v for v in found.high if v is not None) == 50.0
    assert min(v for v in found.low if v is not None) == -7.0
    assert found.values[50] == 5.0
    assert found.steps[50] in range(500, 510)


def test_a_stretch_with_a_gap_shows_the_rest() -> None:
    found = thinned(curve_of([1.0, math.nan, math.nan, math.nan]), 2)
    assert (found.values, found.low, found.high) == ([1.0, None], [1.0, None], [1.0, None])
