"""The shapes, types and layouts that the commonest operations give.

torch knows them all (its meta tensors), but most of what it says about them in Python imports its compiler. Whatever
has no rule here, or would be an error, is left to torch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from i2i.spec import map_shapes as of_maps
from i2i.spec.map_shapes import META, like, new


def tensors_in(values: Any) -> Iterator[Tensor]:
    """The tensors among the arguments or results of an operation; torch's own function for this is far slower."""
    if isinstance(values, Tensor):
        yield values
    elif isinstance(values, list | tuple | dict):
        for each in values.values() if isinstance(values, dict) else values:
            yield from tensors_in(each)


def replaced(work: Callable[[Tensor], Any], values: Any) -> Any:
    """The same with something else for each tensor."""
    if isinstance(values, Tensor):
        return work(values)
    if isinstance(values, dict):
        return {key: replaced(work, each) for key, each in values.items()}
    if isinstance(values, list | tuple):
        made = [replaced(work, each) for each in values]
        return tuple(made) if isinstance(values, tuple) else made
    return values


def result_of(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What an operation gives for meta tensors."""
    if func in RULES:
        made = RULES[func](*args, **kwargs)
        if made is not NotImplemented:
            return made
    if torch.Tag.pointwise not in func.tags or "memory_format" in kwargs:
        return func(*args, **kwargs)
    return args[0] if func._schema.is_mutable else _pointwise(func, args, kwargs)


def _pointwise(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """By broadcasting; the type is that of the operation on one real number each."""
    tensors = [*tensors_in((args, kwargs))]
    try:
        shape = torch.broadcast_tensors(*tensors)[0].shape  # type: ignore[no-untyped-call]
    except RuntimeError:
        return func(*args, **kwargs)  # which says what is wrong
    ones, options = replaced(_one, (args, {k: v for k, v in kwargs.items() if k != "device"}))
    made = func(*ones, **options)
    if not isinstance(made, Tensor):
        return func(*args, **kwargs)
    whole = next((each for each in tensors if each.shape == shape), None)
    return new(shape, made) if whole is None else like(whole, made.dtype)


def _one(tensor: Tensor) -> Tensor:
    return torch.ones((1,) * tensor.dim(), dtype=tensor.dtype)


def _reduced(x: Tensor, dims: Any = None, keep: bool = False, *, dtype: torch.dtype | None = None) -> Any:
    if not x.is_floating_point():  # sums of counts are of another type
        return NotImplemented
    over = range(x.dim()) if not dims else [each % x.dim() for each in dims]
    sides = [1 if axis in over else side for axis, side in enumerate(x.shape) if keep or axis not in over]
    return new(sides, x, dtype)


def _norm(x: Tensor, order: float = 2, dims: Any = None, keep: bool = False, **dtype: Any) -> Any:
    return _reduced(x, dims, keep, **dtype)


def _of_two(x: Tensor, target: Tensor, reduction: int = 1) -> Any:
    return NotImplemented if x.shape != target.shape else new((), x) if reduction else like(x)


def _with_logits(
    x: Tensor, target: Tensor, weight: Any = None, positive: Any = None, reduction: int = 1
) -> Any:
    return _of_two(x, target, reduction)


def _of_classes(x: Tensor, target: Tensor, weight: Any, reduction: int, ignored: int) -> Any:
    return (new((), x), new((), x)) if reduction and weight is None else NotImplemented


def _drawn(size: Sequence[int], *, dtype: torch.dtype | None = None, **_: Any) -> Tensor:
    return torch.empty(size, dtype=dtype, device=META)


def _first(first: Tensor, *_: Any, **__: Any) -> Tensor:
    return first


def _like_first(first: Tensor, *_: Any, dtype: torch.dtype | None = None, **options: Any) -> Any:
    kept = options.get("memory_format") in (None, torch.preserve_format)
    return like(first, dtype) if kept else NotImplemented


def _like_second(first: Tensor, second: Tensor, *_: Any) -> Tensor:
    return like(second)


def _sliced_back(grad: Tensor, shape: Sequence[int], *_: Any) -> Tensor:
    return new(shape, grad)


def _nothing(*_: Any, **__: Any) -> None:
    return None


def _product(one: Tensor, other: Tensor) -> Any:
    fits = one.shape[1] == other.shape[0] and one.dtype == other.dtype
    return new((one.shape[0], other.shape[1]), one) if fits else NotImplemented


def _product_and(start: Tensor, one: Tensor, other: Tensor, **_: Any) -> Any:
    fits = start.shape[-1:] in ((other.shape[1],), (1,)) and start.dtype == one.dtype
    return _product(one, other) if fits else NotImplemented


def _joined(parts: Sequence[Tensor], dim: int = 0) -> Any:
    first, dim = parts[0], dim % max(parts[0].dim(), 1)
    around = {(*part.shape[:dim], None, *part.shape[dim + 1 :]) for part in parts}
    if len(around) > 1 or len({part.dtype for part in parts}) > 1:
        return NotImplemented
    shape = [*first.shape]
    shape[dim] = sum(part.shape[dim] for part in parts)
    return torch.empty(shape, dtype=first.dtype, device=META, memory_format=of_maps.layout_of(first))


def _stacked(parts: Sequence[Tensor], dim: int = 0) -> Any:
    if len({(part.shape, part.dtype) for part in parts}) > 1:
        return NotImplemented
    first = parts[0]
    dim %= first.dim() + 1
    return new((*first.shape[:dim], len(parts), *first.shape[dim:]), first)


ATEN = torch.ops.aten
RULES: Mapping[Any, Callable[..., Any]] = MappingProxyType(
    {
        ATEN.convolution.default: of_maps.convolved,
        ATEN.convolution_backward.default: of_maps.convolved_back,
        ATEN.reflection_pad2d.default: of_maps.padded,
        ATEN.reflection_pad2d_backward.default: _like_second,
        ATEN.upsample_nearest2d.default: of_maps.resized,
        ATEN.upsample_nearest2d_backward.default: of_maps.resized_back,
        ATEN.upsample_bilinear2d.default: of_maps.resized,
        ATEN.upsample_bilinear2d_backward.default: of_maps.resized_back,
        ATEN.upsample_bicubic2d.default: of_maps.resized,
        ATEN.upsample_bicubic2d_backward.default: of_maps.resized_back,
        ATEN.avg_pool2d.default: of_maps.pooled,
        ATEN.avg_pool2d_backward.default: _like_second,
        ATEN.native_group_norm.default: of_maps.group_norm,
        ATEN.native_group_norm_backward.default: of_maps.group_norm_back,
        ATEN.native_batch_norm.default: of_maps.batch_norm,
        ATEN.native_batch_norm_backward.default: of_maps.batch_norm_back,
        ATEN.linalg_vector_norm.default: _norm,
        ATEN.mean.default: _reduced,
        ATEN.mean.dim: _reduced,
        ATEN.sum.default: _reduced,
        ATEN.sum.dim_IntList: _reduced,
        ATEN.mse_loss.default: _of_two,
        ATEN.mse_loss_backward.default: _like_second,
        ATEN.binary_cross_entropy_with_logits.default: _with_logits,
        ATEN.leaky_relu_backward.default: _like_second,
        ATEN._log_softmax.default: _like_first,
        ATEN._log_softmax_backward_data.default: _like_second,
        ATEN.nll_loss_forward.default: _of_classes,
        ATEN.nll_loss_backward.default: _like_second,
        ATEN.empty_like.default: _like_first,
        ATEN.zeros_like.default: _like_first,
        ATEN.ones_like.default: _like_first,
        ATEN.full_like.default: _like_first,
        ATEN.randn.default: _drawn,
        ATEN.randn.generator: _drawn,
        ATEN.normal_.default: _first,
        ATEN._fused_adam_.default: _nothing,
        ATEN._fused_adamw_.default: _nothing,
        ATEN.slice_backward.default: _sliced_back,
        ATEN.mm.default: _product,
        ATEN.addmm.default: _product_and,
        ATEN.cat.default: _joined,
        ATEN.stack.default: _stacked,
    }
)
