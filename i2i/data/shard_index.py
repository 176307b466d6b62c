"""What a tar shard holds and where: found once by reading through it, then kept in a file."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from i2i.data.cache_disk import cache_folder
from i2i.data.shard_contents import read_through
from i2i.data.shard_files import Shard

FORMAT = 1
ENDING = ".index.json"


@dataclass(frozen=True)
class Index:
    """The samples of a shard, in their order.

    Attributes:
        keys: what the members of a sample are called before the first dot.
        offsets: for each ending, where in the shard its members begin; -1 where a sample has none.
        sizes: likewise their bytes.
        classes: what each sample's member `cls` says; empty where there are none.
        attributes: what all samples' members `json` say to be 1, 0, -1, true or false.
    """

    keys: Sequence[str]
    offsets: Mapping[str, NDArray[np.int64]]
    sizes: Mapping[str, NDArray[np.int64]]
    classes: Sequence[str]
    attributes: Mapping[str, NDArray[np.uint8]]


def read_index(shard: Shard) -> Index:
    """The index of a shard: the one that is kept, if the shard is still the same; else made, and kept.

    Raises:
        I2IError: the shard is damaged, or no tar file that can be read in parts.
    """
    known = kept_index(shard)
    if known is not None:
        return known
    made = read_through(shard)
    for place in _places(shard):
        with suppress(OSError):  # of a folder that cannot be written the other place is taken, or none
            _keep(place, {"format": FORMAT, "size": shard.size, "version": shard.version, **made})
            break
    return _from(made, shard)


def kept_index(shard: Shard) -> Index | None:
    """The index that is kept of a shard, if there is one and the shard is still the same."""
    return next((index for place in _places(shard) if (index := _kept(place, shard)) is not None), None)


def _places(shard: Shard) -> list[Path]:
    """Where an index may be: beside a local shard, else in the user's cache."""
    digest = hashlib.blake2b(shard.address.encode(), digest_size=16).hexdigest()
    cached = cache_folder().parent / "shards" / f"{digest}{ENDING}"
    return [cached] if shard.remote else [Path(shard.address + ENDING), cached]


def _kept(place: Path, shard: Shard) -> Index | None:
    try:
        table = json.loads(place.read_bytes())
        if (table["format"], table["size"], table["version"]) != (FORMAT, shard.size, shard.version):
            return None
        return _from(table, shard)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        return None  # none there, or spoilt: it is made again


def _keep(place: Path, table: Mapping[str, Any]) -> None:
    """Write it whole or not at all, also where several processes do it at once."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(
        "w", dir=place.parent, prefix=".", delete=False, encoding="utf-8"
    ) as draft:
        json.dump(table, draft, separators=(",", ":"))
    try:
        Path(draft.name).replace(place)
    except OSError:
        Path(draft.name).unlink()
        raise


def _from(table: Mapping[str, Any], shard: Shard) -> Index:
    """A table as an index, once it is known to stay within the shard."""
    keys, columns = table["keys"], table["members"]
    offsets = {name: np.array(column[0], np.int64) for name, column in columns.items()}
    sizes = {name: np.array(column[1], np.int64) for name, column in columns.items()}
    attributes = {name: np.array(column, np.uint8) for name, column in table["attributes"].items()}
    columns_of: list[NDArray[Any]] = [*offsets.values(), *sizes.values(), *attributes.values()]
    lengths = {each.shape for each in columns_of}
    ends = [int((offsets[name] + sizes[name]).max(initial=0)) for name in offsets]
    lowest = [int(column.min(initial=0)) for column in (*offsets.values(), *sizes.values())]
    if lengths - {(len(keys),)} or len(table["classes"]) not in (0, len(keys)):
        raise ValueError("columns of different lengths")
    if max(ends, default=0) > shard.size or min(lowest, default=0) < -1:
        raise ValueError("members outside of the shard")
    return Index(keys, offsets, sizes, table["classes"], attributes)
