"""In which order generator and discriminator learn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field
from torch import Tensor

import i2i

OrderName = Literal["generator-first", "discriminator-first", "simultaneous", "alternating"]
Order = Annotated[
    OrderName,
    Field(
        description="who learns first from a batch; simultaneous: both from one pass; alternating: the generator from "
        "every odd batch, the discriminator from every even one"
    ),
]
Terms = Callable[[i2i.Parts, i2i.Batch], Mapping[str, Tensor]]


def ordered(
    order: OrderName, generator: i2i.Phase, discriminator: i2i.Phase, both: Terms
) -> Sequence[i2i.Phase]:
    """The phases of a step; `both` computes the terms of the two in one pass."""
    match order:
        case "generator-first":
            return [generator, discriminator]
        case "discriminator-first":
            return [discriminator, generator]
        case "alternating":
            return [replace(generator, every=2, offset=1), replace(discriminator, every=2)]
        case "simultaneous":
            return [i2i.Phase("networks", both, {**generator.minimise, **discriminator.minimise})]
