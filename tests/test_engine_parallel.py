"""Which process works on which samples, and on which device; tests/contract runs two processes for real."""

from __future__ import annotations

import os
import re
import socket
from datetime import timedelta

import pytest
import torch
from helpers import batches, tiny_spec
from torch import nn
from trained import two_processes

from i2i.core.errors import I2IError
from i2i.data.demo import Demo
from i2i.data.stream import Stream
from i2i.engine import parallel
from i2i.engine.parallel import World, devices, first_to_say, slices


def test_a_step_is_cut_into_blocks_and_each_block_into_processes() -> None:
    assert World(0, 2).positions(0, 8, 2) == [range(0, 2), range(4, 6)]
    assert World(1, 2).positions(0, 8, 2) == [range(2, 4), range(6, 8)]
    assert World(1, 2).positions(3, 8, 1) == [range(28, 32)]


@pytest.mark.parametrize(("size", "accumulate"), [(1, 1), (1, 3), (2, 1), (2, 3), (4, 1), (4, 3), (3, 2)])
def test_every_sample_is_seen_once_and_the_data_agree(size: int, accumulate: int) -> None:
    seen = []
    for rank in range(size):
        mine = [position for part in World(rank, size).positions(5, 12, accumulate) for position in part]
        stream = Stream(Demo(count=4), seed=0, batch=12, accumulate=accumulate, rank=rank, processes=size)
        assert mine == stream.positions(60, 12)
        seen += mine
    assert sorted(seen) == list(range(60, 72))


def test_blocks_of_all_processes_are_the_block_of_one() -> None:
    alone = World().positions(2, 12, 3)
    together = [World(rank, 2).positions(2, 12, 3) for rank in (0, 1)]
    assert [[*one, *two] for one, two in zip(*together, strict=True)] == [[*block] for block in alone]


def test_micro_batches_follow_each_other_in_a_process_own_batch() -> None:
    assert slices([range(4, 6), range(12, 15)]) == [slice(0, 2), slice(2, 5)]


@pytest.mark.parametrize(
    ("batch", "accumulate", "multiple", "sentence"),
    [
        (7, 2, 1, "train.batch: 7 cannot be cut into accumulate (2) × processes (2) micro-batches; 8 can"),
        (
            4,
            1,
            3,
            "train.batch: 4 cannot be cut into accumulate (1) × processes (2) micro-batches of a multiple of 3; 6 can",
        ),
    ],
)
def test_a_batch_that_cannot_be_cut(batch: int, accumulate: int, multiple: int, sentence: str) -> None:
    world = World(0, 2)
    with pytest.raises(I2IError) as caught:
        world.check_batch(batch, accumulate, multiple)
    assert str(caught.value) == sentence
    world.check_batch(int(sentence.split("; ")[1].split()[0]), accumulate, multiple)


@pytest.mark.parametrize(
    ("processes", "batch", "end"),
    [(4, 6, "8 can, or 6 with 1 or 2 or 3 processes"), (2, 3, "4 can, or 3 with 1 process")],
)
def test_the_numbers_of_processes_that_can_share_a_batch_are_named(
    processes: int, batch: int, end: str
) -> None:
    with pytest.raises(I2IError, match=rf"; {re.escape(end)}$"):
        World(0, processes).check_batch(batch, 1, 1)


def test_a_process_that_comes_alone_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for name, value in (("WORLD_SIZE", 2), ("RANK", 0), ("MASTER_ADDR", "127.0.0.1"), ("MASTER_PORT", port)):
        monkeypatch.setenv(name, str(value))
    with pytest.raises(I2IError, match=r"^the 2 processes of this run did not all meet at 127\.0\.0\.1:"):
        World.join(timedelta(seconds=1))


DIFFERENT = """\
from i2i.core.errors import I2IError
from i2i.engine.parallel import World
world = World.join()
try:
    world.check_alike("spec", ["size = 1", f"width = {world.rank}"])
    world.wait()
except I2IError as error:
    print(error)
"""


def test_a_process_that_differs_leaves_and_the_others_say_so() -> None:
    first, second = [process.communicate(timeout=120)[0] for process in two_processes(DIFFERENT)]
    assert second.startswith("process 1 (")
    assert second.endswith(") and process 0 differ in spec: width = 1 here, width = 0 there\n")
    assert first.startswith("the other processes of this run cannot be reached any more")


