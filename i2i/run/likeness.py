"""How pictures differ, and how alike they are: three numbers."""

from __future__ import annotations

from torch import Tensor

from i2i.losses import single

RANGE = 2.0  # of pictures in [-1, 1]
FLAT = 1e-3  # standard deviation of grey values below which a picture is one


def spread(pictures: Tensor) -> float:
    """How much pictures (N, C, H, W) differ: the standard deviation over them, a mean over values, by their range."""
    return float(single(pictures).std(0).mean()) / RANGE


def distance(one: Tensor, other: Tensor) -> float:
    """The mean difference of two batches of pictures, by their range."""
    return float((single(one) - single(other)).abs().mean()) / RANGE


def correlation(one: Tensor, other: Tensor) -> float | None:
    """The correlation of the grey values of two batches of pictures: that of each pair, a mean over the pairs.

    None where they cannot be compared: other sizes, neither grey nor colour, or only flat pictures.
    """
    greys = [single(pictures).mean(1).flatten(1) for pictures in (one, other) if pictures.shape[1] in (1, 3)]
    if len(greys) < 2 or one.shape[2:] != other.shape[2:] or len(one) != len(other):
        return None
    away = [grey - grey.mean(1, keepdim=True) for grey in greys]
    size = [grey.std(1, correction=0) for grey in greys]
    seen = (size[0] > FLAT) & (size[1] > FLAT)
    each = (away[0] * away[1]).mean(1)[seen] / (size[0] * size[1])[seen]
    return float(each.mean()) if seen.any() else None
