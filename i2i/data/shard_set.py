"""The samples of several shards, row by row: where their pictures are, and what they are labelled with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from i2i.data.shard_files import Shard, read
from i2i.data.shard_patterns import shown
from i2i.pictures.packed import Packed

GAP = 2**16
"""Two pictures of a sample are read at once if no more bytes than these lie between them."""


@dataclass(frozen=True, eq=False)
class Places:
    """Where the pictures of one field are, and what they are called: by row, in few objects however many they are.

    Attributes:
        offsets: where each begins in its shard.
        sizes: its bytes.
        names: of the members, one behind the other.
        ends: of each name in them, and before them 0.
    """

    offsets: NDArray[np.int64]
    sizes: NDArray[np.uint32]
    names: bytes
    ends: NDArray[np.int64]

    def span(self, row: int) -> tuple[int, int]:
        """The bytes of a picture in its shard."""
        start = int(self.offsets[row])
        return start, start + int(self.sizes[row])

    def name(self, row: int) -> str:
        """The member that is a picture."""
        return self.names[self.ends[row] : self.ends[row + 1]].decode("utf-8", "replace")


@dataclass(frozen=True, eq=False)
class ShardSet:
    """The samples of all shards of a pattern.

    Attributes:
        option: of the data set, that named them.
        shards: in the order of the pattern.
        starts: the first row of each shard, and behind them the number of all rows.
        places: of the pictures, by field.
    """

    option: str
    shards: tuple[Shard, ...]
    starts: NDArray[np.int64]
    places: Mapping[str, Places]

    def __len__(self) -> int:
        return int(self.starts[-1])

    def read(self, row: int) -> dict[str, Packed]:
        """The pictures of a sample, by field.

        Raises:
            I2IError: they cannot be read.
        """
        number = self._shard(row)
        shard = self.shards[number]
        spans = {name: places.span(row) for name, places in self.places.items()}
        start, end = min(s for s, _ in spans.values()), max(e for _, e in spans.values())
        if end - start <= sum(e - s for s, e in spans.values()) + GAP:
            whole = read(shard, start, end)
            contents = {name: whole[s - start : e - start] for name, (s, e) in spans.items()}
        else:
            contents = {name: read(shard, s, e) for name, (s, e) in spans.items()}
        return {
            name: Packed(f"{shard.name}: {self.places[name].name(row)}", contents[name]) for name in spans
        }

    def name(self, row: int) -> str:
        """The shard and the members of a sample."""
        members = dict.fromkeys(places.name(row) for places in self.places.values())
        return f"{self.shards[self._shard(row)].name}: {', '.join(members)}"

    def path(self, row: int, field: str) -> Path:
        """A picture as if the shard were a folder's file, for messages that compare pictures."""
        shard = self.shards[self._shard(row)]
        place = shown(shard.address).rpartition("://")[2]
        return Path(f"{place}: {self.places[field].name(row)}")

    def order(self, window: int, rng: torch.Generator) -> Tensor:
        """A permutation of all rows: of the shards, and of the samples of each `window` shards that follow."""
        if len(self.shards) <= window:
            return torch.randperm(len(self), generator=rng)
        starts = torch.from_numpy(self.starts)
        rows = []
        for shards in torch.split(torch.randperm(len(self.shards), generator=rng), window):
            together = torch.cat([torch.arange(int(starts[s]), int(starts[s + 1])) for s in shards.tolist()])
            rows.append(together[torch.randperm(len(together), generator=rng)])
        return torch.cat(rows)

    def _shard(self, row: int) -> int:
        return int(np.searchsorted(self.starts, row, side="right")) - 1
