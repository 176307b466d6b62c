"""Whether a video file is whole: FFmpeg plays one that is cut off up to the cut, and says nothing."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from i2i.core.errors import I2IError

_LARGE, _TO_THE_END = 1, 0
_CONTENT = (b"moov", b"mdat", b"moof")
_EBML, _SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"
_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot", b"styp", b"sidx")


def check_whole(path: Path) -> None:
    """Refuse a file that is shorter than it says itself; what is no video is not looked at.

    Raises:
        I2IError: it is missing, empty or cut off.
    """
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            end = max(_ends(file), default=0)
    except FileNotFoundError:
        raise I2IError(f"there is no file '{path}'") from None
    except OSError as error:
        raise I2IError(f"'{path}' cannot be read: {error.strerror}") from error
    if not size:
        raise I2IError(f"'{path}' cannot be read: it is empty; replace or remove it")
    if end > size:
        raise I2IError(f"'{path}' is cut off: it has {size:,} bytes of {end:,}; copy or save it again")


def _ends(file: BinaryIO) -> Iterator[int]:
    """Where each of the large parts of a file ends, by what stands at its beginning."""
    head = file.read(12)
    walk: Callable[[BinaryIO], Iterator[int]] | None = None
    if head[4:8] in _BOXES:
        walk = _boxes
    elif head[:4] == b"RIFF":
        walk = _chunks
    elif head[:4] == _EBML:
        walk = _elements
    if walk:
        file.seek(0)
        yield from walk(file)


def _boxes(file: BinaryIO) -> Iterator[int]:
    """Of MP4 and QuickTime (ISO/IEC 14496-12): length and name, and a length of eight bytes if that is 1."""
    start = 0
    while len(head := file.read(16)) >= 8:
        length, name = int.from_bytes(head[:4], "big"), head[4:8]
        if length == _LARGE:
            length = int.from_bytes(head[8:16], "big")
        if length == _TO_THE_END or length < 8:
            return
        start += length
        if name in _CONTENT:
            yield start
        file.seek(start)


def _chunks(file: BinaryIO) -> Iterator[int]:
    """Of AVI: name and length; large files have several."""
    start = 0
    while (head := file.read(8))[:4] == b"RIFF" and len(head) == 8:
        start += 8 + int.from_bytes(head[4:], "little")
        yield start
        start += start % 2
        file.seek(start)


def _elements(file: BinaryIO) -> Iterator[int]:
    """Of Matroska and WebM (RFC 8794): a header, and the segment with everything else."""
    file.seek(len(_EBML))
    file.seek(_length(file) or 0, os.SEEK_CUR)
    if file.read(len(_SEGMENT)) == _SEGMENT and (length := _length(file)) is not None:
        yield file.tell() + length


def _length(file: BinaryIO) -> int | None:
    """A number of one to eight bytes, of which the first says how many; None where it is left open."""
    first = file.read(1)
    if not first or not first[0]:
        return None
    count = 9 - first[0].bit_length()
    number = int.from_bytes(first + file.read(count - 1), "big") - (1 << 7 * count)
    return None if number == (1 << 7 * count) - 1 else number
