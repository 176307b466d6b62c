"""Pixels that hold nothing: what networks see there, and what stands there in results."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from torch import Tensor

from i2i.pictures.carried import PictureFile
from i2i.pictures.pixels import Pixels


def fill_empty(stored: Tensor, picture: PictureFile, low: float, high: float) -> None:
    """Give pixels that hold nothing the lowest value, in place: each for itself, so that parts of a picture agree.

    A value that stands for nothing and is none of the range is replaced in single channels too.

    Args:
        stored: (C, H, W), the pixels of the picture.
        picture: where they are from.
        low: the lowest value of pictures.
        high: the highest.
    """
    values, georeference = stored.numpy(), picture.carried.georeference
    limits = np.finfo(values.dtype) if values.dtype.kind == "f" else np.iinfo(values.dtype)
    lowest = min(max(low, float(limits.min)), float(limits.max))
    nothing = None if georeference is None else georeference.nodata
    if nothing is not None and not low <= nothing <= high:
        values[_equal(values, nothing)] = lowest
    if picture.empty is not None:
        values[:, picture.empty[..., 0]] = lowest


def with_empty(pixels: Pixels, empty: Pixels | None, nothing: float) -> Pixels:
    """A result, (H, W, C), that holds nothing where its input does, and there alone: equal values move by a step."""
    value = pixels.dtype.type(nothing)
    same = _equal(pixels, nothing).all(axis=2, keepdims=True)
    if not math.isnan(nothing) and same.any():
        pixels = np.where(same, _beside(value), pixels)
    return pixels if empty is None else np.where(empty, value, pixels)


def fits(value: float | None, dtype: np.dtype[Any]) -> bool:
    """Whether a type holds a number."""
    if value is None or dtype.kind == "f":
        return value is not None
    return float(value).is_integer() and np.iinfo(dtype).min <= value <= np.iinfo(dtype).max


def _equal(values: Pixels, nothing: float) -> Pixels:
    if math.isnan(nothing):
        return np.isnan(values)
    if not fits(nothing, values.dtype):
        return np.zeros_like(values, np.bool_)
    equal: Pixels = values == values.dtype.type(nothing)
    return equal


def _beside(value: Any) -> Any:
    """The next value of its type, towards zero or up from it."""
    if value.dtype.kind == "f":
        return np.nextafter(value, value.dtype.type(0 if value else 1))
    return value + value.dtype.type(1) if value < np.iinfo(value.dtype).max else value - value.dtype.type(1)
