"""Pictures kept for looking, where a data set has no split for that."""

from __future__ import annotations

from pathlib import Path
from random import Random

from i2i.core.errors import I2IError

SHUFFLE = 1234
"""The seed with which the published StarGAN shuffles CelebA's list before it takes the test pictures."""


def set_aside(
    count: int, total: int, source: Path, root: Path, other: str | None
) -> tuple[list[int], list[int]]:
    """The rows of `count` of a set's pictures that are held out, and those of the others, both shuffled.

    `other` is the split that is looked at anyway, if there is one; the paths are for messages.

    Raises:
        I2IError: there is such a split, or no picture would be left.
    """
    if other is not None:
        raise I2IError(
            f"data.hold_out: '{root}' has a split '{other}', which is looked at instead; remove hold_out"
        )
    if count >= total:
        raise I2IError(
            f"data.hold_out: {count:,} pictures cannot be held out of the {total:,} that '{source}' has; "
            f"use {total - 1:,} or less"
        )
    order = list(range(total))
    Random(SHUFFLE).shuffle(order)
    return order[:count], order[count:]
