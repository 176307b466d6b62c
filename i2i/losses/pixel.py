"""Distances between a picture and its target; both (N, C, H, W), the result a mean over everything.

Two equally long lists of tensors, features of several layers for example, are compared one by one: the result is the
mean of the distances.
"""

from typing import Annotated

from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from i2i.losses.precision import Tensors, over_pairs


def l1(fake: Tensors, real: Tensors) -> Tensor:
    """Mean absolute difference."""
    return over_pairs(fake, real, F.l1_loss)


def l2(fake: Tensors, real: Tensors) -> Tensor:
    """Mean squared difference."""
    return over_pairs(fake, real, F.mse_loss)


def huber(
    fake: Tensors,
    real: Tensors,
    *,
    delta: Annotated[float, Field(gt=0, description="difference at which the square becomes a line")] = 1.0,
) -> Tensor:
    """Half the squared difference when it is small, linear when it is large (Huber, 1964)."""
    return over_pairs(fake, real, lambda one, other: F.huber_loss(one, other, delta=delta))


def sobel(
    fake: Tensors,
    real: Tensors,
    *,
    scale: Annotated[int, Field(ge=1, description="pixels to a side that are averaged first")] = 1,
) -> Tensor:
    """Mean absolute difference of the edges, as Sobel's filter sees them.

    Slopes are per pixel of the picture shrunk by `scale`; its sides must keep at least three pixels.
    """
    return over_pairs(fake, real, lambda one, other: _edges(one, other, scale))


def _edges(fake: Tensor, real: Tensor, scale: int) -> Tensor:
    if fake.ndim != 4:
        raise ValueError(f"sobel needs pictures (N, C, H, W), got {tuple(fake.shape)}")
    height, width = fake.shape[2:]
    if min(height, width) // scale < 3:
        raise ValueError(
            f"sobel at scale {scale} needs sides of at least {3 * scale} pixels, got {height}x{width}"
        )
    difference = F.avg_pool2d(fake - real, scale)  # the filter is linear: edges of the difference
    across, down = _slope(difference), _slope(difference.mT)
    return (across.abs().mean() + down.abs().mean()) / 2


def _slope(x: Tensor) -> Tensor:
    """Change from left to right: smoothed over three rows, then the central difference."""
    rows = (x[..., :-2, :] + 2 * x[..., 1:-1, :] + x[..., 2:, :]) / 4
    return (rows[..., 2:] - rows[..., :-2]) / 2
