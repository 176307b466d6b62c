"""Which curve stands where."""

from __future__ import annotations

from pathlib import Path

import pytest
from recorded import write_lines, write_run

from i2i.report.charts import ALL_POINTS, LEAST_POINTS, MOST_POINTS, charts, place, thinning
from i2i.report.record import Record, read_record


@pytest.fixture
def record(tmp_path: Path) -> Record:
    return read_record(write_run(tmp_path / "run"), "run")


def test_every_number_is_drawn_once(record: Record) -> None:
    drawn = charts([record])
    assert [(chart.group, chart.title, chart.lines) for chart in drawn] == [
        ("Held-out pictures", "l1", ["results", "copying the input"]),
        ("generator", "gan", [""]),
        ("generator", "cycle", [""]),
        ("The training itself", "discriminator is right", ["real", "fake"]),
        ("The training itself", "speed", [""]),
        ("The training itself", "waiting for data", [""]),
        ("The training itself", "learning rate", ["G, D"]),
    ]


def test_networks_with_rates_of_their_own_have_lines_of_their_own(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", steps=1)
    write_lines(run / "metrics.jsonl", [{"step": 2, "lr/G": 1e-4, "lr/D": 4e-4}])
    assert charts([read_record(run, "run")])[-1].lines == ["G", "D"]


def test_several_runs_share_charts(record: Record) -> None:
    drawn = {chart.title: chart for chart in charts([record, record])}
    assert [series["run"] for series in drawn["gan"].series] == [0, 1]
    assert {"discriminator is right, real", "discriminator is right, fake"} <= set(drawn)


@pytest.mark.parametrize(
    ("name", "group", "chart", "unit"),
    [
        ("memory/peak", "The training itself", "memory: peak", "bytes"),
        ("phase/part/term", "phase/part", "term", "unweighted"),
        ("own", "Other numbers", "own", ""),
    ],
)
def test_numbers_of_other_names_have_a_place(name: str, group: str, chart: str, unit: str) -> None:
    found = place(name)
    assert (found.group, found.chart, found.unit) == (group, chart, unit)


def test_curves_are_thinned_to_what_a_page_can_hold_and_it_says_so(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", steps=2 * MOST_POINTS)
    long = read_record(run, "run")
    one, many = charts([long]), charts([long] * 40)
    assert max(len(series["steps"]) for chart in one for series in chart.series) <= MOST_POINTS
    points = sum(len(series["steps"]) for chart in many for series in chart.series)
    assert points <= ALL_POINTS + 40 * len(one) * LEAST_POINTS
    assert "each of them" not in thinning([long], one)
    assert "mean of each stretch" in thinning([long], one)


def test_curves_that_are_whole_are_said_to_be(record: Record) -> None:
    assert thinning([record], charts([record])).endswith("each of them.")
