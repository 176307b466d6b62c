"""Pictures of any size: pad to what the networks need, crop back."""

from __future__ import annotations

import math

import torch.nn.functional as F
from torch import Tensor, nn


def multiple_of(modules: list[nn.Module]) -> int:
    """What the sides of a picture must be divisible by: networks say so in an attribute `multiple`."""
    return math.lcm(*(int(getattr(module, "multiple", 1)) for module in modules))


def pad(picture: Tensor, multiple: int) -> Tensor:
    """Grow (N, C, H, W) to the right and below by mirroring, until both sides are multiples."""
    while (missing := _missing(picture, multiple)) != (0, 0):
        height, width = picture.shape[-2:]
        right, below = min(missing[1], width - 1), min(missing[0], height - 1)
        if max(right, below) == 0:  # a side of one pixel has nothing to mirror
            return F.pad(picture, (0, missing[1], 0, missing[0]), mode="replicate")
        picture = F.pad(picture, (0, right, 0, below), mode="reflect")
    return picture


def _missing(picture: Tensor, multiple: int) -> tuple[int, int]:
    height, width = picture.shape[-2:]
    return -height % multiple, -width % multiple
