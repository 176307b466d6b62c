"""Every component works where a spec may put it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers import (
    everything,
    registry,
    strategies,
    tiny_component,
    tiny_engine,
    tiny_spec,
    train,
    unequal,
)

from i2i.core.errors import I2IError
from i2i.engine import checkpoint

NETWORKS = ("generator", "discriminator", "encoder")


def places() -> Iterator[Any]:
    """Every network at every place where a strategy takes one of its kind."""
    for name in strategies():
        for option, kind in registry().get("strategy", name).signature.nested.items():
            for network in registry().names(kind) if kind in NETWORKS else ():
                yield pytest.param(name, option, kind, network, id=f"{name}-{option}-{network}")


@pytest.mark.parametrize(("name", "option", "kind", "network"), list(places()))
def test_a_network_trains_or_is_refused_in_a_sentence(
    name: str, option: str, kind: str, network: str
) -> None:
    spec = tiny_spec(name, options={option: tiny_component(kind, network)})
    try:
        engine = tiny_engine(spec)
    except I2IError as error:
        assert f"{kind} '{network}' cannot be used here" in str(error)
        return
    (report,) = train(engine, spec, 1)
    assert all(term.isfinite() for term in report.values())


@pytest.mark.parametrize("optimizer", registry().names("optimizer"))
def test_an_optimizer_continues_where_it_stopped(optimizer: str, tmp_path: Path) -> None:
    spec = tiny_spec("pix2pix", optimizers={"default": {"name": optimizer}})
    whole, resumed = tiny_engine(spec), tiny_engine(spec)
    train(whole, spec, 2)
    checkpoint.write(tmp_path / "two", *whole.state(), {})
    resumed.restore(*checkpoint.read(tmp_path / "two"))
    train(whole, spec, 4)
    train(resumed, spec, 4)
    assert not unequal(everything(whole), everything(resumed))
