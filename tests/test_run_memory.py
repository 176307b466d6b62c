"""A step that finds too little memory ends with a sentence; what was trained before stays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import registry
from trained import command, run_tables, write_spec

import i2i
from i2i.engine.loop import Engine, Report
from i2i.run import memory
from i2i.run.memory import OutOfMemoryError
from i2i.run.run import Run
from i2i.spec import room
from i2i.spec.hollow import HollowTensor
from i2i.spec.room import Room

# On a GPU, on the CPU under Linux and Windows, by Python, and by a library.
SAYINGS = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    RuntimeError(
        "[enforce fail at alloc_cpu.cpp:119] DefaultCPUAllocator: can't allocate memory: you tried to"
    ),
    RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 4096 bytes."),
    MemoryError(),
    RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
]
ADVICE = "there is not enough memory for a step: set train.accumulate = 2"


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes the third step find no memory; what there is to set is fixed."""
    monkeypatch.setattr(memory, "no_memory", lambda job, device: (ADVICE, ("train.accumulate=2",)))
    advance = Engine.advance

    def use(error: Exception) -> None:
        def fails(engine: Engine, batch: Any) -> Report:
            if engine.step == 2:
                raise error
            return advance(engine, batch)

        monkeypatch.setattr(Engine, "advance", fails)

    yield use
    monkeypatch.setattr(Engine, "advance", advance)


@pytest.mark.parametrize("error", SAYINGS, ids=lambda error: type(error).__name__)
def test_it_is_one_sentence(tmp_path: Path, full: Any, error: Exception) -> None:
    spec = write_spec(tmp_path / "gan.toml", run_tables("gan", checkpoint_every=4))
    full(error)
    done = command("run", spec, "--out", tmp_path / "run")
    assert (done.code, done.err.strip().splitlines()[-1]) == (1, ADVICE)


def test_what_is_said_comes_from_the_spec_that_ran(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "room_on", lambda device: Room(5 * 2**20, 4 * 2**20, "this GPU"))
    advance = Engine.advance

    def fails(engine: Engine, batch: Any) -> Report:
        if not isinstance(batch["image"], HollowTensor):  # what is foreseen needs none
            raise SAYINGS[0]
        return advance(engine, batch)

    monkeypatch.setattr(Engine, "advance", fails)
    spec = write_spec(tmp_path / "star.toml", run_tables("stargan", batch=4))
    done = command("run", spec, "--out", tmp_path / "run")
    assert (done.code, done.err.strip().splitlines()[-1]) == (
        1,
        "there is not enough memory for a step (about 8 MiB predicted, 5 MiB on this GPU, 4 MiB of it free): set "
        "train.accumulate = 4 (1 sample at a time instead of 4), or data.size = 32 instead of 64",
    )


def test_a_library_gets_an_error_and_checkpoints_stay(
    tmp_path: Path, full: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = i2i.build(run_tables("gan"), registry=registry(), out=tmp_path / "run")
    full(SAYINGS[0])
    with pytest.raises(OutOfMemoryError) as error:
        run.train()
    assert isinstance(error.value.__cause__, torch.OutOfMemoryError)
    assert str(error.value) == (
        f"{ADVICE}\n    earlier checkpoints are whole; to go on: i2i resume {tmp_path / 'run'} "
        "--set train.accumulate=2"
    )
    monkeypatch.undo()
    again = Run.open(tmp_path / "run", registry=registry())
    assert again.engine.step == 2
    again.train()


def test_what_cannot_be_changed_on_resume_starts_a_new_run(
    tmp_path: Path, full: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "RESUMABLE", ("train.steps",))
    run = i2i.build(run_tables("gan"), registry=registry(), out=tmp_path / "run")
    full(SAYINGS[0])
    with pytest.raises(OutOfMemoryError) as error:
        run.train()
    assert str(error.value).splitlines()[1:] == [
        "    earlier checkpoints are whole; a new run from their weights: i2i run "
        f"{tmp_path / 'run' / 'spec.toml'} --set train.init_from={tmp_path / 'run'} --set train.accumulate=2 --out …"
    ]


def test_other_errors_stay_what_they_are(tmp_path: Path, full: Any) -> None:
    run = i2i.build(run_tables("gan"), registry=registry(), out=tmp_path / "run")
    full(RuntimeError("ours"))
    with pytest.raises(RuntimeError, match="ours"):
        run.train()


def test_a_check_says_what_a_step_needs(tmp_path: Path) -> None:
    done = command("check", write_spec(tmp_path / "gan.toml", run_tables("gan")))
    assert (done.code, done.err) == (0, "")
    (line,) = [line.strip() for line in done.out.splitlines() if "memory of a step" in line]
    assert line == "memory of a step: about 2 MiB (weights and optimizers 1 MiB, activations 1 MiB)"
