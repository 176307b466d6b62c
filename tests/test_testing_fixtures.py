"""The fixtures that pytest finds by itself where i2i is installed, and the threads that play processes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

import i2i
from i2i.engine.loop import Engine
from i2i.engine.parallel import World
from i2i.testing.together import side_by_side

HERE = Path(__file__).parent


@pytest.mark.parametrize("layout", ["paired", "unpaired", "domains", "masks", "images"])
def test_tiny_data_of_every_layout_can_be_read(layout: str, tiny_data: Callable[..., Path]) -> None:
    registry = i2i.discover()
    ref = registry.resolve(
        "data", {"name": layout, "root": str(tiny_data(layout, count=4)), "size": 32}, "data"
    )
    source: i2i.Source = registry.build(ref, {}, {})
    assert len(source) >= 4
    assert {*source.load(0, torch.Generator().manual_seed(0))} == {*source.facts.fields} - {"target"}


def test_tiny_data_can_be_asked_for_twice(tiny_data: Callable[..., Path]) -> None:
    first, second = tiny_data("paired", count=4), tiny_data("paired", count=4, seed=1)
    pictures = [file.relative_to(first) for file in sorted(first.rglob("*.png"))]
    assert pictures
    assert all((second / name).read_bytes() != (first / name).read_bytes() for name in pictures)


def test_one_step_trains_a_method(one_step: Callable[..., Engine]) -> None:
    engine = one_step("pix2pix", pixel="l2", pixel_weight=7.0)
    assert engine.step == 1
    assert engine.phases[1].minimise["G"]["pixel"] == 7.0


def test_one_step_trains_the_method_of_a_plug_in(one_step: Callable[..., Engine]) -> None:
    engine = one_step("paired-gan", plugin=HERE / "stranger.py")
    assert engine.step == 1
    assert {"G", "D", "pool"} <= {*engine.net}


def test_threads_exchange_as_processes_do() -> None:
    def work(world: World) -> tuple[list[float], dict[str, float], str, list[float], float]:
        weight = nn.Parameter(torch.zeros(2))
        weight.grad = torch.full((2,), float(world.rank))
        world.average([weight])
        net = nn.Linear(1, 1)
        nn.init.constant_(net.weight, float(world.rank))
        world.share([net])
        x = torch.tensor(2.0 + world.rank, requires_grad=True)
        (world.total(x) * (world.rank + 1)).backward()
        assert x.grad is not None
        return (
            weight.grad.tolist(),
            world.mean({"x": torch.tensor(float(world.rank))}) | {"shared": float(net.weight.detach())},
            world.tell(f"I am {world.rank}"),
            world.gather(torch.tensor([float(world.rank)])).tolist(),
            float(x.grad),
        )

    assert side_by_side(work) == [([0.5, 0.5], {"x": 0.5, "shared": 0.0}, "I am 0", [0.0, 1.0], 3.0)] * 2


def test_a_side_that_fails_stops_the_others() -> None:
    def work(world: World) -> None:
        if world.rank == 1:
            raise ValueError("no such luck")
        world.wait()

    with pytest.raises(ValueError, match="no such luck"):
        side_by_side(work)
