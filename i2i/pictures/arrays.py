"""Pictures in numpy's own files: `.npy`, and `.npz` of one array."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as numpy_format

from i2i.core.errors import I2IError
from i2i.core.words import and_more
from i2i.pictures.carried import Carried, PictureFile
from i2i.pictures.header import Header
from i2i.pictures.opening import check_file, check_size, damaged, in_sentences
from i2i.pictures.pixels import Pixels, with_channels
from i2i.pictures.stored_types import nearest_type, to_stored

NPY_MAGIC, NPZ_MAGIC = b"\x93NUMPY", b"PK\x03\x04"
KEY = "image"
"""What the array of a `.npz` is called, if there are several, or none had a name."""
_FEW = 8
"""A first axis of so many or fewer, before a longer last one, is one of channels."""


def read_header(path: Path) -> Header:
    """Size, channels and type, without reading the numbers.

    Raises:
        I2IError: the file is damaged, or its array is no picture.
    """
    with _member(path) as (_, file, size):
        shape, dtype = _head(file, size, path)
        return Header(shape[1], shape[0], shape[2] if len(shape) == 3 else 1, nearest_type(dtype))


def read_pixels(path: Path) -> Pixels:
    """The array, (H, W, C).

    Raises:
        I2IError: as `read_header`.
    """
    return read_picture(path).pixels


def read_picture(path: Path) -> PictureFile:
    """The array, and what it is called.

    Raises:
        I2IError: as `read_header`.
    """
    with _member(path) as (key, file, size):
        _head(file, size, path)
        file.seek(0)
        values = numpy_format.read_array(file)  # of numbers: it opens no pickle unless it is told to
        return PictureFile(
            with_channels(to_stored(values, path)), None, Carried(key=key, flat=values.ndim == 2)
        )


def holds_booleans(path: Path) -> bool:
    """Whether the numbers are only true and false, which pictures show as 255 and 0.

    Raises:
        I2IError: as `read_header`.
    """
    with _member(path) as (_, file, size):
        return _head(file, size, path)[1] == np.bool_


def write_npy(picture: PictureFile, path: Path) -> None:
    """An array, H×W×C, or H×W if the one that was read was."""
    with path.open("wb") as file:
        numpy_format.write_array(file, _shaped(picture))


def write_npz(picture: PictureFile, path: Path) -> None:
    """An array in a compressed file, under the name that it had."""
    name = f"{picture.carried.key or KEY}.npy"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        entry = zipfile.ZipInfo(name)  # without the time, so that equal pictures are equal files
        entry.compress_type = zipfile.ZIP_DEFLATED
        with archive.open(entry, "w", force_zip64=True) as file:
            numpy_format.write_array(file, _shaped(picture))


def _shaped(picture: PictureFile) -> Pixels:
    flat = picture.carried.flat and picture.pixels.shape[2] == 1
    return picture.pixels[..., 0] if flat else picture.pixels


@contextmanager
def _member(path: Path) -> Iterator[tuple[str, IO[bytes], int]]:
    """The array of a file: what it is called, its bytes, and how many they are."""
    check_file(path)
    with in_sentences(path), path.open("rb") as file:
        if file.read(4) != NPZ_MAGIC:
            file.seek(0)
            yield "", file, path.stat().st_size
            return
        with zipfile.ZipFile(file) as archive:
            entry = _only(archive, path)
            with archive.open(entry) as member:
                yield entry.filename.removesuffix(".npy"), member, entry.file_size


def _only(archive: zipfile.ZipFile, path: Path) -> zipfile.ZipInfo:
    entries = {entry.filename.removesuffix(".npy"): entry for entry in archive.infolist()}
    if len(entries) != 1 and KEY not in entries:
        names = [f"'{name[:40]}'" for name in list(entries)[:5]]
        held = f"{', '.join(names)}{and_more(len(entries) - len(names))}" if names else "nothing"
        raise I2IError(
            f"'{path}' holds {held}, and a picture is one array; leave only one, or call it '{KEY}'"
        )
    return entries[KEY] if KEY in entries else next(iter(entries.values()))


def _head(file: IO[bytes], size: int, path: Path) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Shape and type of an array that is a picture, and all there."""
    version = numpy_format.read_magic(file)
    if version not in ((1, 0), (2, 0)):
        raise I2IError(f"'{path}' holds records or strings; a picture is an array of numbers, H×W or H×W×C")
    read = numpy_format.read_array_header_1_0 if version == (1, 0) else numpy_format.read_array_header_2_0
    shape, _, dtype = read(file)
    if not nearest_type(dtype):
        raise I2IError(f"'{path}' holds {_kind(dtype)}; a picture is an array of numbers, H×W or H×W×C")
    _check_shape(shape, path)
    check_size(path, shape[1], shape[0], math.prod(shape[2:]) * dtype.itemsize)
    if size - file.tell() < math.prod(shape) * dtype.itemsize:
        raise damaged(path, "it ends too early")
    return shape, dtype


def _check_shape(shape: tuple[int, ...], path: Path) -> None:
    text = "×".join(map(str, shape)) or "one number"
    if len(shape) not in (2, 3):
        raise I2IError(f"'{path}' is an array of {text}; a picture is one of H×W or H×W×C")
    if len(shape) == 3 and 1 <= shape[0] <= _FEW < shape[2]:
        raise I2IError(
            f"'{path}' is an array of {text}, which looks like channels × height × width; save it as H×W×C, "
            "array.transpose(1, 2, 0)"
        )


def _kind(dtype: np.dtype[Any]) -> str:
    names = {"O": "Python objects", "c": "complex numbers", "U": "strings", "S": "strings", "V": "records"}
    return names.get(dtype.kind, f"numbers of {dtype.name}")
