"""Where memory is too little, a sentence says which settings to change, and to what."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import torch
from helpers import registry, tiny_spec

from i2i.engine.parallel import World
from i2i.spec import room
from i2i.spec.assemble import build_source
from i2i.spec.memory import Job, Memory, predict
from i2i.spec.room import Room, memory_of, no_memory
from i2i.spec.spec import resolve
from i2i.spec.ways import accumulations, ways_out

CPU = torch.device("cpu")


def job(name: str, **sections: Any) -> Job:
    """What a tiny spec asks for."""
    spec = tiny_spec(name, **sections)
    return Job(spec, registry(), build_source(spec, registry()).facts, 8)


def given(monkeypatch: pytest.MonkeyPatch, share: float, here: Job) -> None:
    """A GPU that has so much of what a step needs."""
    total = int(share * predict(here).total)
    monkeypatch.setattr(room, "room_on", lambda device: Room(total, total, "this GPU"))


def test_a_prediction_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "predict", lambda here: Memory(int(0.9 * 2**30), int(2.3 * 2**30), 4))
    here = job("pix2pix")
    line = "memory of a step: about 3.2 GiB (weights and optimizers 922 MiB, activations 2.3 GiB)"
    monkeypatch.setattr(room, "room_on", lambda device: None)
    assert memory_of(here, CPU) == line
    monkeypatch.setattr(room, "room_on", lambda device: Room(8 * 2**30, 8 * 2**30, "this GPU"))
    assert memory_of(here, torch.device("cuda")) == f"{line}; 8.0 GiB on this GPU"
    monkeypatch.setattr(room, "room_on", lambda device: Room(8 * 2**30, 4 * 2**30, "this GPU"))
    assert memory_of(here, torch.device("cuda")) == f"{line}; 8.0 GiB on this GPU, 4.0 GiB of it free"
    monkeypatch.setattr(room, "room_on", lambda device: Room(8 * 2**30, 8 * 2**30, "this machine"))
    assert memory_of(here, CPU) == line


def test_a_step_that_will_not_fit_is_told_before(monkeypatch: pytest.MonkeyPatch) -> None:
    here = job("stargan")
    given(monkeypatch, 0.7, here)
    first, second = memory_of(here, CPU).splitlines()
    assert first.startswith("memory of a step: about ")
    assert second == (
        "this will not fit into 6 MiB on this GPU: set train.accumulate = 2 (2 samples at a time instead of 4), "
        "or data.size = 32 instead of 64"
    )


def test_what_cannot_be_foreseen_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(here: Job) -> Memory:
        raise RuntimeError("no such kernel\nand much more")

    monkeypatch.setattr(room, "predict", refuses)
    here = job("pix2pix")
    assert memory_of(here, CPU) == "memory of a step: not known: no such kernel"
    assert no_memory(here, CPU) == (
        "there is not enough memory for a step: raise train.accumulate, or lower data.size or the width of the "
        "networks",
        (),
    )


@pytest.mark.parametrize(("name", "share"), [("dcgan", 0.9), ("dcgan", 0.5), ("stargan", 0.4)])
def test_what_is_proposed_can_be_set_and_fits(name: str, share: float) -> None:
    here = job(name)
    memory = predict(here)
    ways, enough = ways_out(here, memory, share * memory.total)
    assert enough, [way.text for way in ways]
    for way in ways:
        assert way.job.spec == resolve(here.spec, registry(), way.settings)
        assert predict(way.job).total <= share * memory.total


@pytest.mark.parametrize(
    ("name", "share", "text", "settings"),
    [
        (
            "stargan",
            0.6,
            "train.accumulate = 4 (1 sample at a time instead of 4), or data.size = 32 instead of 64",
            ("train.accumulate=4",),
        ),
        (
            "pix2pix",  # nothing is left to cut, and the network is as deep as its pictures allow
            1.0,
            "data.size = 32 instead of 64 with strategy.generator.depth = 5, or strategy.generator.width = 2 instead "
            "of 4",
            ("data.size=32", "strategy.generator.depth=5"),
        ),
        (
            "stargan",
            0.01,
            "train.accumulate = 4 (1 sample at a time instead of 4) and data.size = 32 instead of 64",
            ("train.accumulate=4", "data.size=32"),
        ),
    ],
)
def test_what_to_change(
    monkeypatch: pytest.MonkeyPatch, name: str, share: float, text: str, settings: tuple[str, ...]
) -> None:
    here = job(name, train={"batch": 1 if name == "pix2pix" else 4})
    given(monkeypatch, share, here)
    sentence, changes = no_memory(here, CPU)
    before, _, ways = sentence.partition(": set ")
    assert before.startswith("there is not enough memory for a step (about ")
    assert before.endswith(" MiB on this GPU)")
    assert ways == text
    assert changes == settings


def test_where_nobody_knows_how_much_there_is_the_prediction_is_too_much(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(room, "room_on", lambda device: None)
    assert no_memory(job("stargan"), CPU)[0] == (
        "there is not enough memory for a step (about 8 MiB predicted): set train.accumulate = 2 (2 samples at a time "
        "instead of 4), or data.size = 32 instead of 64"
    )


def test_every_batch_that_is_planned_can_be_cut() -> None:
    here = job(
        "stylegan", options={"batches": [(8, 12), (16, 8), (32, 4)]}, train={"batch": 16, "steps": 100}
    )
    cuts = [way.job.spec.train.accumulate for way in accumulations(here)]
    assert cuts == [2, 4]


def test_a_cut_leaves_whole_micro_batches_to_every_process() -> None:
    here = dataclasses.replace(job("bicyclegan", train={"batch": 24}), world=World(size=2))
    assert [way.job.spec.train.accumulate for way in accumulations(here)] == [
        2,
        3,
        6,
    ]  # of 2 samples at least


def test_this_machine_has_memory() -> None:
    found = room.room_on(CPU)
    assert found is None or found.total >= found.free > 2**28
