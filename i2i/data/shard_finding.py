"""Finds the samples of a pattern of shards: the index of each shard, and in it the pictures of each field."""

from __future__ import annotations

import secrets
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from i2i.core.errors import I2IError, I2IWarning
from i2i.core.words import listed, some
from i2i.data.shard_files import Shard, at_once, find
from i2i.data.shard_index import Index, kept_index, read_index
from i2i.data.shard_patterns import expand, shown
from i2i.data.shard_set import Places, ShardSet
from i2i.pictures.finding import EXTENSIONS

MANY = 100
"""So many shards take a while to be read through, which is said."""


def open_shards(
    pattern: str, folder: Path, option: str, members: Mapping[str, str]
) -> tuple[ShardSet, list[Index]]:
    """The samples of a pattern, without labels, and the index of each shard.

    Args:
        pattern: of the addresses.
        folder: what local ones count from.
        option: of the data set, that named it.
        members: of each field, what its pictures are called between the key and the ending; "" if nothing.

    Raises:
        I2IError: shards are missing or damaged, or samples lack a picture.
    """
    shards = find(expand(pattern, folder, option), option)
    indices = _indices(shards)
    starts = np.cumsum([0, *(len(index.keys) for index in indices)], dtype=np.int64)
    places = {field: _places(shards, indices, member, option) for field, member in members.items()}
    return ShardSet(option, shards, starts, places), indices


def _indices(shards: Sequence[Shard]) -> list[Index]:
    """The index of each; processes that start together begin at random places, and so share the work."""
    found = at_once(kept_index, shards)
    missing = [number for number, index in enumerate(found) if index is None]
    if len(missing) >= MANY:
        warnings.warn(
            f"reading {len(missing):,} shards once, to know what is in them", I2IWarning, stacklevel=2
        )
    first = secrets.randbelow(len(missing) or 1)
    turned = [*missing[first:], *missing[:first]]
    made = dict(zip(turned, at_once(lambda number: read_index(shards[number]), turned), strict=True))
    return [made[number] if index is None else index for number, index in enumerate(found)]


def _places(shards: Sequence[Shard], indices: Sequence[Index], member: str, option: str) -> Places:
    columns = [_column(shard, index, member) for shard, index in zip(shards, indices, strict=True)]
    lacking = [
        f"{shard.name}: {index.keys[row]}"
        for shard, index, column in zip(shards, indices, columns, strict=True)
        for row in np.flatnonzero(column.offsets < 0).tolist()
    ]
    if lacking:
        what = f"{member}.jpg" if member else "jpg"
        endings = list(dict.fromkeys(ending for index in indices for ending in index.offsets))
        verb = "holds" if len(lacking) == 1 else "hold"
        raise I2IError(
            f"data.{option}: {some(lacking, 'sample')} {verb} no picture KEY.{what} (or with another ending of "
            f"pictures); behind the keys stand {listed(endings, 8)}"
        )
    offsets, sizes, lengths = (
        np.concatenate([getattr(column, name) for column in columns])
        for name in ("offsets", "sizes", "lengths")
    )
    ends = np.cumsum(np.concatenate([np.zeros(1, np.int64), lengths]))
    return Places(offsets, sizes.astype(np.uint32), b"".join(column.names for column in columns), ends)


class _Column(NamedTuple):
    """The pictures of a field in one shard; -1 where there is none."""

    offsets: NDArray[np.int64]
    sizes: NDArray[np.int64]
    names: bytes
    lengths: NDArray[np.int64]


def _column(shard: Shard, index: Index, member: str) -> _Column:
    """The pictures of a field, whatever their endings are."""
    count = len(index.keys)
    offsets, sizes, names = np.full(count, -1, np.int64), np.zeros(count, np.int64), list(index.keys)
    for ending in index.offsets:
        if not _is_picture(ending, member):
            continue
        there = index.offsets[ending] >= 0
        for row in np.flatnonzero(there & (offsets >= 0)).tolist()[:1]:
            twice = f"'{names[row]}' and '{index.keys[row]}.{ending}'"
            raise I2IError(f"'{shown(shard.address)}' holds both {twice}; keep one of them")
        offsets[there], sizes[there] = index.offsets[ending][there], index.sizes[ending][there]
        for row in np.flatnonzero(there).tolist():
            names[row] = f"{index.keys[row]}.{ending}"
    coded = [name.encode("utf-8", "replace") for name in names]
    return _Column(offsets, sizes, b"".join(coded), np.array([len(name) for name in coded], np.int64))


def _is_picture(ending: str, member: str) -> bool:
    before = f"{member.lower()}." if member else ""
    return ending.startswith(before) and f".{ending.removeprefix(before)}" in EXTENSIONS
