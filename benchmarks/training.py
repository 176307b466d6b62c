"""Trainers that benchmarks of the step compare: a plain loop, and i2i with its settings."""

from __future__ import annotations

import itertools
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from methods import METHODS, Textbook
from plain_layers import plain
from setups import Setup, engine, finish, samples
from torch import Tensor

from i2i.core.batch import Draws
from i2i.engine.allocator import keep_freed_memory
from i2i.engine.loop import Engine
from i2i.nets.blocks import Dropout

PLAIN = "plain loop"
# fp32 sums in another order, through networks of dozens of layers and one step of Adam.
WITHIN = 2e-3


@dataclass
class Trainer:
    """Something that trains a step on a batch, and how many steps make a cycle of its phases."""

    advance: Callable[[Mapping[str, Tensor]], Mapping[str, Tensor]]
    batches: Iterator[Mapping[str, Tensor]]
    cycle: int
    setup: Setup
    keeps_memory: bool = False  # as a run on a CPU does

    def step(self) -> None:
        self.advance(next(self.batches))

    def seconds(self) -> float:
        """Of a step, averaged over a whole cycle, once a step has left memory and caches as it does."""
        keep_freed_memory(self.keeps_memory)
        self.step()
        finish(self.setup.device)
        before = self.setup.clock()
        for _ in range(self.cycle):
            self.step()
        finish(self.setup.device)
        return (self.setup.clock() - before) / self.cycle


class TorchDraws:
    """Random numbers as plain code takes them: from torch, for the whole batch at once."""

    def __init__(self, batch: int) -> None:
        self.batch = batch

    def uniform(self, like: Tensor) -> Tensor:
        return torch.rand(like.shape, device=like.device)

    def normal(self, like: Tensor) -> Tensor:
        return torch.randn(like.shape, device=like.device)

    def pairs(self) -> list[tuple[float, float]]:
        return [(pair[0], pair[1]) for pair in torch.rand(self.batch, 2).tolist()]

    def shared(self) -> float:
        return float(torch.rand(()))


def plain_loop(ours: Engine, setup: Setup) -> Textbook:
    """The plain loop on copies of an engine's networks."""
    nets = {name: plain(ours.net[name]) for name in ours.trained}
    return METHODS[setup.method].loop(nets, setup.size)


def check(book: Textbook, ours: Engine, setup: Setup, fields: Mapping[str, Tensor]) -> None:
    """Take one step with both, from equal weights, batch and random numbers, and compare the terms.

    Raises:
        SystemExit: a term differs.
    """
    draws = Draws((ours.seed, 0), range(setup.batch))
    dropouts = [m for net in book.nets.values() for m in net.modules() if isinstance(m, Dropout)]
    for dropout in dropouts:
        dropout.draws = draws
    report, terms = ours.advance(fields), book.step(fields, draws)
    for name, term in report.items():
        if not math.isclose(term.item(), terms[name].item(), rel_tol=WITHIN, abs_tol=WITHIN):
            sys.exit(f"{name} is {term.item():.6g} in i2i and {terms[name].item():.6g} in the plain loop")
    for dropout in dropouts:
        dropout.draws = None


def cycle_of(trained: Engine) -> int:
    """After how many steps the phases repeat."""
    return math.lcm(*(phase.every for phase in trained.phases))


def trainers(setup: Setup, variants: Sequence[str]) -> dict[str, Trainer]:
    """The plain loop, once it was seen to do the same as i2i in fp32, and i2i's variants."""
    given, ours = samples(setup), engine(setup, "fp32")
    book = plain_loop(ours, setup)
    check(book, ours, setup, given[0])
    found = {PLAIN: plain_trainer(book, given, cycle_of(ours), setup)}
    for variant in variants:
        each = engine(setup, variant)
        found[variant] = Trainer(each.advance, itertools.cycle(given), cycle_of(each), setup, True)
    return found


def trainer(setup: Setup, variant: str) -> Trainer:
    """One of them alone, unchecked."""
    given, ours = samples(setup), engine(setup, "fp32" if variant == PLAIN else variant)
    if variant == PLAIN:
        return plain_trainer(plain_loop(ours, setup), given, cycle_of(ours), setup)
    return Trainer(ours.advance, itertools.cycle(given), cycle_of(ours), setup, True)


def plain_trainer(book: Textbook, given: Sequence[Mapping[str, Tensor]], cycle: int, setup: Setup) -> Trainer:
    """The plain loop with torch's own random numbers."""
    draws = TorchDraws(setup.batch)
    return Trainer(lambda fields: book.step(fields, draws), itertools.cycle(given), cycle, setup)
