"""Places for pictures of one shape, each with the stamp of the file that it was made of."""

from __future__ import annotations

from abc import ABC, abstractmethod
from math import prod
from multiprocessing.heap import Arena
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from i2i.pictures.pixels import Pixels

STAMP = 24
"""Bytes of a stamp as it is stored: time, size and checksum."""


class Stamp(NamedTuple):
    """What a file was when its picture was made: its time in nanoseconds, and its size in bytes."""

    time: int
    size: int


class Slots(ABC):
    """Places for pictures, empty at first."""

    @abstractmethod
    def read(self, place: int, stamp: Stamp) -> Pixels | None:
        """The picture at a place, if it was made of a file with this stamp."""

    @abstractmethod
    def write(self, place: int, stamp: Stamp, pixels: Pixels) -> None:
        """Keep a picture."""


class MemorySlots(Slots):
    """Places in memory that the processes of a run share; nothing of it is taken before it is filled."""

    def __init__(self, count: int, shape: tuple[int, ...], dtype: str) -> None:
        self._count, self._shape, self._dtype = count, shape, np.dtype(dtype)
        self._arena = Arena(count * (STAMP + prod(shape) * self._dtype.itemsize))

    def read(self, place: int, stamp: Stamp) -> Pixels | None:
        """A view of what is kept."""
        stamps, pictures = self._arrays()
        return pictures[place] if tuple(stamps[place, :2].tolist()) == stamp else None

    def write(self, place: int, stamp: Stamp, pixels: Pixels) -> None:
        """The stamp comes last: what has one is whole."""
        stamps, pictures = self._arrays()
        stamps[place] = 0
        pictures[place] = pixels
        stamps[place, :2] = stamp

    def _arrays(self) -> tuple[NDArray[np.int64], NDArray[Any]]:
        # made anew each time: arrays that were sent to another process would hold a copy
        buffer = self._arena.buffer
        stamps = np.frombuffer(buffer, np.int64, self._count * 3).reshape(self._count, 3)
        values = np.frombuffer(buffer, self._dtype, self._count * prod(self._shape), self._count * STAMP)
        return stamps, values.reshape(self._count, *self._shape)
