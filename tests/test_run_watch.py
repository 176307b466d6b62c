"""The watch says what goes wrong with a training: once, in words, and not before it is sure."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from sick import WORDS, Sick, sick_tables, ward
from toy import toy_engine

from i2i.core.batch import Batch
from i2i.losses import Counted, LeastSquares
from i2i.run import samples
from i2i.run.run import Run, build
from i2i.run.signs import Sign, signs
from i2i.run.watch import Remark, Watch, note

COLLAPSE = [Sign("collapse", 0.01, "output")]


class Heard:
    """A listener that keeps what the watch says."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def step(self, step: int) -> None: ...

    def numbers(self, step: int, terms: dict[str, float], rate: float, waiting: float) -> None: ...

    def note(self, text: str) -> None:
        self.notes += [text] if text.startswith("watch:") else []


def train(run: Run, until: int | None = None) -> list[str]:
    heard = Heard()
    for _ in run.steps(heard):
        if run.engine.step == until:
            break
    return heard.notes


def remarks(folder: Path) -> list[dict[str, Any]]:
    """What `watch.jsonl` holds, but for the time."""
    file = folder / "watch.jsonl"
    lines = [json.loads(line) for line in file.read_text("utf-8").splitlines()] if file.exists() else []
    return [{key: value for key, value in line.items() if key != "time"} for line in lines]


def watch(steps: int = 1000) -> Watch:
    return Watch(toy_engine(), steps)


def said(watch: Watch, steps: range, found: list[Sign]) -> list[int]:
    return [step for step in steps if watch.pictures(step, found)]


def heard(run: Run) -> list[Remark]:
    """What the watch says of a run that stands still, read at every fiftieth step."""
    strategy, facts, engine = run.engine.strategy, run.source.facts, run.engine
    assert isinstance(strategy, Sick)
    fields = samples.preview_batch(run.source, engine.device, seed=0)
    shown = samples.columns(engine, fields, facts.truth)
    found = signs(strategy, facts, fields, shown)
    remarks = []
    for step in range(50, 1001, 50):
        strategy.judge(engine.net, Batch(fields))
        numbers = {name: float(share) for name, share in run.watch.judged().items()}
        remarks += run.watch.numbers(step, numbers) + run.watch.pictures(step, found)
    return remarks


@pytest.mark.parametrize("ill", ["collapse", "inverted", "copies"])
def test_each_illness_is_said_once_in_words(tmp_path: Path, ill: str) -> None:
    won, other = heard(build(sick_tables(ill), registry=ward(), out=tmp_path / "run"))
    assert (won.step, won.kind, won.number, won.text) == (450, "won", 1.0, WORDS["won"])
    assert (other.step, other.kind, other.text) == (450, ill, WORDS[ill])
    assert other.number == pytest.approx(-1.0 if ill == "inverted" else 0.0, abs=1e-5)  # fp32 rounding


def test_of_a_healthy_run_nothing_is_said(tmp_path: Path) -> None:
    assert heard(build(sick_tables(), registry=ward(), out=tmp_path / "run")) == []


def test_how_often_the_discriminator_was_right_is_logged(tmp_path: Path) -> None:
    train(build(sick_tables("copies", steps=2, log_every=1), registry=ward(), out=tmp_path / "run"))
    lines = (tmp_path / "run" / "metrics.jsonl").read_text("utf-8").splitlines()
    assert [(n["judged/real"], n["judged/fake"]) for n in map(json.loads, lines)] == [(1.0, 1.0)] * 2
    assert not (tmp_path / "run" / "watch.jsonl").exists()


def test_a_critic_is_not_judged(tmp_path: Path) -> None:
    tables = sick_tables("copies", steps=1)
    tables["strategy"]["gan"] = "wgan-gp"
    train(build(tables, registry=ward(), out=tmp_path / "run"))
    assert "judged" not in (tmp_path / "run" / "metrics.jsonl").read_text("utf-8")


