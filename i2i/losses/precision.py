"""Losses are computed in fp32, whatever the networks ran in."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor


def single(x: Tensor) -> Tensor:
    """The tensor in fp32; fp64 stays fp64."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def pair(fake: Tensor, real: Tensor) -> tuple[Tensor, Tensor]:
    """Two pictures to compare, in fp32.

    Raises:
        ValueError: one is none, or their shapes differ (torch would broadcast them).
    """
    if not isinstance(real, Tensor):
        raise ValueError(
            "a pixel loss compares two pictures, and there is one; the scores of a discriminator need a GAN loss"
        )
    if fake.shape != real.shape:
        raise ValueError(
            f"a pixel loss compares equal shapes, got {tuple(fake.shape)} and {tuple(real.shape)}"
        )
    return single(fake), single(real)


def over_scales(scores: Tensor | Sequence[Tensor], reduce: Callable[[Tensor], Tensor]) -> Tensor:
    """`reduce` of one map of scores, or its mean over the maps of a multi-scale discriminator."""
    if isinstance(scores, Tensor):
        return reduce(single(scores))
    return torch.stack([reduce(single(scale)) for scale in scores]).mean()
