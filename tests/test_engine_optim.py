"""Optimizers keep to their options; schedules to the published factors."""

from __future__ import annotations

import pytest
import torch
from helpers import registry, unequal
from torch import nn

from i2i.core.errors import SpecError
from i2i.engine import optim
from i2i.engine.optim import Exponential, Linear, constant


@pytest.mark.parametrize("steps_per_epoch", [1, 7])
def test_the_published_fall(steps_per_epoch: int) -> None:
    schedule = Linear(constant=100, decay=100)
    published = {1: 1.0, 100: 1.0, 101: 0.9901, 150: 0.50495, 199: 0.0198, 200: 0.0099}
    for epoch, factor in published.items():
        first, last = (epoch - 1) * steps_per_epoch, epoch * steps_per_epoch - 1
        # the published factors are rounded to four digits
        assert (
            schedule(first, steps_per_epoch)
            == schedule(last, steps_per_epoch)
            == pytest.approx(factor, abs=5e-5)
        )


def test_the_rate_never_turns_round_after_the_end() -> None:
    schedule = Linear(constant=1, decay=3)
    assert [schedule(step, 1) for step in range(6)] == [1.0, 0.75, 0.5, 0.25, 0.0, 0.0]


def test_a_fall_in_steps_does_not_ask_for_epochs() -> None:
    steps = Linear(constant_steps=2, decay_steps=2)
    assert [steps(step, 1000) for step in range(4)] == pytest.approx([1, 1, 2 / 3, 1 / 3])


@pytest.mark.parametrize("every", ["step", "epoch"])
def test_a_rate_that_falls_by_a_factor(every: str) -> None:
    schedule = registry().build(
        registry().resolve("schedule", {"name": "exponential", "factor": 0.5, "every": every}, "schedule"),
        {},
        {},
    )
    falls = {"step": [1, 0.5, 0.25, 0.125, 0.0625, 0.03125], "epoch": [1, 1, 0.5, 0.5, 0.25, 0.25]}
    assert [schedule(step, 2) for step in range(6)] == falls[every]


def test_a_falling_rate_stops_at_its_floor_and_never_fails() -> None:
    """The published fall of Goodfellow et al. (2014): a rate of 0.1, over 1.000004 at each step, at least 1e-6."""
    schedule = Exponential(factor=1 / 1.000004, every="step", floor=1e-5)
    assert schedule(500, 500) == pytest.approx(1.000004**-500, rel=1e-12)
    assert schedule(10**9, 500) == 1e-5 and Exponential(factor=0.1)(10**9, 1) == 0.0


@pytest.mark.parametrize(
    ("options", "key"),
    [({"factor": 0.0}, "factor"), ({"factor": 1.1}, "factor"), ({"factor": 0.5, "floor": -1.0}, "floor")],
)
def test_a_rate_cannot_rise_or_vanish(options: dict[str, float], key: str) -> None:
    with pytest.raises(SpecError, match=rf"schedule.{key}: "):
        registry().resolve("schedule", {"name": "exponential", **options}, "schedule")


def test_a_constant_rate() -> None:
    assert {constant(step, 3) for step in (0, 5, 10**6)} == {1.0}


@pytest.mark.parametrize(
    "options", [{}, {"constant": 1, "decay_steps": 5}, {"constant": 1, "constant_steps": 5}]
)
def test_a_plan_is_given_once(options: dict[str, int]) -> None:
    with pytest.raises(SpecError, match=r"schedule.constant: give the plan either in epochs"):
        registry().resolve("schedule", {"name": "linear", **options}, "schedule")


def test_every_option_reaches_torch() -> None:
    weights = [nn.Parameter(torch.zeros(1))]
    made = {
        optim.adam: (torch.optim.Adam, {"lr": 1e-3, "betas": (0.1, 0.2), "eps": 1e-5, "weight_decay": 0.3}),
        optim.adamw: (torch.optim.AdamW, {"lr": 1e-3, "betas": (0.1, 0.2), "eps": 1e-5, "weight_decay": 0.3}),
        optim.SGD: (optim.SGD, {"lr": 1e-3, "momentum": 0.9, "weight_decay": 0.3}),
        optim.rmsprop: (torch.optim.RMSprop, {"lr": 1e-3, "alpha": 0.5, "eps": 1e-5, "weight_decay": 0.3}),
    }
    for factory, (kind, options) in made.items():
        optimizer = factory(weights, **options)  # type: ignore[operator]
        assert isinstance(optimizer, kind)
        assert options.items() <= optimizer.defaults.items()


