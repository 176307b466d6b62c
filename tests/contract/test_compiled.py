"""Compiled networks train as eager ones do."""

from __future__ import annotations

import dataclasses
import shutil

import pytest
import torch
from helpers import (
    PLAIN,
    batches,
    double,
    in_double,
    tiny_engine,
    tiny_spec,
    unequal,
    weights,
)

from i2i.engine.loop import Engine, Report
from i2i.spec.assemble import compile_networks
from i2i.spec.spec import Spec

# fp64: the same sums, fused or in another order, carried through two steps.
EXACT = 1e-10


def two_steps(spec: Spec, backend: str | None) -> tuple[Engine, list[Report]]:
    torch.compiler.reset()
    engine = in_double(tiny_engine(spec))
    if backend is not None:
        compile_networks(engine.net, list(engine.trained), backend)
        engine.settings = dataclasses.replace(engine.settings, compiled=True)
    return engine, list(engine.run(map(double, batches(spec)), 2))


def hold_against_eager(spec: Spec, backend: str) -> None:
    eager, terms = two_steps(spec, None)
    compiled, same = two_steps(spec, backend)
    for one, other in zip(terms, same, strict=True):
        assert not unequal(one, other, EXACT)
    assert not unequal(weights(eager), weights(compiled), EXACT)
    assert sum(torch._dynamo.utils.counters["stats"].values()), "nothing was compiled"


def test_inductor_is_eager() -> None:
    if shutil.which("g++") is None and shutil.which("clang++") is None:
        pytest.skip("there is no C++ compiler here, which inductor needs")
    unet = {"name": "unet", "width": 2, "depth": 2, "norm": "instance"}
    pixel = {"name": "pixel", "width": 2, "norm": "instance"}
    options = {"generator": unet, "discriminator": pixel}
    small = tiny_spec("pix2pix", options=options, data={"size": 32}, optimizers=PLAIN, train={"batch": 2})
    hold_against_eager(small, "inductor")
