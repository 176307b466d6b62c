"""Tensors without contents: shapes, types, devices and gradients as ever, and no numbers.

torch has such tensors (`FakeTensorMode`), but they bring its compiler along, and importing that takes longer than
everything else that a check does.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from i2i.spec.map_shapes import META
from i2i.spec.shapes import replaced, result_of, tensors_in

CPU = torch.device("cpu")
KNOWN = frozenset({"aten::linspace", "aten::arange"})
"""Operations whose numbers some networks read while they are built."""


class HollowTensor(Tensor):
    """A tensor of which `meta` has the shape, and the storage that it shares with its views."""

    meta: Tensor

    @staticmethod
    def __new__(cls, meta: Tensor, device: torch.device) -> HollowTensor:
        made: HollowTensor = Tensor._make_wrapper_subclass(
            cls, meta.shape, meta.stride(), meta.storage_offset(), dtype=meta.dtype, device=device
        )
        made.meta = meta
        return made

    def __repr__(self, *, tensor_contents: Any = None) -> str:  # type: ignore[override]
        return f"HollowTensor({[*self.shape]}, {self.dtype})"

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        return worked_out(func, args, kwargs or {})


class Hollow(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Where new tensors have no contents; those that were there before keep theirs, and what is made of them alone."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:  # torch asks; for yes it would import its compiler
        return False

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        return worked_out(func, args, kwargs or {})


def worked_out(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What an operation gives, without its numbers; none are drawn either."""
    if func._schema.name in KNOWN:
        return func(*args, **kwargs)
    given = [*tensors_in((args, kwargs))]
    hollow = {id(each.meta): each for each in given if isinstance(each, HollowTensor)}
    if given and not hollow:
        return func(*args, **kwargs)
    device = kwargs.get("device") or next((each.device for each in given if each.device != CPU), CPU)
    args, kwargs = replaced(_meta, (args, kwargs))
    if any(argument.name == "device" for argument in func._schema.arguments):
        kwargs["device"] = META
    if "generator" in kwargs:
        kwargs["generator"] = None

    def shown(meta: Tensor) -> Tensor:
        return hollow[id(meta)] if id(meta) in hollow else HollowTensor(meta, device)

    return replaced(shown, result_of(func, args, kwargs))


def _meta(tensor: Tensor) -> Tensor:
    return tensor.meta if isinstance(tensor, HollowTensor) else tensor.to(META)
