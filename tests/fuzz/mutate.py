"""Damaging files: flipped bits, lost and doubled pieces, numbers that promise too much."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

from hypothesis import strategies as st

ODD = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 60000, 2**24, 2**31 - 1, 2**31, 2**32 - 1)
HOW = ("flip", "flip", "flip", "number", "number", "cut", "splice", "lose", "double", "insert")
PNG = b"\x89PNG\r\n\x1a\n"


@st.composite
def mutated(draw: st.DrawFn, files: Sequence[bytes]) -> bytes:
    """One of some files, damaged in one to four places."""
    data = draw(st.sampled_from(files))
    for _ in range(draw(st.integers(1, 3))):
        data = _damaged(draw, data, files)
    return with_sums(data) if data.startswith(PNG) and draw(st.booleans()) else data


def _damaged(draw: st.DrawFn, data: bytes, files: Sequence[bytes]) -> bytes:
    how, at = draw(st.sampled_from(HOW)), draw(_place(len(data)))
    if how == "flip":
        return (
            data[:at]
            + bytes(byte ^ 1 << draw(st.integers(0, 7)) for byte in data[at : at + 1])
            + data[at + 1 :]
        )
    if how == "number":
        size, order = draw(st.sampled_from((1, 2, 4, 8))), draw(st.sampled_from(("big", "little")))
        number = draw(st.sampled_from(ODD)) % 256**size
        return data[:at] + number.to_bytes(size, order) + data[at + size :]
    if how == "cut":
        return data[:at]
    if how == "splice":
        other = draw(st.sampled_from(files))
        return data[:at] + other[draw(st.sampled_from((at, draw(_place(len(other)))))) :]
    end = at + draw(st.integers(1, 40))
    if how == "lose":
        return data[:at] + data[end:]
    return data[:at] + (data[at:end] if how == "double" else draw(st.binary(max_size=16))) + data[at:]


def _place(size: int) -> st.SearchStrategy[int]:
    """Somewhere in a file, most often in its head."""
    return st.integers(0, min(size, 100)) | st.integers(0, size)


def with_sums(data: bytes) -> bytes:
    """A PNG file with the checksums of its chunks put right, so that what is damaged is read on."""
    out, at = bytearray(PNG), len(PNG)
    while at + 12 <= len(data):
        (size,) = struct.unpack(">I", data[at : at + 4])
        body = data[at + 4 : at + 8 + size]
        out += data[at : at + 4] + body + struct.pack(">I", zlib.crc32(body))
        at += 12 + size
    return bytes(out + data[at:])
