"""Resized pictures in a file of their own, which outlives the run and is shared by all that read the same data."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import zlib
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from math import prod
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from i2i.core.errors import I2IError
from i2i.data.cache_slots import STAMP, Slots, Stamp
from i2i.pictures.pixels import Pixels

HEAD = 4096
"""Bytes at the beginning that say what the file holds."""
_LIBRARIES = ("i2i-toolkit", "torch", "pillow", "imagecodecs", "numpy")


class Kept(Protocol):
    """What a file holds."""

    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def dtype(self) -> str: ...
    @property
    def recipe(self) -> str: ...


class DiskSlots(Slots):
    """Places in a file, read by way of a memory map and written by ordinary writes, so that a full disk is an error.

    A picture is used once its checksum was right: what a crash or another program left behind is read anew.
    """

    def __init__(self, path: Path, count: int, shape: tuple[int, ...], dtype: str) -> None:
        self.path, self._count, self._shape, self._dtype = path, count, shape, np.dtype(dtype)
        self._each = prod(shape) * self._dtype.itemsize
        self._known: set[int] = set()
        self._map: Any = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_map": None}

    @classmethod
    def open(cls, folder: Path, files: Sequence[Path], kept: Kept, say: Callable[[str], None]) -> DiskSlots:
        """The file for these pictures, made if there is none.

        Raises:
            I2IError: the folder cannot be written, or the disk lacks the room.
        """
        head = _head(files, kept)
        path = folder / f"{hashlib.sha256(head).hexdigest()[:32]}.pictures"
        slots = cls(path, len(files), kept.shape, kept.dtype)
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            _prepare(path, head, HEAD + len(files) * (STAMP + slots._each), say)
        except OSError as error:
            raise I2IError(
                f"data.cache: '{path}' cannot be written: {error.strerror}; set cache_folder to another one, or use "
                '"memory" or "none"'
            ) from error
        return slots

    def read(self, place: int, stamp: Stamp) -> Pixels | None:
        """A view of what is kept, if it is whole."""
        time, size, checksum = self._stamps[place].tolist()
        if (time, size) != stamp:
            return None
        picture: Pixels = self._pictures[place]
        if place not in self._known:
            if zlib.adler32(picture.data) != checksum:
                return None
            self._known.add(place)
        return picture

    def write(self, place: int, stamp: Stamp, pixels: Pixels) -> None:
        """The stamp comes last; without room on the disk nothing is kept."""
        values = np.ascontiguousarray(pixels, self._dtype)
        try:
            with self.path.open("r+b", buffering=0) as file:
                file.seek(HEAD + self._count * STAMP + place * self._each)
                file.write(values.data)
                file.seek(HEAD + place * STAMP)
                file.write(np.array([*stamp, zlib.adler32(values.data)], np.int64).data)
        except OSError:
            return

    @property
    def _stamps(self) -> Any:
        return self._opened()[HEAD : HEAD + self._count * STAMP].view(np.int64).reshape(self._count, 3)

    @property
    def _pictures(self) -> Any:
        return (
            self._opened()[HEAD + self._count * STAMP :].view(self._dtype).reshape(self._count, *self._shape)
        )

    def _opened(self) -> Any:
        if self._map is None:
            self._map = np.asarray(
                np.memmap(self.path, np.uint8, "r", shape=HEAD + self._count * (STAMP + self._each))
            )
        return self._map


def cache_folder() -> Path:
    """Where caches on disk lie unless the spec says otherwise: where systems keep what can be deleted at any time."""
    home = Path.home()
    if sys.platform == "win32":
        base = home / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = home / "Library" / "Caches"
    else:
        base = home / ".cache"
    return base / "i2i" / "pictures"


def _head(files: Sequence[Path], kept: Kept) -> bytes:
    """What makes a difference to the pictures, but for the files' contents; JSON, filled up with spaces."""
    listed = "\n".join(path.absolute().as_posix() for path in files)
    facts = {
        "i2i": "resized pictures, 1",
        "libraries": {name: _version(name) for name in _LIBRARIES},
        "recipe": hashlib.sha256(kept.recipe.encode()).hexdigest(),
        "shape": kept.shape,
        "dtype": kept.dtype,
        "order": sys.byteorder,
        "files": [len(files), hashlib.sha256(listed.encode("utf-8", "surrogateescape")).hexdigest()],
    }
    return json.dumps(facts).encode().ljust(HEAD)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _prepare(path: Path, head: bytes, size: int, say: Callable[[str], None]) -> None:
    """A file of this head and size; several processes may do it at once, as each writes the same."""
    path.touch(mode=0o600)
    with path.open("rb") as file:
        found = file.read(HEAD)
    if found.strip(b"\0") and found != head:
        say(f"data.cache: '{path}' was damaged, and is made anew")
        path.unlink(missing_ok=True)
        path.touch(mode=0o600)
    had = path.stat().st_size
    if size - had > (free := shutil.disk_usage(path.parent).free):
        raise I2IError(
            f"data.cache: \"disk\" takes {size / 2**30:,.1f} GiB in '{path.parent}', and {free / 2**30:,.1f} GiB are "
            "free; set cache_folder to one with more room, or use another cache"
        )
    with path.open("r+b") as file:
        if had != size:
            file.truncate(size)
        file.write(head)
