"""Optimizers keep to their options; schedules to the published factors."""

from __future__ import annotations

import pytest
import torch
from helpers import registry, unequal
from torch import nn

from i2i.core.errors import SpecError
from i2i.engine import optim
from i2i.engine.optim import Linear, constant


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
        optim.sgd: (torch.optim.SGD, {"lr": 1e-3, "momentum": 0.9, "weight_decay": 0.3}),
        optim.rmsprop: (torch.optim.RMSprop, {"lr": 1e-3, "alpha": 0.5, "eps": 1e-5}),
    }
    for factory, (kind, options) in made.items():
        optimizer = factory(weights, **options)  # type: ignore[operator]
        assert type(optimizer) is kind
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
