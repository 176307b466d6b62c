"""Networks built small, with the facts that strategies tell, and what their forward pass is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from i2i.core.batch import Draws
from i2i.core.errors import I2IError
from i2i.core.registry import Component
from i2i.nets.blocks import Dropout
from i2i.testing.calling import POSITIONAL, called_with
from i2i.testing.workbench import SIDE, Workbench

COUNT = 2

# What networks are told, as strategies tell it.
FACTS: Mapping[str, Any] = MappingProxyType(
    {
        "in_channels": 2,
        "out_channels": 1,
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


def inputs(network: Component, facts: Mapping[str, Any], width: int = SIDE) -> dict[str, Tensor]:
    """What `forward` is called with: the picture, or the numbers that it starts from, then what its facts stand for.

    A generator is given all of it in the order of its facts; others as much as they take.
    """
    random = torch.Generator().manual_seed(1)
    made: dict[str, Tensor] = {}
    if "in_channels" in facts:
        made["image"] = torch.rand((COUNT, facts["in_channels"], SIDE, width), generator=random) * 2 - 1
    for fact, value in facts.items():
        if fact == "latent" and network.kind == "generator":
            made["z"] = torch.randn(COUNT, value, generator=random)
        elif fact == "domains":
            made["domain"] = torch.eye(value)[:COUNT]
        elif fact == "labels":
            made["label"] = torch.arange(COUNT) % value
    taken = len(made) if network.kind == "generator" else max(1, len(positional(network)))
    return dict([*made.items()][:taken])


def positional(network: Component) -> list[str]:
    """The names of what `forward` takes."""
    return [p.name for p in called_with(network.factory) if p.kind in POSITIONAL]


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


def left_behind(work: Callable[[], object]) -> str:
    """That a tensor did not move when its owner was moved to another device; empty where all did.

    The device is torch's "meta", whose tensors have no contents; what else goes wrong there is no matter.
    """
    try:
        work()
    except RuntimeError as error:
        if "expected device" in str(error) or "same device" in str(error):
            return (
                "a tensor stays behind when the rest is moved to another device, a GPU for example; make it a buffer "
                "(self.register_buffer), keep layers in nn.ModuleList, and give new tensors the device of an input"
            )
    except Exception:  # it reads numbers, which are not there
        return ""
    return ""
