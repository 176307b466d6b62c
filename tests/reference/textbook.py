"""What the textbook loops share: how they are compared with the engine."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import torch
from helpers import batches, difference, double, in_double, tiny_engine
from torch import Tensor, nn

from i2i.core.batch import Draws
from i2i.engine.loop import Engine
from i2i.nets.blocks import Dropout
from i2i.spec.spec import Spec

STEPS = 3
# fp32: sums in another order, and Adam makes of the last digit of a small gradient a share of its step: 3 of 2e-4.
# fp64: the same sums, nothing but their order.
WITHIN = {torch.float32: 5e-5, torch.float64: 1e-11}


class Textbook(Protocol):
    """A method as its authors' code trains it."""

    nets: dict[str, nn.Module]

    def step(self, x: Mapping[str, Tensor], draws: Draws) -> Mapping[str, Tensor]:
        """One step on a batch: the value of every term, as `phase/term`."""
        ...


Make = Callable[[dict[str, nn.Module]], Textbook]


def agree(spec: Spec, make: Make, dtype: torch.dtype) -> tuple[Engine, Textbook]:
    """Hold the engine against a textbook loop from equal weights, on equal batches, step by step."""
    engine = tiny_engine(spec)
    if dtype == torch.float64:
        in_double(engine)
    skipped = moved_by_rounding(spec, make)
    book = make({name: copy.deepcopy(engine.net[name]) for name in engine.trained})
    for step, batch in zip(range(STEPS), batches(spec), strict=False):
        fields = double(batch) if dtype == torch.float64 else batch
        report = engine.advance(fields)
        terms = book.step(fields, numbers(spec, step, book.nets.values()))
        assert report.keys() == terms.keys()
        for name, term in terms.items():
            assert difference(report[name], term) <= WITHIN[dtype], f"step {step}: {name}"
    for name, net in book.nets.items():
        for key, weight in net.state_dict().items():
            held = ~skipped.get(f"{name}.{key}", torch.zeros(weight.shape, dtype=torch.bool))
            if held.any():
                gap = difference(engine.net[name].state_dict()[key][held], weight[held])
                assert gap <= WITHIN[dtype], f"{name}.{key}: {gap}"
    return engine, book


def numbers(spec: Spec, step: int, nets: Sequence[nn.Module]) -> Draws:
    """The random numbers of a step, fed to the dropouts of the textbook's networks."""
    draws = Draws((spec.train.seed, step), range(spec.train.batch))
    for dropout in (m for net in nets for m in net.modules() if isinstance(m, Dropout)):
        dropout.draws = draws
    return draws


def moved_by_rounding(spec: Spec, make: Make) -> dict[str, Tensor]:
    """Which weights have a gradient that is zero but for rounding, found by steps in fp64.

    A bias before a norm is such a weight: the norm takes it out again; so are the middle taps that see a constant
    channel (a code, a label) there. Adam divides the rounding noise of such a gradient by the size of that noise, and
    so moves the weight by up to the learning rate a step, in any direction. No output depends on it; a running mean
    behind it does, and moves with it.
    """
    engine = in_double(tiny_engine(spec))
    book = make({name: copy.deepcopy(engine.net[name]) for name in engine.trained})
    sizes: dict[str, dict[str, Tensor]] = {name: {} for name in book.nets}
    for name, net in book.nets.items():
        for key, weight in net.named_parameters():
            weight.register_hook(functools.partial(_keep_largest, sizes[name], key))
    for step, batch in zip(range(STEPS), batches(spec), strict=False):
        book.step(double(batch), numbers(spec, step, book.nets.values()))
    noise = {}
    for name, known in sizes.items():
        largest = max(float(size.max()) for size in known.values())
        noise |= {f"{name}.{key}": size < 1e-12 * largest for key, size in known.items()}
    return noise


def _keep_largest(sizes: dict[str, Tensor], key: str, gradient: Tensor) -> None:
    size = gradient.detach().abs()
    sizes[key] = torch.maximum(sizes[key], size) if key in sizes else size
