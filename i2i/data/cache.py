"""Pictures that are read again and again are kept as they are after resizing, before the random crop and flip."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

import numpy as np
import torch

from i2i.core.errors import I2IError
from i2i.core.machine import free_memory
from i2i.data.cache_disk import DiskSlots, cache_folder
from i2i.data.cache_slots import MemorySlots, Slots, Stamp
from i2i.data.preprocess import Preprocess
from i2i.data.stored import Stored
from i2i.pictures.pixels import Pixels

Mode = Literal["auto", "none", "memory", "disk"]
SHARE = 4
"""The mode "auto" keeps what fills no more than this part of the memory that is free."""


@dataclass(frozen=True)
class Shelf:
    """What is kept of the pictures of one folder: all of one shape and type.

    Attributes:
        files: of the pictures, by their places.
        shape: of each, as resized.
        dtype: numpy's name of its type.
        recipe: what was done with the files, in words that differ where results do.
        least: width and height that decoding JPEG files did not go below; None for whole pictures.
    """

    files: tuple[Path, ...]
    shape: tuple[int, ...]
    dtype: str
    recipe: str
    least: tuple[int, int] | None = None

    @property
    def bytes(self) -> int:
        """Of all its pictures."""
        return len(self.files) * prod(self.shape) * np.dtype(self.dtype).itemsize


def shelf_of(
    files: Sequence[Path], preprocess: Preprocess, stored: Stored, least: tuple[int, int] | None = None
) -> Shelf:
    """What is kept of the pictures of a domain; `least` is that of `decode`."""
    width, height = preprocess.loaded
    recipe = f"{preprocess.recipe} {stored} {least}"
    return Shelf(tuple(files), (height, width, stored.channels), stored.dtype, recipe, least)


@dataclass
class Cache:
    """The resized pictures of a data set, shared by the processes that read it.

    A picture is kept by whoever reads it first, and read again once its file has another size or time. Until `open`
    nothing is kept.

    Attributes:
        mode: where; "auto" is in memory if that takes a quarter of what is free at most, else nowhere.
        shelves: what may be kept, by a name for each.
        folder: of the files on disk; None for the usual one.

    Raises:
        I2IError: a folder is given, and nothing goes to disk.
    """

    mode: Mode = "none"
    shelves: Mapping[str, Shelf] = field(default_factory=dict)
    folder: Path | None = None
    _slots: dict[str, Slots] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.folder is not None and self.mode != "disk":
            raise I2IError(
                'data.cache_folder: only cache = "disk" writes into a folder; set cache = "disk", or leave this out'
            )

    def over(self, shelves: Mapping[str, Shelf]) -> Cache:
        """A cache like this one for other pictures."""
        return Cache(self.mode, shelves, self.folder)

    @property
    def bytes(self) -> int:
        """Of all that may be kept."""
        return sum(shelf.bytes for shelf in self.shelves.values())

    def open(self, say: Callable[[str], None] = lambda text: None, processes: int = 1) -> None:
        """Make room, before the processes start that read; a second time nothing happens.

        Args:
            say: is told of a cache on disk that is damaged, and is made anew.
            processes: of the run: each keeps pictures in memory for its own workers.

        Raises:
            I2IError: there is no room for what the spec asks for.
        """
        if self._slots:
            return
        if self.mode == "disk":
            self._slots = self._on_disk(say)
        elif self._chosen(processes) == "memory":
            self._slots = {
                name: MemorySlots(len(shelf.files), shelf.shape, shelf.dtype)
                for name, shelf in self.shelves.items()
            }

    def take(self, name: str, place: int, path: Path, make: Callable[[], Pixels]) -> Pixels:
        """A picture of a shelf: kept, or made and then kept. It is shared: whoever changes it copies it first.

        Raises:
            I2IError: whatever `make` raises; or OSError, if the file is gone.
        """
        slots = self._slots.get(name)
        if slots is None:
            return make()
        seen = path.stat()
        stamp = Stamp(seen.st_mtime_ns, seen.st_size)
        kept = slots.read(place, stamp)
        if kept is None:
            kept = make()
            slots.write(place, stamp, kept)
        return kept

    def _on_disk(self, say: Callable[[str], None]) -> dict[str, Slots]:
        folder = self.folder or cache_folder()
        return {name: DiskSlots.open(folder, shelf.files, shelf, say) for name, shelf in self.shelves.items()}

    def describe(self) -> str:
        """Where pictures will be kept, in words.

        Raises:
            I2IError: there is no room for what the spec asks for.
        """
        size = _gib(self.bytes)
        if self._chosen() == "disk":
            return f"resized pictures are kept on disk: {size} in {self.folder or cache_folder()}"
        if self._chosen() == "memory":
            return f"resized pictures are kept in memory: {size}"
        large = f": {size} are more than a quarter of the free memory" if self.mode == "auto" else ""
        return f"resized pictures are not kept{large}"

    def _chosen(self, processes: int = 1) -> Mode:
        """Where pictures are kept."""
        if self.mode in ("none", "disk"):
            return self.mode
        free = min(free_memory() or 0, _room_to_share()) // _here(processes)
        if self.mode == "auto":
            return "memory" if 0 < self.bytes <= free // SHARE else "none"
        if self.bytes > free:
            raise I2IError(
                f'data.cache: "memory" takes {_gib(self.bytes)}, and {_gib(free)} are free; use "disk" or "none"'
            )
        return "memory"


@runtime_checkable
class Cached(Protocol):
    """A data set that keeps its resized pictures."""

    @property
    def cache(self) -> Cache: ...


def open_cache(source: object, say: Callable[[str], None], processes: int = 1) -> None:
    """Make room for the pictures of a data set, if it is one that keeps them.

    Raises:
        I2IError: there is none.
    """
    if isinstance(source, Cached):
        source.cache.open(say, processes)


def _here(processes: int) -> int:
    """How many processes of a run this machine may have."""
    return min(processes, torch.cuda.device_count() or os.cpu_count() or 1)


def _room_to_share() -> int:
    """Bytes that processes can share: Python puts them where there is room, into /dev/shm or a temporary file."""
    folders = [Path("/dev/shm"), Path(tempfile.gettempdir())]
    return max(shutil.disk_usage(folder).free for folder in folders if folder.is_dir())


def _gib(count: int) -> str:
    return f"{count / 2**30:,.1f} GiB" if count >= 2**30 else f"{count / 2**20:,.1f} MiB"
