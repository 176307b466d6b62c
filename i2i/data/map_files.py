"""Files that hold maps of whole numbers: read without changing a value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ImageFile

from i2i.core.errors import I2IError
from i2i.pictures.arrays import holds_booleans
from i2i.pictures.depth import bits, raw_mode
from i2i.pictures.images import decode, read_header
from i2i.pictures.opening import opened

Numbers = NDArray[Any]
"""Whole numbers, (H, W), or 8-bit colours, (H, W, 3)."""
Colour = tuple[int, int, int]
LOSSY = frozenset({".jpg", ".jpeg", ".webp"})
ARRAYS = frozenset({".npy", ".npz"})

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
    if is_array(path):
        header = read_header(path)
        return Form(header.width, header.height, coloured=header.channels > 1)
    with _opened_map(path) as image:
        return Form(*image.size, coloured=_channels(image) > 2)


def read_map(path: Path) -> MapFile:
    """The map of a file.

    Raises:
        I2IError: it cannot be read, or not without changing values.
    """
    if is_array(path):
        return MapFile(_of_array(path))
    with _opened_map(path) as image:
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


def is_array(path: Path) -> bool:
    """Whether a file holds an array, and not a picture."""
    return path.suffix.lower() in ARRAYS


def _of_array(path: Path) -> Numbers:
    pixels = decode(path)
    if holds_booleans(path):
        pixels = pixels // np.uint8(255)
    elif pixels.shape[2] == 3 and pixels.dtype == np.uint8:
        return pixels
    numbers = pixels[..., 0].astype(np.int32)  # numbers of 64 bits are decoded as floats, which hold them
    if pixels.shape[2] > 1 or not np.array_equal(numbers, pixels[..., 0]):
        raise I2IError(
            f"'{path}' is no map: {pixels.shape[2]} channel(s) of {pixels.dtype}; a map is an array of whole numbers, "
            "H×W, or of 8-bit colours, H×W×3"
        )
    return pixels[..., 0] if pixels.dtype == np.uint8 else numbers


@contextmanager
def _opened_map(path: Path) -> Iterator[ImageFile.ImageFile]:
    """A file that holds a map, and keeps its numbers."""
    with opened(path) as image:
        _check(image, path)
        yield image


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
