"""Which values of a picture stand for black and white, and what type results are of."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import torch

from i2i.core.data import DataFacts
from i2i.core.errors import I2IError

Range = tuple[float, float]
"""The values that stand for black and white."""

FULL: Mapping[torch.dtype, Range] = MappingProxyType({torch.uint8: (0, 255), torch.uint16: (0, 65535)})
"""Of the types that say it themselves."""

BY_BITS: Mapping[int, torch.dtype] = MappingProxyType({8: torch.uint8, 16: torch.uint16, 32: torch.float32})


def trained_type(facts: DataFacts, field: str) -> torch.dtype | None:
    """The type that the training pictures of a field are stored in; None where nothing is stored."""
    name = facts.stored.get(field, "")
    return getattr(torch, name) if name else None


def like_training(facts: DataFacts, field: str, bits: int | None = None) -> tuple[torch.dtype, Range]:
    """The type and the values of pictures like those of the training, or of so many bits."""
    values = facts.value_range[field]
    guess = torch.uint16 if values[1] > FULL[torch.uint8][1] else torch.uint8
    kind = trained_type(facts, field) or guess
    asked = BY_BITS[bits] if bits else kind
    return asked, values if asked == kind else values_made(facts, field, asked, from_file=True, given=None)


def values_of(
    facts: DataFacts, field: str, kind: torch.dtype, *, from_file: bool, given: Range | None
) -> Range:
    """The values of an input that stand for black and white.

    They are those that were given; else those of the training pictures of its field, where the input is of their type
    or of one without a range of its own; else all that its type can hold. Floats in memory are in [0, 1].

    Raises:
        I2IError: nobody can say: it is of a type without a range, and the training pictures are not.
    """
    if given is not None:
        return given
    if kind.is_floating_point and not from_file:
        return (0.0, 1.0)
    trained = trained_type(facts, field)
    if kind not in FULL and trained in FULL:
        raise I2IError(
            f"it holds {_name(kind)}, and the model was trained on {_name(trained)}: say which of its values stand for "
            "black and white, for example value_range=[0,1]"
        )
    return facts.value_range[field] if kind == trained or kind not in FULL else FULL[kind]


def values_made(
    facts: DataFacts, field: str, kind: torch.dtype, *, from_file: bool, given: Range | None
) -> Range:
    """The values of results of a type that stand for black and white, by the same rule."""
    if given is not None:
        return given
    if kind.is_floating_point and not from_file:
        return (0.0, 1.0)
    return FULL[kind] if kind in FULL and kind != trained_type(facts, field) else facts.value_range[field]


def _name(kind: torch.dtype | None) -> str:
    return str(kind).removeprefix("torch.")
