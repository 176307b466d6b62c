"""Pictures of more than 8 bits, which Pillow opens as if they had 8 when they have colour or alpha."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
from PIL import Image, ImageFile, TiffImagePlugin

from i2i.pictures.pixels import Pixels

FORMATS = ("BMP", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
"""The formats that are read, whatever a file is called; for some of the others Pillow starts another program."""

_BITS_PER_SAMPLE, _PLANAR, _FORMAT, _SIGNED = 0x0102, 0x011C, 0x0153, 2
_OTHER_ENDIAN = "L" if sys.byteorder == "big" else "B"
# Pillow's unpackers of 16-bit colour keep the high byte; read in the other byte order, they keep the low one.
_SWAPPED: Mapping[str, str] = MappingProxyType(
    {f"{mode};16{one}": f"{mode};16{other}" for mode in ("RGB", "RGBA") for one, other in ("BL", "LB")}
    | {f"{mode};16N": f"{mode};16{_OTHER_ENDIAN}" for mode in ("RGB", "RGBA")}
)
_GREY_ALPHA = "LA;16B"


def raw_mode(image: ImageFile.ImageFile) -> str:
    """Pillow's name for how the file stores its pixels."""
    arguments = image.tile[0].args if image.tile else ""
    return str(arguments[0] if isinstance(arguments, tuple) else arguments)


def bits(image: ImageFile.ImageFile) -> int:
    """8, 16 or 32 (floats and long integers) for each channel."""
    if image.mode == "F":
        return 32
    if image.format == "PNG":
        return 16 if image.mode == "I" or ";16" in raw_mode(image) else 8
    if image.format == "PPM":
        return 16 if image.mode == "I" or _maximum(image) > 255 else 8
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        stored = max(image.tag_v2.get(_BITS_PER_SAMPLE, (8,)))
        return next((bits for bits in (8, 16) if stored <= bits), 32)
    return 8


def stored_type(image: ImageFile.ImageFile) -> str:
    """The type, by its name in numpy, that loses nothing of what the file stores."""
    if image.mode == "F":
        return "float32"
    if bits(image) == 8:
        return "uint8"
    signed = (
        isinstance(image, TiffImagePlugin.TiffImageFile) and max(image.tag_v2.get(_FORMAT, (1,))) == _SIGNED
    )
    return f"{'int' if signed else 'uint'}{bits(image)}"


def declared_bits(image: ImageFile.ImageFile) -> int | None:
    """The bits of whole numbers that a file says it uses, if they are fewer than those of its type."""
    if image.format == "PPM" and bits(image) == 16:
        used = _maximum(image).bit_length()
    elif isinstance(image, TiffImagePlugin.TiffImageFile):
        used = max(image.tag_v2.get(_BITS_PER_SAMPLE, (8,)))
    else:
        return None
    return used if 8 < used < 16 else None


def is_grey_with_alpha(image: ImageFile.ImageFile) -> bool:
    """Whether a file of 16 bits is grey with alpha, which Pillow opens as RGBA."""
    return raw_mode(image) == _GREY_ALPHA


def can_decode(image: ImageFile.ImageFile) -> bool:
    """Whether `decode_deep` reads this picture of 16-bit colour."""
    planar = isinstance(image, TiffImagePlugin.TiffImageFile) and image.tag_v2.get(_PLANAR, 1) != 1
    return raw_mode(image) in (*_SWAPPED, _GREY_ALPHA) and not planar


def decode_deep(path: Path, raw: str) -> Pixels:
    """Colour of 16 bits, (H, W, 3 or 4), or grey with alpha, (H, W, 2), as uint16."""
    if raw == _GREY_ALPHA:
        four = _unpack(path, "RGBA")
        return four[..., ::2] << 8 | four[..., 1::2]
    return _unpack(path, raw) << 8 | _unpack(path, _SWAPPED[raw])


def _unpack(path: Path, raw: str) -> Pixels:
    with path.open("rb") as file, Image.open(file, formats=FORMATS) as image:
        image.tile = [
            tile._replace(args=(raw, *tile.args[1:]) if isinstance(tile.args, tuple) else raw)
            for tile in image.tile
        ]
        return np.asarray(image).astype(np.uint16)


def _maximum(image: ImageFile.ImageFile) -> int:
    """The largest value that a PPM file declares, if it is not 255."""
    arguments = image.tile[0].args if image.tile else ()
    return int(arguments[1]) if isinstance(arguments, tuple) and len(arguments) == 2 else 255
