"""Files that hold maps of whole numbers: read without changing a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ImageFile

from i2i.core.errors import I2IError
from i2i.pictures.depth import bits, raw_mode
from i2i.pictures.opening import opened

Numbers = NDArray[Any]
"""Whole numbers, (H, W), or 8-bit colours, (H, W, 3)."""
Colour = tuple[int, int, int]
LOSSY = frozenset({".jpg", ".jpeg", ".webp"})

_LOSSY_FORMATS = frozenset({"JPEG", "MPO", "WEBP"})
_ONE_NUMBER = frozenset({"1", "L", "P", "I", "I;16", "I;16B", "I;16L", "I;16N"})
# Pillow spreads the numbers of these over 0 to 255.
_SPREAD: Mapping[str, int] = MappingProxyType({"L;2": 85, "L;4": 17})


@dataclass(frozen=True)
class MapFile:
    """What a file of a map holds.

    Attributes:
        numbers: the stored numbers, or colours; of a file with a palette the numbers, not the colours.
        palette: the colours of a file with a palette, by number.
    """

    numbers: Numbers
    palette: tuple[Colour, ...] = ()


@dataclass(frozen=True)
class Form:
    """What a file says about its map, before decoding."""

    width: int
    height: int
    coloured: bool


def read_form(path: Path) -> Form:
    """Size and kind of a map.

    Raises:
        I2IError: it cannot be read, or not without changing values.
    """
    with opened(path) as image:
        _check(image, path)
        return Form(*image.size, coloured=_channels(image) > 2)


def read_map(path: Path) -> MapFile:
    """The map of a file.

    Raises:
        I2IError: it cannot be read, or not without changing values.
    """
    with opened(path) as image:
        _check(image, path)
        spread = _SPREAD.get(raw_mode(image), 1)  # known until the pixels are read
        if _channels(image) > 2:
            return MapFile(np.asarray(image.convert("RGB")))
        numbers = np.asarray(image if _channels(image) == 1 else image.getchannel(0))
        flat = (image.getpalette() or []) if image.mode == "P" else []
        palette = tuple(zip(flat[::3], flat[1::3], flat[2::3], strict=True))
        return MapFile(_whole(numbers) // spread, palette)


def instances_of(numbers: Numbers) -> Numbers:
    """The numbers that tell instances apart, int32; colours are read as red + 256·green + 65536·blue."""
    if numbers.ndim == 2:
        return numbers.astype(np.int32)
    wide = numbers.astype(np.int32)
    found: Numbers = wide[..., 0] + (wide[..., 1] << 8) + (wide[..., 2] << 16)
    return found


def _check(image: ImageFile.ImageFile, path: Path) -> None:
    if image.format in _LOSSY_FORMATS:
        raise I2IError(
            f"'{path}' is a {'WebP' if image.format == 'WEBP' else 'JPEG'} file, which changes the numbers of a map; "
            "save the original as PNG"
        )
    if image.mode == "F":
        raise I2IError(f"'{path}' holds real numbers; a map holds whole numbers: save it as PNG")
    if image.mode not in _ONE_NUMBER and bits(image) > 8:
        raise I2IError(f"'{path}' stores 16 bits for each colour; save its numbers as a grey PNG")


def _channels(image: ImageFile.ImageFile) -> int:
    return len(image.getbands())


def _whole(numbers: Numbers) -> Numbers:
    """8 bits as they are; more, in whatever order of bytes, as int32."""
    return numbers.astype(np.uint8 if numbers.dtype.itemsize == 1 else np.int32)
