"""Image files: reading their headers, decoding them without cutting any bits."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import ImageFile
from torch import Tensor

from i2i.core.errors import I2IError
from i2i.pictures.depth import bits, can_decode, decode_deep, is_grey_with_alpha, raw_mode
from i2i.pictures.opening import opened
from i2i.pictures.pixels import Pixels, to_tensor, upright, with_channels

_ORIENTATION = 0x0112
_GREY = frozenset({"1", "L", "LA", "La", "I", "F", "I;16", "I;16B", "I;16L", "I;16N"})


@dataclass(frozen=True)
class Header:
    """What a file says about its picture, before decoding.

    Attributes:
        width: of the upright picture.
        height: of the upright picture.
        channels: 1 for grey, 3 for colour; alpha does not count.
        bits: 8, 16 or 32 (floats and long integers) for each channel.
    """

    width: int
    height: int
    channels: int
    bits: int


def read_header(path: Path) -> Header:
    """Size, channels and depth of an image file, without decoding it.

    Raises:
        I2IError: it is missing, not an image, or in a form that cannot be read without loss.
    """
    with opened(path) as image:
        return _header(image, path)


def decode(path: Path) -> Pixels:
    """The picture of a file, (H, W, C), upright (EXIF), in the depth it is stored in.

    Palettes become RGB; alpha is dropped, as the published pipelines do; floats and 32-bit integers become
    float32.

    Raises:
        I2IError: as `read_header`, or the file is damaged.
    """
    with opened(path) as image:
        header = _header(image, path)
        pixels = _pixels(image, header, path)
        return upright(pixels, _orientation(image))


def read_image(path: Path) -> Tensor:
    """The picture of a file as `decode` reads it, (C, H, W).

    Raises:
        I2IError: the file cannot be read.
    """
    return to_tensor(decode(path))


def _header(image: ImageFile.ImageFile, path: Path) -> Header:
    grey = image.mode in _GREY or is_grey_with_alpha(image)
    depth = bits(image)
    if depth > 8 and image.mode not in _GREY and not can_decode(image):
        form = f"{depth}-bit colour in a form of {image.format}"
        raise I2IError(f"'{path}' stores {form} that cannot be read; save it as a 16-bit PNG")
    width, height = image.size
    if _orientation(image) >= 5:
        width, height = height, width
    return Header(width, height, 1 if grey else 3, depth)


def _orientation(image: ImageFile.ImageFile) -> int:
    # Pillow turns a TIFF upright itself; asking a PNG for EXIF that is not in its head would decode the whole file
    if image.format == "TIFF" or (image.format == "PNG" and "exif" not in image.info):
        return 1
    stored = image.getexif().get(_ORIENTATION, 1)
    return stored if stored in range(1, 9) else 1


def _pixels(image: ImageFile.ImageFile, header: Header, path: Path) -> Pixels:
    if header.bits == 8:
        mode = "L" if header.channels == 1 else "RGB"
        return with_channels(np.asarray(image if image.mode == mode else image.convert(mode)))
    if image.mode in _GREY:
        return with_channels(np.asarray(image).astype(np.uint16 if header.bits == 16 else np.float32))
    return decode_deep(path, raw_mode(image))