def test_adam_starts_as_published() -> None:
    defaults = optim.adam([nn.Parameter(torch.zeros(1))]).defaults
    assert (defaults["lr"], defaults["betas"], defaults["eps"]) == (2e-4, (0.5, 0.999), 1e-8)


def test_state_goes_by_the_names_of_weights_whatever_their_order() -> None:
    net = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    one = torch.optim.Adam(net.parameters())
    other = torch.optim.Adam([{"params": [*net[1].parameters()]}, {"params": [*net[0].parameters()]}])
    net(torch.ones(1, 2)).sum().backward()
    one.step()
    stored = optim.optimizer_state(net, one)
    optim.restore_optimizer(net, other, stored)
    assert not unequal(stored, optim.optimizer_state(net, other))
    assert torch.equal(other.state[net[1].bias]["exp_avg"], stored["1.bias/exp_avg"])


RISE = {"lr": 0.1, "momentum": 0.5, "final_momentum": 0.7, "momentum_steps": 4}


def descend(weight: nn.Parameter, optimizer: torch.optim.Optimizer, steps: range) -> list[float]:
    """The weight after each step down the slope of weight ** 4."""
    values = []
    for _ in steps:
        weight.grad = 4 * weight.detach() ** 3
        optimizer.step()
        values.append(weight.item())
    return values


def textbook(start: float, lr: float, momenta: list[float]) -> list[float]:
    """The same by hand: velocity = momentum × velocity + gradient, weight = weight - lr × velocity."""
    weight, velocity, values = start, 0.0, []
    for momentum in momenta:
        velocity = momentum * velocity + 4 * weight**3
        weight -= lr * velocity
        values.append(weight)
    return values


@pytest.mark.parametrize(("first", "last"), [(0.5, 0.7), (0.0, 0.5), (0.8, 0.0)])
def test_momentum_changes_linearly_and_then_stays(first: float, last: float) -> None:
    weight = nn.Parameter(torch.tensor(1.0, dtype=torch.float64))
    optimizer = optim.SGD([weight], **{**RISE, "momentum": first, "final_momentum": last})  # type: ignore[arg-type]
    momenta = [first + (last - first) * min(1, step / 4) for step in range(8)]
    # both compute in float64
    assert descend(weight, optimizer, range(8)) == pytest.approx(textbook(1.0, 0.1, momenta), rel=1e-12)


def test_without_a_change_momentum_is_that_of_torch() -> None:
    ours, theirs = (nn.Parameter(torch.tensor(1.0)) for _ in range(2))
    mine = optim.SGD([ours], lr=0.1, momentum=0.9)
    plain = torch.optim.SGD([theirs], lr=0.1, momentum=0.9)
    assert descend(ours, mine, range(5)) == descend(theirs, plain, range(5))
    assert "step" not in mine.state[ours]


@pytest.mark.parametrize("stop", [1, 3, 6])
def test_a_resumed_change_of_momentum_goes_on_exactly(stop: int) -> None:
    whole, net = (nn.Linear(1, 1, bias=False) for _ in range(2))
    for each in (whole, net):
        nn.init.ones_(each.weight)
    expected = descend(whole.weight, optim.SGD(whole.parameters(), **RISE), range(8))  # type: ignore[arg-type]
    before = optim.SGD(net.parameters(), **RISE)  # type: ignore[arg-type]
    first = descend(net.weight, before, range(stop))
    after = optim.SGD(net.parameters(), **RISE)  # type: ignore[arg-type]
    optim.restore_optimizer(net, after, optim.optimizer_state(net, before))
    assert first + descend(net.weight, after, range(stop, 8)) == expected


@pytest.mark.parametrize("half", [{"final_momentum": 0.7}, {"momentum_steps": 5}])
def test_half_a_change_of_momentum_is_refused(half: dict[str, float]) -> None:
    sentence = "final_momentum: final_momentum and momentum_steps belong together; give both or neither"
    with pytest.raises(SpecError, match=rf"optimizers.D.{sentence}"):
        registry().resolve("optimizer", {"name": "sgd", **half}, "optimizers.D")
    with pytest.raises(ValueError, match=sentence):
        optim.SGD([nn.Parameter(torch.zeros(1))], **half)  # type: ignore[arg-type]
