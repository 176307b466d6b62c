"""Losses are computed in fp32, whatever the networks ran in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

import torch
from torch import Tensor

Tensors = Tensor | Sequence["Tensors"]
"""A tensor, or a list of them, or a list of lists."""


def single(x: Tensor) -> Tensor:
    """The tensor in fp32; fp64 stays fp64."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def pair(fake: Tensor, real: Tensor) -> tuple[Tensor, Tensor]:
    """Two pictures to compare, in fp32.

    Raises:
        ValueError: one is none, they hold whole numbers (labels), or their shapes differ (torch would broadcast them).
    """
    if not isinstance(real, Tensor | list | tuple):
        raise ValueError(
            "a pixel loss compares two pictures, and there is one; the scores of a discriminator need a GAN loss"
        )
    for each in (fake, real):
        if not isinstance(each, Tensor):
            raise ValueError(f"this loss compares tensors, got a {type(each).__name__}")
        if not each.is_floating_point():
            raise ValueError(f"a pixel loss compares pictures, got labels: whole numbers ({each.dtype})")
    if fake.shape != real.shape:
        raise ValueError(
            f"a pixel loss compares equal shapes, got {tuple(fake.shape)} and {tuple(real.shape)}"
        )
    return single(fake), single(real)


def over_pairs(fake: Tensors, real: Tensors, compare: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """`compare` of two tensors in fp32, or its mean over two lists of them, one by one (lists of lists too).

    Raises:
        ValueError: the lists are not equally long, or two tensors cannot be compared.
    """
    if not (isinstance(fake, list | tuple) and isinstance(real, list | tuple)):
        return compare(*pair(cast(Tensor, fake), cast(Tensor, real)))
    if len(fake) != len(real) or not fake:
        raise ValueError(f"lists are compared tensor by tensor, got {len(fake)} and {len(real)} of them")
    each = (over_pairs(one, other, compare) for one, other in zip(fake, real, strict=True))
    return torch.stack([*each]).mean()


def over_scales(scores: Tensor | Sequence[Tensor], reduce: Callable[[Tensor], Tensor]) -> Tensor:
    """`reduce` of one map of scores, or its mean over the maps of a multi-scale discriminator."""
    if isinstance(scores, Tensor):
        return reduce(single(scores))
    return torch.stack([reduce(single(scale)) for scale in scores]).mean()
