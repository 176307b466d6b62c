"""How maps lie in memory, and whether they are kept, changes no number of any method."""

from __future__ import annotations

from typing import Any

import pytest
from helpers import (
    PLAIN,
    batches,
    double,
    in_double,
    published_norms,
    registry,
    strategies,
    tiny_engine,
    tiny_spec,
    unequal,
    weights,
)

from i2i.core.errors import I2IError
from i2i.engine.loop import Engine, Report

# fp64: the same sums in another order, carried through two steps.
EXACT = 1e-10


def two_steps(name: str, **train: Any) -> tuple[Engine, list[Report]]:
    batch = 2 * registry().get("strategy", name).factory.multiple
    settings = {"batch": batch, **train}
    spec = tiny_spec(name, options=published_norms(name), optimizers=PLAIN, train=settings)
    engine = in_double(tiny_engine(spec))
    return engine, list(engine.run(map(double, batches(spec)), 2))


def equal(one: tuple[Engine, list[Report]], other: tuple[Engine, list[Report]]) -> bool:
    terms = all(not unequal(a, b, EXACT) for a, b in zip(one[1], other[1], strict=True))
    return terms and not unequal(weights(one[0]), weights(other[0]), EXACT)


@pytest.mark.parametrize("name", strategies())
def test_activation_checkpointing_trains_as_without(name: str) -> None:
    try:
        thrifty = two_steps(name, activation_checkpointing=True)
    except I2IError as error:
        assert str(error).startswith(
            "train.activation_checkpointing: it would be ignored: no network here has blocks"
        )
        assert name not in ("cyclegan", "stargan", "bicyclegan")
        return
    assert equal(two_steps(name), thrifty)
