"""How large pictures are cut into overlapping tiles."""

from __future__ import annotations

from dataclasses import dataclass

from i2i.core.errors import I2IError
from i2i.translate.padding import padded_side
from i2i.translate.probing import Probe
from i2i.translate.receptive import Reach

RAMP, SHARE = 32, 4
"""Pixels over which tiles are blended where all pixels matter: so many, or that share of a tile if it is more."""

NARROW = 8
"""The same where only surroundings matter: the tiles agree there, but for rounding."""


@dataclass(frozen=True)
class Cuts:
    """How a side of a picture is cut.

    Attributes:
        length: of the side.
        tile: of a tile along it.
        starts: of the tiles.
        seams: the pixels (start, stop) over which a tile gives way to the next.
    """

    length: int
    tile: int
    starts: tuple[int, ...]
    seams: tuple[tuple[int, int], ...]

    def seen(self, number: int) -> slice:
        """What the networks see of a tile, in pixels of the picture."""
        return slice(self.starts[number], min(self.starts[number] + self.tile, self.length))

    def kept(self, number: int) -> slice:
        """What of its result is used."""
        start = self.seams[number - 1][0] if number else 0
        return slice(start, self.seams[number][1] if number < len(self.seams) else self.length)

    def done(self, number: int) -> int:
        """Up to where the picture is finished once that tile and those before it are in."""
        return self.seams[number][0] if number < len(self.seams) else self.length


@dataclass(frozen=True)
class Overlap:
    """How tiles overlap.

    Attributes:
        margin: pixels along the inner border of a tile that are not used.
        ramp: pixels behind it over which neighbours are blended.
        align: tiles start and end at multiples of it.
    """

    margin: int
    ramp: int
    align: int

    @property
    def least(self) -> int:
        """The shortest tile: it has something beside its borders."""
        step = padded_side(self.ramp, self.align)
        return padded_side(2 * self.margin + self.ramp + step, self.align)


def overlap_of(reach: Reach, tile: int) -> Overlap:
    """How tiles of a size overlap: so far that those who see only surroundings all see them."""
    if reach.radius is None:
        return Overlap(0, max(tile // SHARE, RAMP), reach.align)
    return Overlap(reach.radius, NARROW, reach.align)


def tile_side(probe: Probe, asked: int) -> int:
    """The side of tiles: at most what was asked, and one that the networks can use.

    Raises:
        I2IError: it is too short.
    """
    reach, least = probe.reach, least_tile(probe)
    side = asked // reach.align * reach.align
    if side >= least:
        return side
    why = f"tiles overlap by {RAMP} pixels at least, and must fit the networks"
    if reach.radius is not None:
        why = f"these networks see {reach.radius} pixels around each"
    raise I2IError(f"tile: {asked} is too small: {why}; use {least} or more, or auto")


def least_tile(probe: Probe) -> int:
    """The shortest side of tiles."""
    overlap = overlap_of(probe.reach, 0)
    return padded_side(max(overlap.least, probe.needs.least), overlap.align)


def cut(length: int, tile: int, overlap: Overlap) -> Cuts:
    """Cut a side of a picture; the last tile ends where the side does once it is padded."""
    padded = padded_side(length, overlap.align)
    if tile >= padded:
        return Cuts(length, padded, (0,), ())
    used = tile - overlap.margin
    step = (used - overlap.margin - overlap.ramp) // overlap.align * overlap.align
    starts = (*range(0, padded - tile, step), padded - tile)
    return Cuts(length, tile, starts, tuple((s + used - overlap.ramp, s + used) for s in starts[:-1]))
