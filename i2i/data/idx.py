"""IDX files, the form of MNIST (LeCun et al., 1998) and its kin: arrays of numbers below a short head."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BufferedIOBase
from math import prod
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from i2i.core.errors import I2IError
from i2i.pictures.images import Header
from i2i.pictures.pixels import Pixels, with_channels

TYPES: Mapping[int, str] = MappingProxyType(
    {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
)
"""The third byte of a file, and the type of number that it stands for."""
PREFIXES: Mapping[str, tuple[str, ...]] = MappingProxyType({"test": ("t10k", "test")})
"""How files of a split begin, where not with its name."""
MOST_DIMENSIONS = 4
"""Of pictures with channels; labels have one."""
MOST_PACKED = 1100
"""So many bytes at most come of one that gzip has packed: 1,032 of a long row of equal ones."""

_AGAIN = "download it again"
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class IdxPictures:
    """The pictures of an IDX file, (number, height, width) or (number, height, width, 1 or 3 channels)."""

    file: Path
    stack: NDArray[Any]

    def __len__(self) -> int:
        return len(self.stack)

    def path(self, place: int) -> Path:
        """The file, which holds all pictures."""
        return self.file

    def name(self, place: int) -> str:
        """The file's name, and which of its pictures it is, counted from 0."""
        return f"{self.file.name}, picture {place}"

    def header(self, place: int) -> Header:
        """Size, channels and depth of a picture."""
        height, width, channels = with_channels(self.stack[place]).shape
        return Header(width, height, channels, self.stack.dtype.name)

    def decode(self, place: int, least: tuple[int, int] | None = None) -> Pixels:
        """A picture, (H, W, C), in the stored type; always whole."""
        return with_channels(self.stack[place])


def idx_file(root: Path, split: str, what: str) -> Path | None:
    """The IDX file of a split that holds `what`, "images" or "labels": packed or not, with a dash or a dot."""
    dimensions = "[34]" if what == "images" else "1"
    prefixes = "|".join(map(re.escape, PREFIXES.get(split, (split,))))
    pattern = re.compile(rf"({prefixes})-{what}[-.]idx{dimensions}-\w+(\.gz)?")
    files = (path for path in root.iterdir() if path.is_file())
    names = sorted(path.name for path in files if pattern.fullmatch(path.name))
    return root / names[0] if names else None


def read_pictures(path: Path) -> IdxPictures:
    """The pictures of an IDX file.

    Raises:
        I2IError: it holds something else.
    """
    stack = read_idx(path)
    if stack.ndim not in (3, 4) or stack.shape[3:] not in ((), (1,), (3,)) or not stack.size:
        raise I2IError(
            f"data.root: '{path}' holds {_times(stack.shape)} numbers, which are no pictures; an IDX file of pictures "
            "holds number × height × width, or also × channels (1 or 3)"
        )
    return IdxPictures(path, stack.astype(np.int16) if stack.dtype == np.int8 else stack)


def read_labels(path: Path) -> NDArray[np.int64]:
    """The labels of an IDX file, one whole number for each picture.

    Raises:
        I2IError: it holds something else.
    """
    labels = read_idx(path)
    if labels.ndim != 1 or labels.dtype.kind not in "ui":
        raise I2IError(
            f"data.root: '{path}' holds {_times(labels.shape)} numbers of type {labels.dtype}, which are no labels; "
            "an IDX file of labels holds one whole number for each picture"
        )
    if labels.size and labels.min() < 0:
        place = int(np.argmax(labels < 0))
        raise I2IError(
            f"data.root: '{path}': label {place} (counted from 0) is {labels[place]}; labels are 0 or more"
        )
    return labels.astype(np.int64)


def read_idx(path: Path) -> NDArray[Any]:
    """The array of an IDX file, packed with gzip or not, in this machine's byte order.

    Raises:
        I2IError: it is not one, or it is cut short.
    """
    try:
        with path.open("rb") as packed:
            packs = packed.read(len(_GZIP)) == _GZIP
            packed.seek(0)
            size = path.stat().st_size
            with gzip.open(packed) if packs else packed as file:
                return _read(path, file, size * MOST_PACKED if packs else size)
    except (OSError, EOFError, zlib.error) as error:
        raise I2IError(f"data.root: '{path}' cannot be unpacked: {error}; {_AGAIN}") from error
    except MemoryError as error:
        raise I2IError(f"data.root: '{path}' holds more than this machine has memory for") from error


def _read(path: Path, file: BufferedIOBase, most: int) -> NDArray[Any]:
    """The array of an open file that can hold so many bytes at most: no head is believed that promises more."""
    dtype, shape = _read_head(path, file)
    promised = prod(shape) * dtype.itemsize
    content = file.read(min(promised, most) + 1)
    if promised != len(content):
        follow = "more" if len(content) > promised else f"{len(content):,} bytes"
        raise I2IError(
            f"data.root: '{path}' is damaged: its head says {_times(shape)} numbers, {promised:,} bytes, and "
            f"{follow} follow; {_AGAIN}"
        )
    try:
        array = np.frombuffer(content, dtype).reshape(shape)
    except ValueError as error:  # none of its numbers, and sides of which no array is made
        raise I2IError(
            f"data.root: '{path}' is damaged: its head says {_times(shape)} numbers; {_AGAIN}"
        ) from error
    return array.astype(dtype.newbyteorder("="), copy=False)


def _read_head(path: Path, file: BufferedIOBase) -> tuple[np.dtype[Any], list[int]]:
    begin = file.read(4)
    kind, dimensions = TYPES.get(int.from_bytes(begin[:3])), begin[3:]
    if kind is None or not dimensions or dimensions[0] > MOST_DIMENSIONS:
        raise I2IError(
            f"data.root: '{path}' is no IDX file: it begins with {begin.hex(' ') or 'nothing'} where 00 00, the type "
            f"(08 for bytes) and the number of dimensions should be; {_AGAIN}"
        )
    sides = file.read(4 * dimensions[0])
    if len(sides) < 4 * dimensions[0]:
        raise I2IError(f"data.root: '{path}' is damaged: it ends within its head; {_AGAIN}")
    return np.dtype(kind), [int.from_bytes(sides[at : at + 4]) for at in range(0, len(sides), 4)]


def _times(shape: Sequence[int]) -> str:
    return "×".join(f"{side:,}" for side in shape) or "no"
