"""Every adversarial loss trains every strategy, and a penalty that is asked for is minimised."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from helpers import (
    PLAIN,
    adversarial_losses,
    batches,
    double,
    in_double,
    strategies,
    tiny,
    tiny_engine,
    tiny_spec,
    train,
    unequal,
)

from i2i.engine.loop import Engine


def cases(losses: list[str]) -> Iterator[Any]:
    for name in strategies():
        for option in tiny(name).losses:
            yield from (pytest.param(name, option, loss, id=f"{name}-{option}-{loss}") for loss in losses)


PENALISED = [loss for loss, needs_penalty in adversarial_losses().items() if needs_penalty]


@pytest.mark.parametrize(("name", "option", "loss"), list(cases([*adversarial_losses()])))
def test_two_steps(name: str, option: str, loss: str) -> None:
    spec = tiny_spec(name, options={option: loss})
    one, two = train(tiny_engine(spec), spec, 2)
    assert all(term.isfinite() for term in two.values())
    assert all(float(one[term]) != float(two[term]) for term in one), "a term stands still"


@pytest.mark.parametrize(("name", "option", "loss"), list(cases(PENALISED)))
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_penalty_changes_the_critic(name: str, option: str, loss: str, precision: str) -> None:
    def after_a_step(weight: float) -> Engine:
        options = {option: {"name": loss, "penalty_weight": weight}}
        spec = tiny_spec(name, options=options, optimizers=PLAIN, train={"precision": precision})
        engine = in_double(tiny_engine(spec)) if precision == "fp32" else tiny_engine(spec)
        fields = next(batches(spec))
        engine.advance(double(fields) if precision == "fp32" else fields)
        return engine

    without, light, heavy = after_a_step(0.0), after_a_step(10.0), after_a_step(20.0)
    penalised = [
        net
        for phase in heavy.phases
        for net, row in phase.minimise.items()
        if any("penalty" in term for term in row)
    ]
    assert penalised
    for net in penalised:
        weights = [engine.net[net].state_dict() for engine in (without, light, heavy)]
        pull, twice = ({k: w[k] - weights[0][k] for k in w} for w in weights[1:])
        strongest = max(float(p.abs().max()) for p in pull.values())
        assert strongest > 1e-4
        # gradients are linear in the weight of a term; weights in fp32 have 24 bits, and some are pulled by hundreds
        within = 1e-10 if precision == "fp32" else 1e-6 * max(10.0, strongest)
        assert not unequal({k: 2 * p for k, p in pull.items()}, twice, within)
