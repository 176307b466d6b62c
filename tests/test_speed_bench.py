"""A spec is measured in each setting: what comes out, what goes wrong, and what is advised."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers import registry, tiny_tables
from trained import command, run_tables, write_spec

import i2i
from i2i.core.errors import I2IError
from i2i.engine.parallel import World
from i2i.spec.spec import resolve
from i2i.speed import bench as module
from i2i.speed.bench import Bench, Row
from i2i.speed.orders import EndedError, Trainer
from i2i.speed.steps import Steps
from i2i.speed.ways import OWN, Way
from i2i.speed.words import in_words

SPEC = run_tables("cyclegan")
TEXT = resolve(SPEC, registry()).toml()
ROW = Row("as it is", (), True, "", seconds=0.5, ratio=1.0, images_per_second=2.0, memory=2**20)
MACHINE = {"device": "cpu", "name": "x", "threads": "1", "torch": "2"}


def found(*rows: Row) -> Bench:
    return Bench("mine", 1, MACHINE, (ROW, *rows))


def fast(name: str, ratio: float, safe: bool = True) -> Row:
    return replace(ROW, name=name, ratio=ratio, safe=safe, lines=(f'precision = "{name}"',))


class Near:
    """A trainer in this process."""

    def __init__(self, spec: str, plugins: Sequence[str], settings: Sequence[str]) -> None:
        if 'train.precision="fp16"' in settings:
            raise EndedError("too little memory")
        self.steps = Steps(spec, (), settings)
        self.seconds, self.cycle, self.batch = 9.0, self.steps.cycle, self.steps.batch

    def __enter__(self) -> Near:
        return self

    def __exit__(self, *_: object) -> None: ...

    def ask(self, what: str, *values: int) -> Any:
        return getattr(self.steps, what)(*values)


WAYS = [
    Way(OWN, {}, True, ""),
    Way("bf16", {"precision": "bf16"}, False, "other numbers"),
    Way("fp16", {"precision": "fp16"}, False, "other numbers"),
]


def test_every_setting_is_measured_and_one_that_fails_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ways_of", lambda spec, device: WAYS)
    monkeypatch.setattr(module, "Trainer", Near)
    spec, out = write_spec(tmp_path / "mine.toml", run_tables("cyclegan")), tmp_path / "bench.json"
    done = command("bench", spec, "--json", out)
    assert done.code == 0, done.err
    assert done.err.splitlines() == [f"measures: {OWN}", "measures: bf16 (1 of 2)", "measures: fp16 (2 of 2)"]
    assert "fp16: not measured: too little memory" in done.out
    told = json.loads(out.read_text(encoding="utf-8"))
    own, half, failed = told["rows"]
    assert (told["spec"], told["batch"], own["ratio"], failed["problem"]) == (
        "mine",
        2,
        1.0,
        "too little memory",
    )
    assert all(
        row["seconds"] > 0 and 0 <= row["waiting"] < 1 and row["images_per_second"] > 0 for row in (own, half)
    )
    assert half["seconds"] == pytest.approx(own["seconds"] / half["ratio"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bench.json", "mine.toml"]


def test_data_that_cannot_be_used_is_one_sentence(tmp_path: Path) -> None:
    data = {"name": "unpaired", "root": str(tmp_path / "none")}
    done = command("bench", write_spec(tmp_path / "mine.toml", {**run_tables("cyclegan"), "data": data}))
    assert (done.code, done.out) == (1, "")
    assert "mine.toml" in done.err
    assert "data.root" in done.err
    assert "Traceback" not in done.err


def test_several_processes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("i2i.engine.parallel.World.join", lambda: World(size=2))
    with pytest.raises(I2IError, match="start it without torchrun"):
        i2i.bench(SPEC, registry=registry())


def test_a_process_answers_until_it_dies() -> None:
    with Trainer(TEXT, (), ()) as trainer:
        assert trainer.ask("take", 1) > 0
        assert trainer.batch == 2
        trainer._process.kill()
        with pytest.raises(EndedError, match=r"want of memory|ended with code"):
            trainer.ask("memory")


def test_a_process_says_what_is_wrong() -> None:
    with pytest.raises(EndedError, match=r"train\.device: there is no device 'nowhere'"):
        Trainer(TEXT, (), ["train.device=nowhere"])


def test_steps_take_whole_cycles_and_leave_the_batch_as_it_is() -> None:
    steps = Steps(resolve(tiny_tables("stylegan"), registry()).toml(), (), ())
    assert steps.take(2) > 0
    assert steps.engine.step == 2
    assert steps.engine.images == 0
    assert 0 <= steps.fed(1) < 1


def test_operations_are_counted() -> None:
    steps = Steps(TEXT, (), ())
    first = steps.work()
    assert first > 0
    assert steps.work() == first


def test_the_fastest_safe_setting_is_named_and_a_faster_one_apart() -> None:
    told = in_words(found(fast("fp32", 1.3), fast("bf16", 2.0, safe=False)))
    assert 'fastest safe setting: fp32, 1.30 times the speed ()\n    [train]\n    precision = "fp32"' in told
    assert "faster still: bf16, 2.00 times the speed" in told


def test_noise_is_no_advice() -> None:
    told = found(fast("fp32", 1.01), replace(fast("broken", 9.0), problem="too little memory"))
    assert told.fastest() is told.own
    assert "no safe setting is faster than the spec's own" in in_words(told)
    assert "broken: not measured: too little memory" in in_words(told)


def test_waiting_is_pointed_out() -> None:
    waits = Bench("mine", 1, MACHINE, (replace(ROW, waiting=0.4),))
    assert "waits 40% of its time for pictures: raise data.workers" in in_words(waits)


def test_the_share_of_the_gpu_has_a_column_where_it_is_known() -> None:
    assert "of the GPU" not in in_words(found())
    assert "31%" in in_words(Bench("mine", 1, MACHINE, (replace(ROW, share=0.31),)))
