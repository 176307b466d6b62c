"""How far a pixel of a picture is seen in the result, found out by trying."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from i2i.translate.padding import padded_side
from i2i.translate.trial import Trial

LENGTHS = (256, 1024)
"""Of the strips that are tried, in pixels."""

MULTIPLES = 8
"""A strip is so many multiples long at least: U-Nets see three of them to each side."""

MOST_PIXELS = 2**19
"""Of a strip on which a period is looked for: eight pictures of 256×256."""

SAME = 1e-3
"""So small a part of the range of a result, and its pixels are the same: what rounding may do, and nothing else."""

TOUCHED = 1e-6
"""So much does a pixel that sees a change differ from one that does not, where contents are whole numbers."""


@dataclass(frozen=True)
class Reach:
    """How far a pixel is seen.

    Attributes:
        radius: pixels of the result that are further away do not depend on it; None where all may, or where what
            becomes of a pixel depends on its place in the picture.
        align: pictures that are moved by multiples of it have results that are moved, and otherwise the same.
    """

    radius: int | None
    align: int


def find_reach(trial: Trial, multiple: int, least: int) -> Reach:
    """Try strips of noise, longer and longer, until both their ends are out of reach of the middle."""
    radius = _radius(trial, multiple, least, multiple)
    align = None if radius is None else _align(trial, multiple, least, radius)
    if align is None:
        return Reach(None, multiple)
    if align != multiple:
        radius = _radius(trial, multiple, least, align)
    down = _radius(trial, multiple, least, align, across=True)
    return Reach(None, multiple) if radius is None or down is None else Reach(max(radius, down), align)


def _radius(trial: Trial, multiple: int, thick: int, block: int, *, across: bool = False) -> int | None:
    """How far beyond itself a block in the middle of a strip is seen; None where it is at an end, or nowhere."""
    found: int | None = None
    for length in sorted({padded_side(length, multiple, MULTIPLES * block) for length in LENGTHS}):
        start = length // 2 // block * block
        touched = _touched(trial, _strip(trial, thick, length, across), start, block, across)
        before, found = found, None
        if touched.any() and not touched[0] and not touched[-1]:
            (seen,) = touched.nonzero(as_tuple=True)
            found = max(start - int(seen[0]), int(seen[-1]) - (start + block - 1), 0)
        if found is not None and found == before:  # layers with holes can reach beyond a short strip
            break
    return found


def _strip(trial: Trial, thick: int, length: int, across: bool) -> dict[str, Tensor]:
    return trial.noise(length, thick) if across else trial.noise(thick, length)


def _touched(trial: Trial, strip: Mapping[str, Tensor], start: int, block: int, across: bool) -> Tensor:
    """Where along a strip the result differs if a block of it does, (length,)."""
    along = -2 if across else -1
    changed = {name: each.clone() for name, each in strip.items()}
    for name, each in changed.items():
        part = each.narrow(along, start, block)
        # What is no number spreads over all that is computed from it, whatever the weights.
        part.copy_(
            torch.full_like(part, torch.nan) if part.is_floating_point() else (part + 1) % trial.values(name)
        )
    made = trial.run(changed)
    same = made.isfinite()
    if not all(each.is_floating_point() for each in changed.values()):
        same &= (made - trial.run(strip)).abs() <= TOUCHED
    touched: Tensor = ~same.movedim(along, 0).flatten(1).all(1).cpu()
    return touched


def _align(trial: Trial, multiple: int, thick: int, radius: int) -> int | None:
    """By how much a picture must be moved for its result to be the same and moved; None where none was found."""
    for times in (1, 2, 3, 4, 8, 16, 32, 64):
        align = times * multiple
        length = -(-(2 * radius + 4 * align) // align) * align
        if times > 1 and length * thick > MOST_PIXELS:
            return None
        strip = trial.noise(thick, length)
        whole = trial.run(strip).float()
        moved = trial.run({name: each[..., align:].contiguous() for name, each in strip.items()}).float()
        inside = slice(2 * align + radius, length - radius - align)
        gap = (whole[..., inside] - moved[..., inside.start - align : inside.stop - align]).abs().max()
        if gap <= SAME * (whole.max() - whole.min()):
            return align
    return None
