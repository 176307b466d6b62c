"""3x3 convolutions of many channels in fp32 on a CPU: a third of the multiplications, by Winograd's algorithm.

Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2016, F(4x4, 3x3): tiles of 6x6 input pixels and
the kernels go through small fixed transforms; multiplied there, value by value, and summed over the channels, they give
4x4 output pixels each. Results and gradients are those of a convolution but for rounding, about four times as large as
that of torch's own kernel: 7e-6 of the largest value with 256 channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

OUT, IN = 4, 6  # side of a tile in the result, and of what it is made from
FEWEST = 256
"""With half as many channels the transforms cost what they save, in large maps more."""

PICTURE: Sequence[Sequence[float]] = [
    [4, 0, -5, 0, 1, 0],
    [0, -4, -4, 1, 1, 0],
    [0, 4, -4, -1, 1, 0],
    [0, -2, -1, 2, 1, 0],
    [0, 2, -1, -2, 1, 0],
    [0, 4, 0, -5, 0, 1],
]
KERNEL: Sequence[Sequence[float]] = [
    [1 / 4, 0, 0],
    [-1 / 6, -1 / 6, -1 / 6],
    [-1 / 6, 1 / 6, -1 / 6],
    [1 / 24, 1 / 12, 1 / 6],
    [1 / 24, -1 / 12, 1 / 6],
    [0, 0, 1],
]
RESULT: Sequence[Sequence[float]] = [
    [1, 1, 1, 1, 1, 0],
    [0, 1, -1, 2, -2, 0],
    [0, 1, 1, 4, 4, 0],
    [0, 1, -1, 8, -8, 1],
]


def pays(x: Tensor, weight: Tensor) -> bool:
    """Whether a convolution of (N, C, H, W) by (O, C, 3, 3) is one that trains faster so."""
    return (
        x.device.type == "cpu"
        and x.dtype in (torch.float32, torch.float64)
        and min(weight.shape[:2]) >= FEWEST
        and torch.is_grad_enabled()
        and not torch.is_autocast_enabled("cpu")
        and not torch.compiler.is_compiling()
    )


def convolve(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """(N, C, H + 2, W + 2) by a kernel (O, C, 3, 3) to (N, O, H, W), channels-last."""
    height, width = x.shape[2] - 2, x.shape[3] - 2
    filled = F.pad(x, (0, -width % OUT, 0, -height % OUT))  # whole tiles
    result: Tensor = _Convolution.apply(filled, weight)
    result = result[:, :, :height, :width]
    return result if bias is None else result + bias[:, None, None]


class _Convolution(torch.autograd.Function):
    """Tiles are kept for no gradient, but made again: they are more than twice as large as their picture."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        products = torch.bmm(_tiles(x), _kernels(weight).transpose(1, 2))
        n, rows, columns = _grid(x)
        made = _both(RESULT, products) @ products.flatten(1)
        made = made.view(OUT, OUT, n, rows, columns, -1).permute(2, 3, 0, 4, 1, 5)
        return made.reshape(n, OUT * rows, OUT * columns, -1).permute(0, 3, 1, 2)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None]:
        x, weight = ctx.saved_tensors
        products = _gradient_of_products(gradients[0], x)
        of_x = of_weight = None
        if ctx.needs_input_grad[0]:
            of_x = _from_tiles(torch.bmm(products, _kernels(weight)), x)
        if ctx.needs_input_grad[1]:
            kernels = torch.bmm(products.transpose(1, 2), _tiles(x)).flatten(1)
            made = _both(KERNEL, kernels).T @ kernels
            of_weight = made.view(3, 3, *weight.shape[:2]).permute(2, 3, 0, 1)
        return of_x, of_weight


def _grid(x: Tensor) -> tuple[int, int, int]:
    """Pictures, rows and columns of tiles."""
    return x.shape[0], (x.shape[2] - 2) // OUT, (x.shape[3] - 2) // OUT


def _both(transform: Sequence[Sequence[float]], like: Tensor) -> Tensor:
    """A transform along rows and along columns, as one matrix."""
    once = torch.tensor(transform, dtype=like.dtype, device=like.device)
    return torch.kron(once, once)


def _tiles(x: Tensor) -> Tensor:
    """(36, tiles, C), transformed."""
    tiles = x.permute(0, 2, 3, 1).unfold(1, IN, OUT).unfold(2, IN, OUT).permute(4, 5, 0, 1, 2, 3)
    flat = tiles.reshape(IN * IN, -1)
    return (_both(PICTURE, flat) @ flat).view(IN * IN, -1, x.shape[1])


def _kernels(weight: Tensor) -> Tensor:
    """(36, O, C), transformed."""
    flat = weight.permute(2, 3, 0, 1).reshape(9, -1)
    return (_both(KERNEL, flat) @ flat).view(IN * IN, *weight.shape[:2])


def _gradient_of_products(gradient: Tensor, x: Tensor) -> Tensor:
    """(N, O, H, W) to (36, tiles, O)."""
    n, rows, columns = _grid(x)
    cut = gradient.permute(0, 2, 3, 1).reshape(n, rows, OUT, columns, OUT, -1).permute(2, 4, 0, 1, 3, 5)
    flat = cut.reshape(OUT * OUT, -1)
    return (_both(RESULT, flat).T @ flat).view(IN * IN, n * rows * columns, -1)


def _from_tiles(tiles: Tensor, x: Tensor) -> Tensor:
    """(36, tiles, C), transformed back, to the shape of `x`: where tiles overlap, they add up."""
    n, rows, columns = _grid(x)
    flat = (_both(PICTURE, tiles).T @ tiles.flatten(1)).view(IN, IN, n, rows, columns, -1)
    whole = tiles.new_zeros(n, rows + 1, OUT, columns + 1, OUT, x.shape[1])
    parts = ((0, slice(0, OUT), OUT), (1, slice(OUT, IN), IN - OUT))
    for down, of_rows, high in parts:
        for right, of_columns, wide in parts:
            part = flat[of_rows, of_columns].permute(2, 3, 0, 4, 1, 5)
            whole[:, down : down + rows, :high, right : right + columns, :wide] += part
    joined = whole.view(n, OUT * (rows + 1), OUT * (columns + 1), -1)
    return joined[:, : x.shape[2], : x.shape[3]].permute(0, 3, 1, 2)
