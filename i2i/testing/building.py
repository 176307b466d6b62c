"""Networks built small, with the facts that strategies tell, and what their forward pass is given."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from i2i.core.batch import Draws
from i2i.core.errors import I2IError
from i2i.core.registry import Component
from i2i.nets.blocks import Dropout
from i2i.testing.workbench import SIDE, Workbench

COUNT = 2
# What networks are told, as strategies tell it.
FACTS: Mapping[str, Any] = MappingProxyType(
    {
        "in_channels": 3,
        "out_channels": 3,
        "image_size": SIDE,
        "resolution": SIDE,
        "aspect": 1.0,
        "latent": 4,
        "domains": 3,
        "labels": 3,
        "classes": 3,
        "features": False,
    }
)
# What `forward` is given after the picture, in the order of the facts that ask for it.
TOLD = ("latent", "domains", "labels")
IMAGE_ONLY = ("discriminator", "encoder")


def facts_of(bench: Workbench, network: Component) -> dict[str, Any]:
    """The facts that a network is built with.

    Raises:
        I2IError: it needs one that nobody told.
    """
    told = {**FACTS, **bench.facts(network)}
    unknown = [fact for fact in network.signature.required_facts if fact not in told]
    if unknown:
        raise I2IError(
            f"it is told {', '.join(unknown)}, which this check knows no value for; give one: "
            f'small = {{"{network.kind}.{network.name}": {{"{unknown[0]}": …}}}}'
        )
    return {fact: told[fact] for fact in network.signature.facts if fact in told}


def inputs(network: Component, facts: Mapping[str, Any]) -> dict[str, Tensor]:
    """What `forward` is called with: the picture, or the random numbers that it starts from, then what it was told."""
    random = torch.Generator().manual_seed(1)
    made: dict[str, Tensor] = {}
    if "in_channels" in facts:
        shape = (COUNT, facts["in_channels"], SIDE, SIDE)
        made["image"] = torch.rand(shape, generator=random) * 2 - 1
    if "latent" in facts and network.kind == "generator":
        made["z"] = torch.randn(COUNT, facts["latent"], generator=random)
    if "domains" in facts and network.kind == "generator":
        made["domain"] = torch.eye(facts["domains"])[:COUNT]
    if "labels" in facts:
        made["label"] = torch.arange(COUNT) % facts["labels"]
    return made


def built(bench: Workbench, network: Component, options: Mapping[str, Any] | None = None) -> nn.Module:
    """A small one.

    Raises:
        I2IError: it cannot be built.
    """
    made = bench.build(network, options or {}, facts_of(bench, network))
    if not isinstance(made, nn.Module):
        raise I2IError(f"it builds {type(made).__name__}, which is no torch.nn.Module")
    return made


def ran(module: nn.Module, given: Mapping[str, Tensor]) -> Any:
    """A forward pass, its dropout drawn from numbers of the samples."""
    for layer in module.modules():
        if isinstance(layer, Dropout):
            layer.draws = Draws(("check",), range(len(next(iter(given.values())))))
    return module(*given.values())
