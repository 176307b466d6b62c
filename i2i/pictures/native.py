"""Plain JPEG and PNG files by way of imagecodecs, where it is installed: the same values as Pillow's, sooner."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from PIL import ImageFile

from i2i.pictures.depth import raw_mode
from i2i.pictures.header import Header
from i2i.pictures.pixels import Pixels, with_channels

_PLAIN_PNG = frozenset({"L", "RGB", "I;16B", "RGB;16B"})

_END_OF_IMAGE = b"\xff\xd9"


def decode_native(image: ImageFile.ImageFile, header: Header) -> Pixels | None:
    """The pixels of a file that Pillow has opened, (H, W, C), not turned; None where Pillow has to read them itself.

    Only grey and RGB without alpha, palette or key: of all else, and of files that are damaged, Pillow decides. Both
    decode JPEG by libjpeg-turbo and PNG without loss, so values are equal (a JPEG library of another make may differ
    by 2 of 255). At reduced scale it gives None too.
    """
    codecs, file = _codecs(), image.fp
    if codecs is None or file is None or not _is_plain(image):
        return None
    place = file.tell()
    file.seek(0)
    data = file.read()
    file.seek(place)
    if image.format == "JPEG" and not data.endswith(_END_OF_IMAGE):
        return None  # imagecodecs would fill up what is missing
    try:
        pixels = with_channels((codecs.jpeg8_decode if image.format == "JPEG" else codecs.png_decode)(data))
    except Exception:  # damaged in any way: what Pillow says of it is what users read
        return None
    expected = (image.height, image.width, header.channels)
    return pixels if pixels.shape == expected and pixels.dtype == np.dtype(header.dtype) else None


def _is_plain(image: ImageFile.ImageFile) -> bool:
    if image.format == "JPEG":
        whole = image.decoderconfig[:1] in ((), (1,))
        return whole and image.mode in ("L", "RGB") and "progressive" not in image.info
    return image.format == "PNG" and "transparency" not in image.info and raw_mode(image) in _PLAIN_PNG


@cache
def _codecs() -> Any:
    try:
        import imagecodecs
    except ImportError:
        return None
    return imagecodecs
