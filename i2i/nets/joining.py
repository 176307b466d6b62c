"""Several batches through one network in a single pass, where that changes nothing but the time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd

from i2i.nets.blocks import Dropout
from i2i.nets.spectral import SpectralConv

Input = Tensor | tuple[Tensor, ...]


def joined(network: Any, *inputs: Input) -> list[Any]:
    """What a network makes of several batches, of which each is a tensor, or a tuple of what it takes.

    They go through in one pass if the network says that it works `by_sample`, none of its layers looks at other
    samples, draws random numbers or changes with every pass, and their shapes agree; else one after the other. Either
    way the results are equal, but for rounding.
    """
    batches = [each if isinstance(each, tuple) else (each,) for each in inputs]
    if not (by_sample(network) and _alike(batches)):
        return [network(*batch) for batch in batches]
    sizes = [len(batch[0]) for batch in batches]
    return _parted(network(*(torch.cat(same) for same in zip(*batches, strict=True))), sizes)


def by_sample(network: Any) -> bool:
    """Whether each sample's result is its own: it depends on no other sample, on no draw and on no earlier pass."""
    return bool(getattr(network, "by_sample", False)) and steady(network)


def steady(module: nn.Module) -> bool:
    """Whether no layer looks at other samples, draws random numbers or changes with every pass."""
    return not any(_looks_around(layer) for layer in module.modules())


def _looks_around(layer: nn.Module) -> bool:
    if isinstance(layer, Dropout | _DropoutNd):
        return layer.training and (layer.rate if isinstance(layer, Dropout) else layer.p) > 0
    return isinstance(layer, _BatchNorm | SpectralConv)


def _alike(batches: Sequence[tuple[Tensor, ...]]) -> bool:
    return len({tuple((part.shape[1:], part.dtype) for part in batch) for batch in batches}) == 1


def _parted(made: Any, sizes: Sequence[int]) -> list[Any]:
    """The result of each batch, out of a tensor, or a list or tuple of them."""
    if isinstance(made, Tensor):
        return list(torch.split(made, list(sizes)))
    return [type(made)(each) for each in zip(*(_parted(part, sizes) for part in made), strict=True)]
