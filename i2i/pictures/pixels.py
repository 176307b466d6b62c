"""Arithmetic on decoded pictures: colour, resizing, turning. Every step keeps the stored type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn.functional import interpolate

Pixels = NDArray[Any]
"""A picture, (H, W, C), with any number of channels, in the type that it is stored in."""
Filter = Literal["bicubic", "bilinear"]
"""Pillow's filters: when a picture shrinks, they average over all of it."""

_FILTERS: Mapping[Filter, Image.Resampling] = MappingProxyType(
    {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}
)

_WIDE = ("int32", "uint32", "float64")

_TURNS: Mapping[int, Callable[[Pixels], Pixels]] = MappingProxyType(
    {
        2: lambda pixels: pixels[:, ::-1],
        3: lambda pixels: pixels[::-1, ::-1],
        4: lambda pixels: pixels[::-1],
        5: lambda pixels: pixels.swapaxes(0, 1),
        6: lambda pixels: pixels[::-1].swapaxes(0, 1),
        7: lambda pixels: pixels[::-1, ::-1].swapaxes(0, 1),
        8: lambda pixels: pixels[:, ::-1].swapaxes(0, 1),
    }
)


def upright(pixels: Pixels, orientation: int) -> Pixels:
    """A picture turned as its EXIF orientation (1 to 8) asks; other numbers ask for nothing."""
    turn = _TURNS.get(orientation)
    return turn(pixels) if turn else pixels


def to_channels(pixels: Pixels, channels: int) -> Pixels:
    """Grey made colour by repetition, or colour made grey by the ITU-R 601 luma, rounded as Pillow does."""
    if pixels.shape[2] == channels:
        return pixels
    if channels == 3:
        return np.repeat(pixels, 3, axis=2)
    red, green, blue = (pixels[..., i].astype(np.float64) for i in range(3))
    luma = (19595 * red + 38470 * green + 7471 * blue) / 65536
    return _to_type(luma[..., None], pixels.dtype)


def resize(pixels: Pixels, width: int, height: int, filter: Filter = "bicubic") -> Pixels:
    """As Pillow resizes, each channel for itself; more than 8 bits are filtered in float32.

    8 bits are resized by torch, several times as fast; they differ from Pillow's by 2 of 255 at most.
    """
    if pixels.shape[:2] == (height, width):
        return pixels
    if pixels.dtype == np.uint8 and pixels.shape[2] <= 4 and not _is_slim(pixels, width):
        return _resized_bytes(pixels, width, height, filter)
    resized = _resized_wide if pixels.dtype.name in _WIDE else _resized
    planes = [resized(pixels[..., i], width, height, filter) for i in range(pixels.shape[2])]
    stacked = planes[0][..., None] if len(planes) == 1 else np.stack(planes, axis=2)
    return _to_type(stacked, pixels.dtype)


def resize_map(numbers: NDArray[Any], width: int, height: int) -> NDArray[Any]:
    """A map of whole numbers, (H, W), to the nearest pixel, as Pillow does."""
    if numbers.shape == (height, width):
        return numbers
    whole = numbers if numbers.dtype == np.uint8 else numbers.astype(np.int32)
    resized = Image.fromarray(whole).resize((width, height), Image.Resampling.NEAREST)
    return np.asarray(resized).astype(numbers.dtype)


def cut_centre(pixels: Pixels, side: int) -> Pixels:
    """The square in the middle."""
    height, width = pixels.shape[:2]
    top, left = round((height - side) / 2), round((width - side) / 2)
    return pixels[top : top + side, left : left + side]


def to_tensor(pixels: Pixels) -> Tensor:
    """(H, W, C) to a tensor (C, H, W) of the same type, in memory of its own."""
    return torch.from_numpy(pixels.transpose(2, 0, 1).copy())


def with_channels(pixels: Pixels) -> Pixels:
    """(H, W) or (H, W, C) to (H, W, C)."""
    return pixels[..., None] if pixels.ndim == 2 else pixels


def _is_slim(pixels: Pixels, width: int) -> bool:
    """Whether Pillow goes another way: it begins with the columns of what is very high, and torch fails at width 1."""
    return width == 1 or pixels.shape[0] > 100 * pixels.shape[1]


def _resized_bytes(pixels: Pixels, width: int, height: int, filter: Filter) -> Pixels:
    planes = torch.from_numpy(np.require(pixels, requirements=["C", "W"])).permute(2, 0, 1)[None]
    resized: Tensor = interpolate(planes, size=(height, width), mode=filter, antialias=True)[0]
    return resized.permute(1, 2, 0).numpy()


def _resized(plane: Pixels, width: int, height: int, filter: Filter) -> Pixels:
    known = plane if plane.dtype == np.uint8 else plane.astype(np.float32, copy=False)
    return np.asarray(Image.fromarray(known).resize((width, height), _FILTERS[filter]))


def _resized_wide(plane: Pixels, width: int, height: int, filter: Filter) -> Pixels:
    """Numbers of more digits than float32 has, as what they are above the lowest one, in parts of the highest."""
    numbers = plane.astype(np.float64)
    low = float(numbers.min())
    span = (float(numbers.max()) - low) or 1.0
    parts: Pixels = _resized((numbers - low) / span, width, height, filter).astype(np.float64)
    return parts * span + low


def _to_type(values: Pixels, dtype: np.dtype[Any]) -> Pixels:
    """Real numbers to a stored type: rounded and clipped for whole numbers."""
    if dtype.kind == "f":
        return values.astype(dtype, copy=False)
    limits = np.iinfo(dtype)
    return np.clip(np.floor(values + 0.5), limits.min, limits.max).astype(dtype)
