"""Damaged pictures of every format: read, or refused with a sentence that names the file."""

from __future__ import annotations

import functools
import io
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from hypothesis import strategies as st
from PIL import Image

from i2i.core.errors import I2IError
from i2i.data.map_files import read_form, read_map
from i2i.pictures.files import read_picture, write_picture
from i2i.pictures.images import decode, read_header

from .mutate import mutated
from .specs import in_time

SIDE = 12
# Format, mode, and how Pillow is to store it.
STORED: tuple[tuple[str, str, dict[str, Any]], ...] = (
    *(("PNG", mode, {}) for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")),
    *(("JPEG", mode, {}) for mode in ("L", "RGB", "CMYK")),
    ("JPEG", "RGB", {"progressive": True}),
    ("MPO", "RGB", {}),
    ("WEBP", "RGB", {}),
    ("WEBP", "RGBA", {"lossless": True}),
    *(("BMP", mode, {}) for mode in ("1", "L", "P", "RGB")),
    *(("PPM", mode, {}) for mode in ("1", "L", "RGB", "I;16", "F")),
    *(("TIFF", mode, {}) for mode in ("1", "L", "LA", "P", "RGB", "CMYK", "I;16", "I", "F", "LAB")),
    *(("TIFF", "RGB", {"compression": how}) for how in ("tiff_lzw", "tiff_adobe_deflate", "jpeg", "packbits")),
    ("TIFF", "1", {"compression": "group4"}),
    ("GIF", "P", {}),
    ("EPS", "RGB", {}),
    ("ICO", "RGBA", {}),
    ("TGA", "RGB", {}),
)  # fmt: skip


@functools.cache
def whole() -> tuple[bytes, ...]:
    """A picture in every form, some of them turned by their EXIF."""
    noise = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE + 3, 3), np.uint8)
    plain = tuple(_stored(noise, *form) for form in STORED) + tuple(map(_turned, ("JPEG", "PNG", "WEBP")))
    return plain + tuple(_arrays(noise)) + tuple(_tiffs(noise))


def _arrays(noise: np.ndarray[Any, Any]) -> Iterator[bytes]:
    for array in (noise, noise[..., 0] / 7, noise.astype(">i2"), noise[..., 0] > 9):
        for save in (np.save, np.savez, np.savez_compressed):
            file = io.BytesIO()
            save(file, array)
            yield file.getvalue()


def _tiffs(noise: np.ndarray[Any, Any]) -> Iterator[bytes]:
    """Those that Pillow does not read."""
    five = np.concatenate([noise, noise], axis=2)[..., :5]
    for kind, compression, order, planar in (
        ("u1", None, "<", "contig"), ("u2", "lzw", ">", "contig"), ("f8", "zlib", "<", "separate"),
        ("i1", "packbits", "<", "separate"), ("f4", "zstd", ">", "contig"),
    ):  # fmt: skip
        file = io.BytesIO()
        tifffile.imwrite(
            file, five.astype(kind) if planar == "contig" else five.transpose(2, 0, 1).astype(kind),
            compression=compression, byteorder=order, planarconfig=planar, photometric="rgb", metadata=None,
        )  # fmt: skip
        yield file.getvalue()


def _stored(noise: np.ndarray[Any, Any], form: str, mode: str, options: dict[str, Any]) -> bytes:
    picture = Image.fromarray(noise)
    if mode == "I;16":
        picture = Image.fromarray(noise[..., 0].astype(np.uint16) * 257)
    elif mode == "LAB":
        picture = Image.frombytes("LAB", picture.size, noise.tobytes())
    elif mode not in ("RGB",):
        picture = picture.convert("L").convert(mode) if mode in ("I", "F") else picture.convert(mode)
    file = io.BytesIO()
    picture.save(file, form, **options)
    return file.getvalue()


def _turned(form: str) -> bytes:
    exif, file = Image.Exif(), io.BytesIO()
    exif[0x0112] = 6
    Image.new("RGB", (SIDE, 5)).save(file, form, exif=exif)
    return file.getvalue()


def cases() -> st.SearchStrategy[bytes]:
    """Damaged pictures."""
    return mutated(whole())


def check(data: bytes) -> str:
    """Read a file in every way that i2i reads pictures; what came of it."""
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(action="error"), in_time():
        path = Path(folder) / ("x.npz" if data.startswith(b"PK") else "x.png")
        path.write_bytes(data)
        outcomes = [_picture(path), _map(path)]
        assert path.read_bytes() == data, "the file was changed"
    return "read" if "read" in outcomes else "refused"


def _picture(path: Path) -> str:
    try:
        header, pixels = read_header(path), decode(path)
    except I2IError as error:
        return _refused(error, path)
    assert pixels.shape == (header.height, header.width, header.channels)
    assert pixels.dtype == header.dtype
    return _whole_file(path, pixels)


def _whole_file(path: Path, pixels: np.ndarray[Any, Any]) -> str:
    """What a file carries can be refused where its pixels are not; what is read can be written."""
    try:
        picture = read_picture(path)
    except I2IError as error:
        return _refused(error, path)
    assert np.array_equal(picture.pixels, pixels, equal_nan=pixels.dtype.kind == "f")
    with tempfile.TemporaryDirectory() as folder:
        write_picture(picture, Path(folder) / "x.tif")
    return "read"


def _map(path: Path) -> str:
    try:
        form, stored = read_form(path), read_map(path)
    except I2IError as error:
        return _refused(error, path)
    assert stored.numbers.shape == (form.height, form.width, *(3,) * form.coloured)
    return "read"


def _refused(error: I2IError, path: Path) -> str:
    """The outcome of a refusal, whose sentence must be one."""
    text = str(error)
    assert str(path) in text and "\n" not in text and len(text) < 500 and "no end within" not in text, text
    return "refused"
