"""Whether pictures fit into the memory, and the tiles that do: foreseen without computing anything."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from i2i.core.errors import I2IError
from i2i.core.machine import free_memory
from i2i.core.words import in_bytes
from i2i.spec.room import room_on
from i2i.translate.cutting import Cuts, cut, least_tile, overlap_of, tile_side
from i2i.translate.inputs import Input
from i2i.translate.padding import padded_side
from i2i.translate.probing import Probe, probe_of
from i2i.translate.request import Request
from i2i.translate.trial import Outcome

if TYPE_CHECKING:
    from i2i.translate.model import Model

SHARE = 0.5
"""Of the free memory, so much do automatic tiles take: libraries need workspaces, and other programs go on."""

SMALL = 2**20
"""Pixels that fit everywhere."""

WORKSPACES = 1.25
"""What convolutions take on a CPU, beside their tensors, as a factor: 1.4 was measured in fp32, 0.8 in bf16."""

FLOAT = 4
"""Bytes."""

USUAL = 1024
"""The side of automatic tiles where nobody knows what they would take."""


@dataclass(frozen=True)
class Load:
    """Pictures of equal shape that are to be translated on a device.

    Attributes:
        count: of the pictures.
        height: of each.
        width: of each.
        results: of each.
        kind: what results are stored in.
        probe: what the networks take.
        device: where they are.
        unread: bytes of pictures that are in memory only if they are translated whole; in tiles, neither they nor
            their results are.
    """

    count: int
    height: int
    width: int
    results: int
    kind: torch.dtype
    probe: Probe
    device: torch.device
    unread: int = 0

    @property
    def pixels(self) -> int:
        """Of all pictures."""
        return self.count * self.height * self.width

    def outcome(self, height: int, width: int) -> Outcome | None:
        """What the networks take for a result of parts of a size; None where nobody knows."""
        needs = self.probe.needs
        sides = [padded_side(side, needs.multiple, needs.least) for side in (height, width)]
        return self.probe.outcome(self.count, *sides)

    def needed(self, side: int | None = None) -> int | None:
        """Bytes for tiles of a side, or for all at once; None where nobody knows.

        In tiles, a GPU holds one; the CPU also holds the results, and two bands of them as floats.
        """
        height, width = (min(side or each, each) for each in (self.height, self.width))
        outcome = self.outcome(height, width)
        if outcome is None:
            return None
        values = self.results * self.count * outcome.channels
        workspaces = 1.0 if self.device.type == "cuda" else WORKSPACES
        needed = (
            int(outcome.memory * workspaces)
            + (self.results - 1) * outcome.channels * self.count * height * width * FLOAT
        )
        if side and self.device.type != "cpu":
            return needed
        bands = 2 * values * height * self.width * FLOAT if side else 0
        kept = values * self.height * self.width * self.kind.itemsize
        return needed + bands + (0 if self.unread and side else self.unread + kept)


def cuts_for(model: Model, inputs: Sequence[Input], request: Request) -> tuple[Cuts, Cuts] | None:
    """How the height and the width of inputs of equal shape are cut into tiles; None where they are not.

    Raises:
        I2IError: they do not fit as they are, or the tiles that were asked for are too small.
    """
    asked, probe = request.own.tile, probe_of(model, request)
    first, count = inputs[0], sum(len(each.stored) for each in inputs)
    results = len(request.captions) * request.count
    unread = first.stored.nbytes if first.bands else 0
    load = Load(count, first.height, first.width, results, first.made.kind, probe, model.device, unread)
    if asked is None:
        _check(load, first.name)
        return None
    longest = max(first.height, first.width)
    if asked != "auto" and asked >= longest:
        return None
    side = _auto(load) if asked == "auto" else tile_side(probe, asked)
    if side is None:
        return None
    overlap = overlap_of(probe.reach, side)
    cuts = cut(first.height, side, overlap), cut(first.width, side, overlap)
    return cuts if any(each.seams for each in cuts) else None


def _check(load: Load, name: str) -> None:
    """Refuse pictures that do not fit, before the machine dies of it."""
    if load.pixels <= SMALL:
        return
    free = _free(load.device)
    if free is None or _surely_fits(load, free):
        return
    needed = load.needed()
    if needed is not None and needed > free:
        raise I2IError(_too_large(load, name, needed, free))


def _too_large(load: Load, name: str, needed: int, free: int) -> str:
    size, has = f"{load.width}×{load.height} pixels", f"this {_place(load.device)} has {in_bytes(free)} free"
    if load.count > 1:
        return (
            f"{load.count:,} pictures of {size} need about {in_bytes(needed)}, and {has}; use fewer at a time"
        )
    file = f"{name}: " if name else ""
    return (
        f"{file}a picture of {size} needs about {in_bytes(needed)}, and {has}; "
        'use --tile auto (in Python: tile="auto")'
    )


def _surely_fits(load: Load, free: int) -> bool:
    """Whether memory is no question, even if it grows with the square of the pixels, as attention does."""
    side = math.isqrt(SMALL)
    small = load.outcome(side, side)
    return (
        small is not None
        and small.memory * load.results * (load.pixels / load.count / SMALL) ** 2 < SHARE * free
    )


def _auto(load: Load) -> int | None:
    """The side of the largest tiles that fit; None where the whole does."""
    free, whole = _free(load.device), load.needed()
    if free is None or whole is None:
        usual = max(_aligned(load.probe, USUAL), least_tile(load.probe))
        return None if load.pixels <= SMALL else usual
    room = SHARE * free
    if whole <= room:
        return None
    least = least_tile(load.probe)
    side = _aligned(load.probe, int(math.sqrt(room / whole * load.height * load.width)))
    while side > least and (load.needed(side) or 0) > room:
        side = _aligned(load.probe, side * 3 // 4)
    side = max(side, least)
    needed = load.needed(side) or 0
    if needed > free:
        raise I2IError(
            f"even tiles of {side}×{side} pixels need about {in_bytes(needed)}, and this {_place(load.device)} has "
            f"{in_bytes(free)} free"
        )
    return side


def _aligned(probe: Probe, side: int) -> int:
    """The side at most so long that tiles can have."""
    return side // probe.reach.align * probe.reach.align


def _free(device: torch.device) -> int | None:
    """Bytes that nobody uses; None where nobody can say."""
    if device.type == "cpu":
        return free_memory()
    room = room_on(device)
    return None if room is None else room.free


def _place(device: torch.device) -> str:
    return "machine" if device.type == "cpu" else "GPU"
