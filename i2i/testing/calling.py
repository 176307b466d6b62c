"""How a built component is called, read from its signature."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from torch import nn

from i2i.core.registry import Component

POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def called_with(factory: Callable[..., Any]) -> list[inspect.Parameter]:
    """The parameters of a call: those of a function that are no options, of a network's `forward`, of `__call__`."""
    if inspect.isclass(factory):
        method = factory.forward if issubclass(factory, nn.Module) else factory.__call__
        return [*inspect.signature(method).parameters.values()][1:]
    made = inspect.signature(factory).parameters.values()
    return [parameter for parameter in made if parameter.kind in POSITIONAL]


def needed(parameters: list[inspect.Parameter]) -> list[str]:
    """The names of those that have no default."""
    return [p.name for p in parameters if p.default is p.empty and p.kind in POSITIONAL]


def needs_penalty(loss: Component) -> bool:
    """Whether an adversarial loss asks for a penalty on the critic's gradient."""
    return "penalty_weight" in loss.signature.options.model_fields


def is_adversarial(loss: Component) -> bool:
    """Whether a loss judges scores: it is called with a role."""
    return "role" in [parameter.name for parameter in called_with(loss.factory)]
