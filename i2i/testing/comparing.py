"""Where two sets of tensors differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

NAMED = 3
"""So many differences are named in a sentence."""


def unequal(one: Mapping[str, Tensor], other: Mapping[str, Tensor], within: float = 0.0) -> list[str]:
    """The names that differ by more than a tolerance, with the difference; 0 compares bit for bit.

    The tolerance is of the largest value where that is above 1.
    """
    gaps = {name: difference(one.get(name), other.get(name)) for name in {**one, **other}}
    return [
        f"{name}: {gap:.2g}" for name, gap in gaps.items() if gap > within * max(1.0, _largest(one.get(name)))
    ]


def _largest(tensor: Tensor | None) -> float:
    return 0.0 if tensor is None or not tensor.numel() else float(tensor.detach().abs().nan_to_num().max())


def difference(one: Tensor | None, other: Tensor | None) -> float:
    """The largest difference of two tensors.

    It is infinite where one of them is missing, has another shape or type, or is not finite and the other is not the
    same; nan is nan.
    """
    if one is None or other is None or (one.shape, one.dtype) != (other.shape, other.dtype):
        return torch.inf
    if torch.equal(one, other):
        return 0.0
    same = (one == other) | (one != one) & (other != other)
    gap = (one.detach().double() - other.detach().double()).abs()
    return float(torch.where(gap.isnan(), torch.inf, gap).masked_fill(same, 0.0).max())


def in_words(differences: list[str]) -> str:
    """The first few differences."""
    more = len(differences) - NAMED
    return ", ".join(differences[:NAMED]) + (f" and {more} more" if more > 0 else "")


def tensors_in(value: Any) -> Iterator[Tensor]:
    """The tensors of a result: one, or those of lists, tuples and mappings in order."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from tensors_in(each)
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from tensors_in(each)


def numbered(value: Any) -> dict[str, Tensor]:
    """The tensors of a result by their place in it."""
    return {str(place): tensor for place, tensor in enumerate(tensors_in(value))}
