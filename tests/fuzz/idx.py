"""Damaged IDX files, packed or not: read, or refused with a sentence that names the file."""

from __future__ import annotations

import functools
import gzip
import math
import struct
import tempfile
import warnings
from pathlib import Path

import numpy as np
import torch
from hypothesis import strategies as st

from i2i.core.errors import I2IError
from i2i.data.idx import TYPES
from i2i.data.image_source import Images

from .mutate import mutated
from .specs import in_time

COUNT, SIDE = 6, 4
Case = tuple[bytes, bytes, bool]


@functools.cache
def pictures() -> tuple[bytes, ...]:
    """Pictures of every type of number, and in colour."""
    grey = tuple(_stored(kind, (COUNT, SIDE, SIDE)) for kind in TYPES)
    return (*grey, _stored(8, (COUNT, SIDE, SIDE, 3)), _stored(8, (COUNT, SIDE, SIDE, 1)))


def _stored(kind: int, shape: tuple[int, ...]) -> bytes:
    numbers = (np.arange(math.prod(shape)) % 128).astype(TYPES[kind])
    return struct.pack(f">HBB{len(shape)}I", 0, kind, len(shape), *shape) + numbers.tobytes()


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A file of pictures and one of labels, of which at least one is damaged, packed before or after that."""
    labels = struct.pack(">HBBI", 0, 8, 1, COUNT) + bytes(range(COUNT))
    packed = draw(st.booleans())
    files = tuple(map(_packed, pictures())) if packed else pictures()
    whole = _packed(labels) if packed else labels
    if packed and draw(st.booleans()):  # what is damaged is inside
        return _packed(draw(mutated(pictures()))), whole, True
    if draw(st.integers(0, 3)) == 0:
        return draw(st.sampled_from(files)), draw(mutated((whole,))), packed
    return draw(mutated(files)), whole, packed


def _packed(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


def check(case: Case) -> str:
    """Open a set of these files and read every picture; what came of it."""
    *files, packed = case
    ending = ".gz" if packed else ""
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(action="error"), in_time():
        for data, name in zip(files, ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"), strict=True):
            (Path(folder) / f"{name}{ending}").write_bytes(data)
        try:
            source = Images(root=Path(folder), size=SIDE, value_range=(0.0, 255.0))
            for index in range(min(len(source), 20)):
                sample = source.load(index, torch.Generator())
                assert sample["image"].shape == (source.facts.channels["image"], SIDE, SIDE)
        except I2IError as error:
            text = str(error)
            assert folder in text and len(text) < 1000 and "no end within" not in text, text
            return "refused"
    return "read"
