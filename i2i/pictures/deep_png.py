"""PNG files of 16 bits (ISO/IEC 15948): Pillow writes none with colours or alpha."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from i2i.pictures.carried import Carried, PictureFile
from i2i.pictures.pixels import Pixels

_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}
"""By the number of samples: grey, grey with alpha, RGB, RGBA."""
_SUBTRACT_ABOVE = 2
"""The filter of every row: it holds what differs from the row above."""
_DOTS = 39.3701
"""Inches in a metre."""


def write_deep_png(picture: PictureFile, path: Path) -> None:
    """Write (H, W, 1 or 3), uint16, with its alpha."""
    pixels = picture.pixels
    samples = pixels if picture.alpha is None else np.concatenate([pixels, picture.alpha], axis=2)
    height, width, count = samples.shape
    with path.open("wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        file.write(_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, _COLOUR_TYPES[count], 0, 0, 0)))
        for kind, content in _beside(picture.carried, pixels):
            file.write(_chunk(kind, content))
        file.write(_chunk(b"IDAT", _packed(samples)))
        file.write(_chunk(b"IEND", b""))


def _packed(samples: Pixels) -> bytes:
    rows = np.ascontiguousarray(samples, ">u2").view(np.uint8).reshape(len(samples), -1)
    filtered = np.empty((len(rows), rows.shape[1] + 1), np.uint8)
    filtered[:, 0] = _SUBTRACT_ABOVE
    filtered[0, 1:] = rows[0]
    np.subtract(rows[1:], rows[:-1], out=filtered[1:, 1:])
    return zlib.compress(filtered.data)


def _beside(carried: Carried, pixels: Pixels) -> Iterator[tuple[bytes, bytes]]:
    if profile := carried.profile_for(pixels.shape[2]):
        yield b"iCCP", b"profile\0\0" + zlib.compress(profile)
    if carried.dpi is not None:
        yield b"pHYs", struct.pack(">IIB", *(round(dots * _DOTS) for dots in carried.dpi), 1)
    if exif := carried.exif_for(pixels):
        yield b"eXIf", exif.removeprefix(b"Exif\0\0")
    if carried.xmp:
        yield b"iTXt", b"XML:com.adobe.xmp" + bytes(5) + carried.xmp
    for key, text in carried.text.items():
        yield b"iTXt", key.encode("latin-1", "replace")[:79] + bytes(5) + text.encode()


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
