"""The shapes that operations on feature maps (N, C, H, W) give: convolution, padding, resizing, pooling, norms.

Each takes meta tensors and the arguments of torch's operation of that name; NotImplemented leaves the case to torch.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

META = torch.device("meta")
Pair = Sequence[int]


def layout_of(x: Tensor) -> torch.memory_format:
    """Channels-last, or contiguous."""
    last = x.dim() == 4 and x.is_contiguous(memory_format=torch.channels_last) and not x.is_contiguous()
    return torch.channels_last if last else torch.contiguous_format


def new(shape: Iterable[int], x: Tensor, dtype: torch.dtype | None = None) -> Tensor:
    """A tensor of another shape, contiguous."""
    return torch.empty([*shape], dtype=dtype or x.dtype, device=META)


def maps(sides: Iterable[int], x: Tensor, channels: int | None = None) -> Tensor:
    """Maps of other sides in the layout of `x`."""
    shape = [x.shape[0], x.shape[1] if channels is None else channels, *sides]
    layout = layout_of(x) if len(shape) == 4 else torch.contiguous_format
    return torch.empty(shape, dtype=x.dtype, device=META, memory_format=layout)


def like(x: Tensor, dtype: torch.dtype | None = None) -> Tensor:
    """A tensor of the same shape and layout."""
    return torch.empty(x.shape, dtype=dtype or x.dtype, device=META, memory_format=layout_of(x))


def convolved(
    x: Tensor,
    weight: Tensor,
    bias: Any,
    stride: Pair,
    border: Pair,
    dilation: Pair,
    transposed: bool,
    beyond: Pair,
    groups: int,
) -> Any:
    """aten.convolution."""
    channels, made = (weight.shape[0], weight.shape[1] * groups) if transposed else weight.shape[1::-1]
    if x.dim() != weight.dim() or x.shape[1] != channels * (1 if transposed else groups):
        return NotImplemented
    steps = [
        each if len(each) == x.dim() - 2 else [*each] * (x.dim() - 2)
        for each in (stride, border, dilation, beyond)
    ]
    kernels = [reach * (side - 1) for reach, side in zip(steps[2], weight.shape[2:], strict=True)]
    sizes = zip(x.shape[2:], kernels, steps[0], steps[1], steps[3], strict=True)
    if transposed:
        sides = [(side - 1) * step - 2 * pad + reach + more + 1 for side, reach, step, pad, more in sizes]
    else:
        sides = [(side + 2 * pad - reach - 1) // step + 1 for side, reach, step, pad, _ in sizes]
    if min(sides) < 1:
        return NotImplemented
    return maps(sides, _as_convolved(x, weight), made)


def _as_convolved(x: Tensor, weight: Tensor) -> Tensor:
    """Like `x`, in the layout of what a convolution gives: channels-last if `x` or the weight is."""
    layout = layout_of(weight) if layout_of(x) == torch.contiguous_format else layout_of(x)
    return torch.empty(x.shape, dtype=x.dtype, device=META, memory_format=layout)


def convolved_back(grad: Tensor, x: Tensor, weight: Tensor, bias: Any, *rest: Any) -> Any:
    """aten.convolution_backward."""
    wanted = rest[-1]
    made = [_as_convolved(x, weight), _as_convolved(weight, x), new((grad.shape[1],), x)]
    return tuple(each if want else None for each, want in zip(made, wanted, strict=True))


def padded(x: Tensor, border: Pair) -> Any:
    """aten.reflection_pad2d."""
    left, right, top, bottom = border
    height, width = x.shape[-2:]
    if x.dim() != 4 or max(left, right) >= width or max(top, bottom) >= height:
        return NotImplemented
    return maps((height + top + bottom, width + left + right), x)


def resized(x: Tensor, sides: Pair, *_: Any) -> Tensor:
    """aten.upsample_nearest2d, upsample_bilinear2d, upsample_bicubic2d."""
    return maps(sides, x)


def resized_back(grad: Tensor, sides: Pair, shape: Pair, *_: Any) -> Tensor:
    """The gradients of those."""
    return maps(shape[2:], grad)


def pooled(
    x: Tensor, kernel: Pair, stride: Pair = (), border: Pair = (0,), ceil: bool = False, *_: Any
) -> Any:
    """aten.avg_pool2d."""
    if ceil or x.dim() != 4:
        return NotImplemented
    step = stride or kernel
    sizes = [
        (x.shape[2 + axis], *(each[axis % len(each)] for each in (kernel, step, border))) for axis in (0, 1)
    ]
    sides = [(side + 2 * pad - reach) // by + 1 for side, reach, by, pad in sizes]
    return maps(sides, x) if min(sides) > 0 else NotImplemented


def group_norm(
    x: Tensor, weight: Any, bias: Any, n: int, channels: int, size: int, groups: int, *_: Any
) -> Any:
    """aten.native_group_norm: the maps, means and spreads."""
    return like(x), new((n, groups), x), new((n, groups), x)


def group_norm_back(grad: Tensor, x: Tensor, mean: Any, spread: Any, weight: Any, *rest: Any) -> Any:
    """aten.native_group_norm_backward."""
    return _gradients(x, weight, rest[-1])


def batch_norm(x: Tensor, weight: Any, bias: Any, mean: Any, variance: Any, training: bool, *_: Any) -> Any:
    """aten.native_batch_norm: the maps, means and spreads."""
    dtype = x.dtype if weight is None else weight.dtype
    channels = x.shape[1] if training else 0
    return like(x), new((channels,), x, dtype), new((channels,), x, dtype)


def batch_norm_back(grad: Tensor, x: Tensor, weight: Any, *rest: Any) -> Any:
    """aten.native_batch_norm_backward."""
    return _gradients(x, weight, rest[-1])


def _gradients(x: Tensor, weight: Any, wanted: Sequence[bool]) -> Any:
    """Of the maps, of weight and of bias."""
    dtype = x.dtype if weight is None else weight.dtype
    made = [like(x), new((x.shape[1],), x, dtype), new((x.shape[1],), x, dtype)]
    return tuple(each if want else None for each, want in zip(made, wanted, strict=True))