def test_a_resumed_run_says_the_same_at_the_same_step_and_nothing_twice(tmp_path: Path) -> None:
    tables = sick_tables("copies")
    whole = build(tables, registry=ward(), out=tmp_path / "whole")
    notes = train(whole)
    expected = [text.replace(": ", ", step 450: ", 1) for text in (WORDS["won"], WORDS["copies"])]
    assert notes == [f"watch: {text}" for text in expected]
    assert [r["kind"] for r in remarks(tmp_path / "whole")] == ["won", "copies"]

    broken = build(tables, registry=ward(), out=tmp_path / "broken")
    assert train(broken, until=430) == []  # after the checkpoint of step 425, between two readings
    resumed = Run.open(tmp_path / "broken", registry=ward())
    assert train(resumed) == notes
    assert resumed.watch.state() == whole.watch.state()
    assert last_line(tmp_path / "broken") == last_line(tmp_path / "whole")

    longer = Run.open(tmp_path / "broken", registry=ward(), settings=["train.steps=500"])
    assert train(longer) == []
    assert remarks(tmp_path / "broken") == remarks(tmp_path / "whole")


def last_line(folder: Path) -> dict[str, float]:
    """The last numbers of a run but for what clocks say."""
    last = json.loads((folder / "metrics.jsonl").read_text("utf-8").splitlines()[-1])
    return {key: value for key, value in last.items() if "/" in key}


def test_a_run_that_went_back_behind_a_remark_repeats_nothing(tmp_path: Path) -> None:
    remark = Remark(400, "copies", 0.0, "the generator only copies: …")
    assert note(tmp_path, remark)
    assert not note(tmp_path, Remark(500, "copies", 0.0, "again"))
    assert note(tmp_path, Remark(500, "won", 1.0, "the discriminator has won: …"))
    assert [r["kind"] for r in remarks(tmp_path)] == ["copies", "won"]


def test_the_first_steps_are_not_looked_at() -> None:
    assert said(watch(), range(50, 201, 50), COLLAPSE) == []
    assert said(watch(), range(50, 1001, 50), COLLAPSE) == [450]


def test_a_long_run_waits_for_a_twentieth_of_its_steps() -> None:
    assert said(watch(100_000), range(500, 100_001, 500), COLLAPSE) == [10_500]


def test_three_readings_are_the_least() -> None:
    assert said(watch(), range(300, 1001, 300), COLLAPSE) == [900]
    assert said(watch(), range(500, 1001, 500), COLLAPSE) == []


def test_what_comes_and_goes_is_not_said() -> None:
    one = watch()
    assert not any(one.pictures(step, COLLAPSE if step % 200 else []) for step in range(50, 5001, 50))


@pytest.mark.parametrize(
    ("real", "fake", "won"),
    [(0.99, 0.99, True), (1.0, 0.98, False), (0.98, 1.0, False), (float("nan"), 1.0, False)],
)
def test_both_kinds_of_pictures_must_be_known(real: float, fake: float, won: bool) -> None:
    one = watch()
    judged = {"judged/real": real, "judged/fake": fake}
    assert any(one.numbers(step, judged) for step in range(50, 1001, 50)) == won


def test_a_reading_without_judgements_neither_ends_nor_lengthens_a_streak() -> None:
    one, judged = watch(), {"judged/real": 1.0, "judged/fake": 1.0}
    assert [s for s in range(50, 1001, 50) if one.numbers(s, judged if s % 100 else {})] == [450]


def test_the_counts_travel_with_a_checkpoint() -> None:
    engine = toy_engine()
    engine.net = engine.net.replaced({"gan": Counted(LeastSquares(), 0.5)})
    one, other = Watch(engine, 1000), Watch(engine, 1000)
    engine.net.gan(torch.tensor([0.1, 0.6, 0.7]), "real")
    state = json.loads(json.dumps(one.state()))
    assert torch.equal(one.judged()["judged/real"], torch.tensor(2.0) / 3)
    assert one.judged() == {}
    other.restore(state)
    assert torch.equal(other.judged()["judged/real"], torch.tensor(2.0) / 3)
