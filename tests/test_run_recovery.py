"""A run whose numbers go wrong stops, leaves an update out, or goes back; resumed, it ends as if never stopped."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import spoilt
import torch
from helpers import registry
from safetensors.torch import load_file
from torch import Tensor
from trained import command, write_spec

import i2i
from i2i.core.batch import address
from i2i.core.errors import SpecError
from i2i.engine.finite import NonFiniteError
from i2i.run.run import Run, build
from i2i.spec.spec import resolve

STEPS = 8


class Heard:
    """A listener that remembers what it was told."""

    def __init__(self) -> None:
        self.steps: list[int] = []
        self.notes: list[str] = []

    def step(self, step: int) -> None:
        self.steps.append(step)

    def numbers(self, step: int, terms: dict[str, float], images_per_second: float, waiting: float) -> None:
        pass

    def note(self, text: str) -> None:
        self.notes.append(text)


def components() -> i2i.Registry:
    mine = i2i.Registry("mine")
    mine.merge(registry())
    spoilt.i2i_register(mine)
    return mine


def tables(*at: int, attempts: int = 1, weights: bool = False, **train: Any) -> dict[str, Any]:
    periods = {"checkpoint_every": 2, "sample_every": 4, "log_every": 1, "validate_every": 4}
    return {
        "strategy": {"name": "spoilt", "at": list(at), "attempts": attempts, "weights": weights},
        "data": {"name": "demo", "layout": "paired", "size": 32, "count": 6, "workers": 0},
        "train": {"steps": STEPS, "batch": 2, "device": "cpu", "ema": {"G": 0.5}, **periods, **train},
    }


def new_run(out: Path, *at: int, **options: Any) -> Run:
    return build(tables(*at, **options), registry=components(), out=out)


def heard(run: Run, steps: int = STEPS) -> Heard:
    listener = Heard()
    for _ in run.steps(listener):
        if run.engine.step == steps:
            break
    return listener


def newest(folder: Path) -> dict[str, Tensor]:
    checkpoint = folder / "checkpoints" / (folder / "checkpoints/latest").read_text(encoding="utf-8")
    files = sorted(checkpoint.glob("*.safetensors"))
    return {f"{file.stem}/{name}": tensor for file in files for name, tensor in load_file(file).items()}


def assert_equal(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> None:
    assert one.keys() == other.keys()
    assert [name for name in one if not torch.equal(one[name], other[name])] == []


def lines(folder: Path, key: str) -> list[tuple[int, Any]]:
    text = (folder / "metrics.jsonl").read_text(encoding="utf-8")
    return [(line["step"], line[key]) for line in map(json.loads, text.splitlines()) if key in line]


def names(run: Run, seen: int) -> str:
    """The files of a step of the first attempt."""
    again = build(run.spec, registry=components())
    return "batch: " + ", ".join(again.stream().names(seen, 2))


# --- stop --------------------------------------------------------------------------------------------------


def test_a_run_stops_and_says_what_to_do(tmp_path: Path) -> None:
    run = new_run(tmp_path / "run", 8)
    with pytest.raises(NonFiniteError) as error:
        run.train()
    newest = tmp_path / "run/checkpoints/step-000004"
    assert str(error.value).splitlines() == [
        "step 5, phase 'generator': the term pixel is nan",
        f"    {names(run, 8)}",
        "    learning rate: G 0.0002",
        "    what may help: a lower optimizers.G.lr, train.clip = 1.0, a look at the files of the batch",
        f"    newest checkpoint: {newest}; going on from it meets the same numbers again, so: "
        f"i2i resume {tmp_path / 'run'} --set train.on_nonfinite=skip (or rollback)",
        f"    or a new run from its weights: i2i run {tmp_path / 'run/spec.toml'} "
        f"--set train.init_from={newest} --set optimizers.G.lr=0.0001 --out …",
    ]
    assert (tmp_path / "run/checkpoints/latest").read_text(encoding="utf-8") == "step-000004"


def test_before_the_first_checkpoint_nothing_is_lost(tmp_path: Path) -> None:
    with pytest.raises(NonFiniteError) as error:
        new_run(tmp_path / "run", 0, precision="bf16", clip=1.0).train()
    assert str(error.value).splitlines()[-2:] == [
        '    what may help: a lower optimizers.G.lr, train.precision = "fp32", a look at the files of the batch',
        "    nothing was saved: the run had no checkpoint yet",
    ]


def test_weights_are_not_saved_once_they_are_wrong(tmp_path: Path) -> None:
    with pytest.raises(NonFiniteError) as error:
        new_run(tmp_path / "run", 6, weights=True).train()
    first, second, *_ = str(error.value).splitlines()
    assert first == "step 4: the weight of D (bias) is infinite"
    assert second == "    learning rate: D 0.0002"  # no batch is to blame
    assert all(tensor.isfinite().all() for tensor in newest(tmp_path / "run").values())
    assert (tmp_path / "run/checkpoints/latest").read_text(encoding="utf-8") == "step-000002"


def test_the_command_line(tmp_path: Path) -> None:
    plugin = ("--plugin", spoilt.__file__)
    path = tmp_path / "spoilt.toml"
    path.write_text(resolve(tables(8), components()).toml(), encoding="utf-8")
    done = command(*plugin, "run", path, "--out", tmp_path / "run")
    assert done.code == 1
    assert "step 5, phase 'generator': the term pixel is nan\n    batch: " in done.err
    assert "Traceback" not in done.err
    again = command(*plugin, "resume", tmp_path / "run")
    assert again.code == 1 and "step 5, phase 'generator'" in again.err
    on = command(*plugin, "resume", tmp_path / "run", "--set", "train.on_nonfinite=skip")
    assert on.code == 0, on.err
    assert "step 5, phase 'generator': the term pixel is nan; batch: " in on.out


# --- skip --------------------------------------------------------------------------------------------------


def test_an_update_is_left_out_and_told(tmp_path: Path) -> None:
    run = new_run(tmp_path / "run", 8, on_nonfinite="skip")
    listener = heard(run)
    told = [note for note in listener.notes if "nan" in note]
    assert told == [
        f"step 5, phase 'generator': the term pixel is nan; {names(run, 8)}; "
        "this update is left out (1 of at most 10)"
    ]
    assert lines(tmp_path / "run", "skips") == [(5, 1)]
    assert lines(tmp_path / "run", "generator/pixel")[4] == (5, None)
    assert listener.steps == [*range(1, STEPS + 1)]


def test_after_too_many_it_stops(tmp_path: Path) -> None:
    with pytest.raises(NonFiniteError) as error:
        new_run(tmp_path / "run", 2, 4, 8, on_nonfinite="skip", max_skips=2).train()
    sentence = str(error.value)
    assert sentence.startswith("step 5, phase 'generator': the term pixel is nan\n    batch: ")
    assert "\n    2 steps left an update out, as many as train.max_skips allows\n" in sentence
    on = "--set train.on_nonfinite=rollback --set train.max_skips=10"
    assert f"{on}\n" in sentence
    settings = on.removeprefix("--set ").split(" --set ")
    resumed = Run.open(tmp_path / "run", registry=components(), settings=settings)
    resumed.train()
    assert resumed.engine.attempt == 1


def test_weights_that_are_wrong_cannot_be_left_out(tmp_path: Path) -> None:
    with pytest.raises(NonFiniteError, match=r"^step 4: the weight of D \(bias\) is infinite"):
        new_run(tmp_path / "run", 6, weights=True, on_nonfinite="skip").train()


# --- rollback ----------------------------------------------------------------------------------------------


def test_a_run_goes_back_and_on_with_other_numbers(tmp_path: Path) -> None:
    run = new_run(tmp_path / "run", 10, on_nonfinite="rollback")
    listener = heard(run)
    told = [note for note in listener.notes if "nan" in note]
    assert told == [
        f"step 6, phase 'generator': the term pixel is nan; {names(run, 10)}; "
        "back to step 4, from there with other data and random numbers (1 of at most 3)"
    ]
    assert listener.steps == [1, 2, 3, 4, 5, 5, 6, 7, 8]
    assert lines(tmp_path / "run", "rollbacks") == [(4, 1)]
    (_, first), (_, second) = [line for line in lines(tmp_path / "run", "generator/pixel") if line[0] == 5]
    assert first != second
    assert run.engine.attempt == 1
    assert run.stream().seed == run.engine.seed == address("attempt", 0, 1)  # other data


def test_a_run_that_never_trained_goes_back_to_its_start(tmp_path: Path) -> None:
    listener = heard(new_run(tmp_path / "run", 2, on_nonfinite="rollback", keep=9))
    assert listener.steps == [1, *range(1, STEPS + 1)]
    assert (tmp_path / "run/checkpoints/step-000000").is_dir()


def test_wrong_weights_are_gone_after_it(tmp_path: Path) -> None:
    run = new_run(tmp_path / "run", 6, weights=True, on_nonfinite="rollback")
    listener = heard(run)
    assert listener.steps == [1, 2, 3, 3, *range(4, STEPS + 1)]
    assert all(tensor.isfinite().all() for tensor in newest(tmp_path / "run").values())


def test_it_goes_back_so_many_times(tmp_path: Path) -> None:
    run = new_run(tmp_path / "run", 8, attempts=99, on_nonfinite="rollback", max_rollbacks=2)
    listener = Heard()
    with pytest.raises(NonFiniteError) as error:
        for _ in run.steps(listener):
            pass
    assert listener.steps == [1, 2, 3, 4]
    assert lines(tmp_path / "run", "rollbacks") == [(4, 1), (4, 2)]
    assert "\n    the run went back 2 times, as often as train.max_rollbacks allows\n" in str(error.value)
    assert "--set train.on_nonfinite=skip --set train.max_rollbacks=3\n" in str(error.value)


# --- resume ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("broken_after", [1, 2, 3, 5, 6, 7])
@pytest.mark.parametrize("mode", ["skip", "rollback"])
def test_a_broken_run_ends_like_an_unbroken_one(tmp_path: Path, mode: str, broken_after: int) -> None:
    """Wherever it is broken: before the numbers go wrong, between, and after."""
    options: dict[str, Any] = {"attempts": 2, "on_nonfinite": mode}
    whole = new_run(tmp_path / "whole", 4, 10, **options)
    heard(whole)
    broken = new_run(tmp_path / "broken", 4, 10, **options)
    heard(broken, broken_after)
    resumed = Run.open(tmp_path / "broken", registry=components())
    resumed.train()
    assert_equal(newest(tmp_path / "whole"), newest(tmp_path / "broken"))
    for engine in (whole.engine, resumed.engine):
        assert (engine.attempt, engine.guard.count) == ((0, 2) if mode == "skip" else (2, 0))


# --- the spec ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("train", "sentence"),
    [
        (
            {"max_skips": 3},
            "train.max_skips: it would be ignored: train.on_nonfinite is 'stop'\n"
            '    set train.on_nonfinite = "skip", or leave it at 10',
        ),
        (
            {"on_nonfinite": "skip", "max_rollbacks": 5},
            "train.max_rollbacks: it would be ignored: train.on_nonfinite is 'skip'\n"
            '    set train.on_nonfinite = "rollback", or leave it at 3',
        ),
    ],
)
def test_a_limit_of_another_way_is_refused(train: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SpecError) as error:
        resolve(tables(**train), components())
    assert str(error.value).strip() == sentence


def test_a_limit_at_its_default_is_no_mistake(tmp_path: Path) -> None:
    write_spec(tmp_path / "x.toml", {**tables(max_skips=10, max_rollbacks=3), "strategy": "pix2pix"})