def test_what_one_process_says_another_need_not_repeat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert first_to_say("an error") and first_to_say("an error")
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.delenv("MASTER_ADDR", raising=False)
    assert first_to_say("an error")  # nobody can be asked


def test_alone_nothing_is_exchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    world = World.join()
    weight = nn.Parameter(torch.ones(2))
    weight.grad = torch.full((2,), 3.0)
    world.average([weight]), world.share([nn.Linear(1, 1)]), world.wait()
    assert (world, world.is_main) == (World(), True)
    assert weight.grad.tolist() == [3, 3]
    assert world.gather(weight) is weight and world.tell("text") == "text"
    assert world.mean({"x": torch.tensor(2.0)}) == {"x": 2.0} and world.mean({}) == {}


def test_cpu_is_a_device() -> None:
    assert devices(World(), "cpu") == torch.device("cpu")
    assert devices(World(), "auto").type in ("cpu", "cuda", "mps")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("gpu", "train.device: there is no device 'gpu'; use auto, cpu, cuda, cuda:1 or mps"),
        ("meta", "train.device: there is no device 'meta'; use auto, cpu, cuda, cuda:1 or mps"),
        ("cpu:1", "train.device: there is no device 'cpu:1'; use auto, cpu, cuda, cuda:1 or mps"),
        ("cuda", "train.device: 'cuda' was asked for, but this machine has no CUDA device; use auto or cpu"),
        ("mps", "train.device: 'mps' was asked for, but this machine has none; use auto or cpu"),
    ],
)
def test_a_device_that_is_not_there(name: str, sentence: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(I2IError) as caught:
        devices(World(), name)
    assert str(caught.value) == sentence


def test_each_process_takes_its_own_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    for name in ("auto", "cuda"):
        assert devices(World(3, 4, 1), name) == torch.device("cuda", 1)
    assert devices(World(), "cuda:1") == torch.device("cuda", 1)
    sentence = "^train.device: 'cuda:2' was asked for, but this machine has 2 CUDA devices$"
    for world, name in ((World(), "cuda:2"), (World(2, 3, 2), "auto")):
        with pytest.raises(I2IError, match=sentence):
            devices(world, name)


@pytest.mark.parametrize(
    ("gpus", "backend", "chosen"),
    [(0, "gloo", None), (1, "cpu:gloo,cuda:nccl", None), (2, "cpu:gloo,cuda:nccl", 1)],
)
def test_tensors_on_any_device_can_be_exchanged(
    gpus: int, backend: str, chosen: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: dict[str, object] = {}
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    monkeypatch.setattr(torch.cuda, "set_device", lambda index: calls.update(chosen=index))
    monkeypatch.setattr(torch.distributed, "init_process_group", lambda name, **_: calls.update(backend=name))
    monkeypatch.setattr(
        torch.distributed, "rendezvous", lambda *_, **__: iter([(torch.distributed.HashStore(), 3, 4)])
    )
    monkeypatch.setattr(parallel, "meet", lambda *_: "now")
    monkeypatch.setattr(torch.distributed, "get_rank", lambda: 3)
    monkeypatch.setattr(torch.distributed, "get_world_size", lambda: 4)
    monkeypatch.setenv("WORLD_SIZE", "4")
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert World.join() == World(3, 4, 1)
    assert (calls["backend"], calls.get("chosen")) == (backend, chosen)


def test_two_processes_read_the_halves_of_one_batch() -> None:
    spec = tiny_spec("pix2pix")
    whole = next(batches(spec))["a"]
    halves = [next(batches(spec, world=World(rank, 2)))["a"] for rank in (0, 1)]
    assert torch.equal(whole, torch.cat(halves))


@pytest.mark.parametrize("name", ["", "none"])
def test_a_job_without_a_name_is_called_by_who_started_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", name)
    assert parallel.job().startswith(f"process {os.getppid()} on ")


def test_without_torchrun_there_is_no_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TORCHELASTIC_RUN_ID", raising=False)
    assert parallel.job() == ""
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "mine")
    assert parallel.job() == "mine"
