"""Tiny models that were not trained, and random numbers to give them."""

from __future__ import annotations

import torch
from helpers import registry, tiny_spec
from torch import Tensor

from i2i.spec.assemble import build_parts, build_source, build_strategy
from i2i.translate.model import Model

# What a method must be told before it makes one result.
CHOSEN = {"stargan": {"domain": "red"}, "cgan": {"label": 1}, "acgan": {"label": "square"}}


def untrained(name: str) -> Model:
    """A tiny model of a method."""
    spec = tiny_spec(name)
    facts = build_source(spec, registry()).facts
    net, _ = build_parts(spec.model_copy(update={"terms": {}}), registry(), facts, losses_too=False)
    return Model(spec, build_strategy(spec, registry()), net, facts, torch.device("cpu"))


def numbers(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))
