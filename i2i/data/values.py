"""Between pictures as they are stored and pictures as networks see them: the one place where values change range."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from i2i.core.data import DataFacts


def to_device(fields: Mapping[str, Tensor], facts: DataFacts, device: torch.device) -> dict[str, Tensor]:
    """Move a batch in its stored type, then map its pictures to [-1, 1] as float32; maps of numbers become int64."""
    moved = {name: tensor.to(device, non_blocking=True) for name, tensor in fields.items()}
    pictures = {
        name: to_unit(moved[name], facts.value_range[name]) for name in moved if name in facts.value_range
    }
    maps = {name: moved[name].long() for name in moved if name in facts.maps}
    return moved | pictures | maps


def to_unit(stored: Tensor, value_range: tuple[float, float]) -> Tensor:
    """Stored values to [-1, 1], float32."""
    low, high = value_range
    return (stored.float() - low) * (2 / (high - low)) - 1


def from_unit(picture: Tensor, value_range: tuple[float, float], dtype: torch.dtype) -> Tensor:
    """[-1, 1] to stored values: rounded and clipped for whole-number types."""
    low, high = value_range
    values = (picture.float() + 1) * ((high - low) / 2) + low
    return values.to(dtype) if dtype.is_floating_point else values.round().clamp(low, high).to(dtype)
