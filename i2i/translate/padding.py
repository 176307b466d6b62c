"""Pictures of any size: pad to what the networks need, crop back."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def pad(picture: Tensor, multiple: int, least: int = 1) -> Tensor:
    """Grow (N, C, H, W) to the right and below, until both sides are multiples, and not shorter than the least.

    Pictures are mirrored; maps of whole numbers repeat their edge, where no new border appears.
    """
    if not picture.is_floating_point():
        return _repeat_edge(picture, multiple, least)
    while (missing := _missing(picture, multiple, least)) != (0, 0):
        height, width = picture.shape[-2:]
        right, below = min(missing[1], width - 1), min(missing[0], height - 1)
        if max(right, below) == 0:  # a side of one pixel has nothing to mirror
            return F.pad(picture, (0, missing[1], 0, missing[0]), mode="replicate")
        picture = F.pad(picture, (0, right, 0, below), mode="reflect")
    return picture


def _repeat_edge(numbers: Tensor, multiple: int, least: int) -> Tensor:
    below, right = _missing(numbers, multiple, least)
    height, width = numbers.shape[-2:]
    rows = torch.arange(height + below, device=numbers.device).clamp(max=height - 1)
    columns = torch.arange(width + right, device=numbers.device).clamp(max=width - 1)
    return numbers[..., rows[:, None], columns]


def padded_side(side: int, multiple: int, least: int = 1) -> int:
    """The length of a side once it is padded."""
    return -(-max(side, least) // multiple) * multiple


def _missing(picture: Tensor, multiple: int, least: int) -> tuple[int, int]:
    height, width = picture.shape[-2:]
    return padded_side(height, multiple, least) - height, padded_side(width, multiple, least) - width
