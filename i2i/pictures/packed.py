"""Pictures in memory: bytes that a larger file holds, read as files are and with the same guards."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import cast

from i2i.pictures.header import Header
from i2i.pictures.kinds import reader_of
from i2i.pictures.pixels import Pixels


@dataclass(frozen=True)
class Packed:
    """The bytes of a picture, and what messages call it: of a path, that which the readers of pictures ask for."""

    name: str
    content: bytes

    def __str__(self) -> str:
        return self.name

    @property
    def suffix(self) -> str:
        """The ending of the name."""
        return PurePosixPath(self.name).suffix

    def exists(self) -> bool:
        """It does."""
        return True

    def is_file(self) -> bool:
        """As good as one."""
        return True

    def open(self, mode: str = "rb") -> io.BytesIO:
        """To read it."""
        return io.BytesIO(self.content)

    def read_bytes(self) -> bytes:
        """All of it."""
        return self.content

    def stat(self) -> os.stat_result:
        """Its size; the rest is 0."""
        return os.stat_result((0, 0, 0, 0, 0, 0, len(self.content), 0, 0, 0))


def header_of(packed: Packed) -> Header:
    """Size, channels and type of a picture, without decoding it.

    Raises:
        I2IError: it is no picture, or in a form that cannot be read without loss.
    """
    return reader_of(_as_path(packed)).header(_as_path(packed))


def decode_packed(packed: Packed) -> Pixels:
    """The picture, as `decode` reads it from a file.

    Raises:
        I2IError: as `header_of`, or it is damaged.
    """
    return reader_of(_as_path(packed)).pixels(_as_path(packed))


def _as_path(packed: Packed) -> Path:
    return cast(Path, packed)  # a true path would have to lie on a disk
