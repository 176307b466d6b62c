"""What a strategy plans by the images seen: batches, rates, and where optimizers start anew."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor
from toy import Method, Net, pictures, size

from i2i.core.batch import Batch, Parts
from i2i.core.errors import I2IError
from i2i.core.strategy import Phase, Plan
from i2i.engine.loop import Engine, Settings
from i2i.spec.sections import HalfLife


@dataclass(frozen=True, kw_only=True)
class Growing(Method):
    """Batches of 2 until 4 images were seen, then of 4, at half the rate."""

    def plan(self, images: int) -> Plan:
        return Plan() if images < 4 else Plan(batch=4, rates={"G": 0.5}, stage=1)


def terms(net: Parts, x: Batch) -> Mapping[str, Tensor]:
    return {"size": size(net.G(x.a))}


def engine(phase: Phase | None = None, **settings: Any) -> Engine:
    torch.manual_seed(0)
    net = Parts({"G": Net().double()})
    phase = phase or Phase("generator", terms, {"G": {"size": 1.0}})
    optimizers = {"G": torch.optim.Adam(net.G.parameters(), lr=0.1)}
    return Engine(
        Growing(), net, [phase], optimizers, settings=Settings(**{"batch": 2, "ema": {}, **settings})
    )


def count(engine: Engine) -> float:
    """Steps that the optimizer knows of."""
    return float(engine.optimizers["G"].state[engine.net.G.first.weight]["step"])


def test_batch_rate_and_optimizer_follow_the_images_seen() -> None:
    it = engine()
    seen = []
    for batch in (2, 2, 4, 4):
        it.advance(pictures(batch))
        seen.append((it.images, it.rates()["G"], count(it)))
    assert seen == [(2, 0.1, 1), (4, 0.1, 2), (8, 0.05, 1), (12, 0.05, 2)]


def test_a_batch_of_another_size_than_the_planned_one_is_refused() -> None:
    it = engine()
    with pytest.raises(ValueError, match="'a' holds 4 samples, not 2"):
        it.advance(pictures(4))


def test_a_planned_batch_that_cannot_be_cut_is_refused() -> None:
    it = engine(accumulate=3, batch=3)
    it.advance(pictures(3))
    it.advance(pictures(3))
    with pytest.raises(I2IError, match=r"train\.batch: 4 cannot be cut into accumulate"):
        it.advance(pictures(4))


@pytest.mark.parametrize("after", [1, 2, 3])
def test_a_restart_knows_the_images_seen_and_the_stage(after: int) -> None:
    whole, broken, resumed = engine(), engine(), engine()
    sizes = (2, 2, 4, 4)
    for step, batch in enumerate(sizes):
        whole.advance(pictures(batch, step))
        if step < after:
            broken.advance(pictures(batch, step))
    resumed.restore(*broken.state())
    for step in range(after, 4):
        resumed.advance(pictures(sizes[step], step))
    assert resumed.images == whole.images
    assert torch.equal(resumed.net.G.first.weight, whole.net.G.first.weight)


def test_the_images_seen_are_on_the_batch() -> None:
    seen = []

    def noting(net: Parts, x: Batch) -> Mapping[str, Tensor]:
        seen.append(x.images_seen)
        return terms(net, x)

    it = engine(Phase("generator", noting, {"G": {"size": 1.0}}))
    for batch in (2, 2, 4):
        it.advance(pictures(batch))
    assert seen == [0, 2, 4]


def test_an_average_by_half_life_follows_the_batch() -> None:
    it = engine(ema={"G": lambda batch: 0.5 ** (batch / 4)})
    for batch in (2, 2):
        it.advance(pictures(batch))
    before, (old,) = it.net.G, [it.ema["G"].first.weight.clone()]
    it.advance(pictures(4))
    assert torch.allclose(it.ema["G"].first.weight, (old + before.first.weight) / 2, atol=1e-15)


def test_a_phase_may_start_later_than_at_its_first_turn() -> None:
    phase = Phase("generator", terms, {"G": {"size": 1.0}}, every=3, offset=1)
    assert [step for step in range(1, 9) if phase.runs_at(step)] == [1, 4, 7]


@pytest.mark.parametrize("accumulate", [1, 2])
def test_a_network_that_is_left_out_makes_no_step(accumulate: int) -> None:
    told: list[float] = []

    def skip(values: Mapping[str, float]) -> Collection[str]:
        told.append(values["size"])
        return ("G",) if len(told) == 2 else ()

    it = engine(Phase("generator", terms, {"G": {"size": 1.0}}, skip=skip), accumulate=accumulate)
    moved, reports = [], []
    for step in range(2):
        before = it.net.G.first.weight.clone()
        reports.append(float(it.advance(pictures(2, step))["generator/size"]))
        moved.append(not torch.equal(before, it.net.G.first.weight))
    assert moved == [True, False]
    assert told == pytest.approx(reports, rel=1e-6)  # told in fp32


@pytest.mark.parametrize(("batch", "decay"), [(4, 0.99972278), (32, 0.99778439), (256, 0.98241194)])
def test_a_half_life_in_images_gives_the_published_decays(batch: int, decay: float) -> None:
    assert HalfLife(half_life=10_000)(batch) == pytest.approx(decay, abs=5e-9)
