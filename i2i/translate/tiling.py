"""Large pictures in overlapping, blended tiles; how far tiles disagree where they meet is measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from i2i.data.values import from_unit
from i2i.translate.cutting import Cuts
from i2i.translate.inputs import Input

LEVELS = 255 / 2
"""Steps of 1/255 of the range of results in a step of 1 of [-1, 1]."""

Part = Callable[[Sequence[Input]], Sequence[Tensor]]
"""Every result of parts of pictures, (N, C, H, W) in [-1, 1]."""


@dataclass(frozen=True)
class Seams:
    """How far tiles disagree where they meet, in 1/255 of the range of results.

    Attributes:
        mean: on average.
        largest: at most.
    """

    mean: float = 0.0
    largest: float = 0.0

    @property
    def visible(self) -> bool:
        """Whether it is more than a step of 8 bits."""
        return self.mean > 1

    def __str__(self) -> str:
        return (
            "tiles see a picture differently from the whole, because what these networks make of a place depends on "
            f"all that they see (norms by picture do that): where tiles meet they differ by {self.mean:.1f}/255 on "
            f"average, {self.largest:.0f}/255 at most; larger tiles lower it"
        )


class Meeting:
    """Adds up how far tiles differ."""

    def __init__(self) -> None:
        self.total = self.largest = 0.0
        self.count = 0

    def blend(self, old: Tensor, new: Tensor, along: int) -> Tensor:
        """From old to new, evenly along a dimension."""
        gap = (new - old).abs()
        if gap.numel():
            self.total, self.count = self.total + float(gap.sum()), self.count + gap.numel()
            self.largest = max(self.largest, float(gap.max()))
        size = new.shape[along]
        ramp = (torch.arange(size, device=new.device) + 0.5) / size
        return torch.lerp(old, new, ramp if along == -1 else ramp[:, None])

    def seams(self) -> Seams:
        return Seams(LEVELS * self.total / max(self.count, 1), LEVELS * self.largest)


def in_tiles(inputs: Sequence[Input], part: Part, rows: Cuts, columns: Cuts) -> tuple[list[Tensor], Seams]:
    """Every result of pictures of equal shape, (N, C, H, W) in the type of `Input.made`, and the seams in it.

    Beside inputs and results, so much is in memory: a band of a tile's height, and what the networks take for a tile.

    Args:
        inputs: the pictures.
        part: translates parts of them, all of one size.
        rows: how their height is cut.
        columns: how their width is cut.
    """
    made, results, meeting = inputs[0].made, list[Tensor](), Meeting()
    for start, bands in finished_bands(inputs, part, rows, columns, meeting):
        if not results:
            sides = (rows.length, columns.length)
            results = [band.new_empty((*band.shape[:2], *sides), dtype=made.kind) for band in bands]
        for result, band in zip(results, bands, strict=True):
            result[..., start : start + band.shape[-2], :] = from_unit(band, made.full, made.kind)
    return results, meeting.seams()


def finished_bands(
    inputs: Sequence[Input], part: Part, rows: Cuts, columns: Cuts, meeting: Meeting
) -> Iterator[tuple[int, list[Tensor]]]:
    """Finished bands of every result from the top to the bottom, and where each begins."""
    waiting: list[Tensor] = []
    for number in range(len(rows.starts)):
        bands = _band(inputs, part, rows, number, columns, meeting)
        for old, band in zip(waiting, bands, strict=bool(waiting)):
            band[..., : old.shape[-2], :] = meeting.blend(old, band[..., : old.shape[-2], :], -2)
        start = rows.kept(number).start
        height = rows.done(number) - start
        waiting = [band[..., height:, :].clone() for band in bands]
        yield start, [band[..., :height, :] for band in bands]


def _band(
    inputs: Sequence[Input], part: Part, rows: Cuts, row: int, columns: Cuts, meeting: Meeting
) -> list[Tensor]:
    """A row of tiles as one: of every result, (N, C, rows that are kept, W)."""
    bands: list[Tensor] = []
    for number in range(len(columns.starts)):
        seen, kept = (rows.seen(row), columns.seen(number)), (rows.kept(row), columns.kept(number))
        made = part([each.cut(*seen) for each in inputs])
        tiles = [_inner(each.to(inputs[0].device), seen, kept) for each in made]
        bands = bands or [tile.new_empty((*tile.shape[:3], columns.length)) for tile in tiles]
        blended = columns.seams[number - 1][1] - kept[1].start if number else 0
        for band, tile in zip(bands, tiles, strict=True):
            if number:
                old = band[..., kept[1]][..., :blended]
                tile[..., :blended] = meeting.blend(old, tile[..., :blended], -1)
            band[..., kept[1]] = tile
    return bands


def _inner(tile: Tensor, seen: tuple[slice, slice], kept: tuple[slice, slice]) -> Tensor:
    """What is used of a tile's result."""
    rows, columns = (slice(k.start - s.start, k.stop - s.start) for s, k in zip(seen, kept, strict=True))
    return tile[..., rows, columns].clone()
