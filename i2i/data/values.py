"""Between pictures as they are stored and pictures as networks see them: the one place where values change range."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from i2i.core.data import DataFacts

WIDE = frozenset({torch.int32, torch.uint32, torch.int64, torch.float64})
"""Types of more digits than float32 has."""


def to_device(fields: Mapping[str, Tensor], facts: DataFacts, device: torch.device) -> dict[str, Tensor]:
    """Move a batch in its stored type, then map its pictures to [-1, 1] as float32; maps of numbers become int64.

    Types of more than 24 digits, which some devices lack, are mapped before they move.
    """
    early = {name: tensor for name, tensor in fields.items() if tensor.dtype in WIDE}
    fields = {**fields, **_pictures(early, facts)}
    moved = {name: tensor.to(device, non_blocking=True) for name, tensor in fields.items()}
    late = {name: tensor for name, tensor in moved.items() if name not in early}
    maps = {name: moved[name].long() for name in moved if name in facts.maps}
    return moved | _pictures(late, facts) | maps


def _pictures(fields: Mapping[str, Tensor], facts: DataFacts) -> dict[str, Tensor]:
    """The pictures among the fields, in [-1, 1]."""
    ranges = facts.value_range
    return {name: to_unit(tensor, ranges[name]) for name, tensor in fields.items() if name in ranges}


def to_unit(stored: Tensor, value_range: tuple[float, float]) -> Tensor:
    """Stored values to [-1, 1], float32; what is outside of the range lies beyond."""
    low, high = value_range
    values = stored.cpu().double() if stored.dtype in WIDE else stored.float()
    return ((values - low) * (2 / (high - low)) - 1).float().to(stored.device)


def from_unit(picture: Tensor, value_range: tuple[float, float], dtype: torch.dtype) -> Tensor:
    """[-1, 1] to stored values: rounded and clipped for whole-number types; `WIDE` ones are made on the CPU."""
    low, high = value_range
    values = picture.cpu().double() if dtype in WIDE else picture.float()
    values = (values + 1) * ((high - low) / 2) + low
    return values.to(dtype) if dtype.is_floating_point else values.round().clamp(low, high).to(dtype)
