"""Which values stand for black and white: given, those of the training, or all of a type."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from i2i.core.data import DataFacts
from i2i.core.errors import I2IError
from i2i.translate.values import like_training, values_made, values_of

WIDE = {"a": (0.0, 4095.0), "b": (-1000.0, 3000.0), "c": (0.0, 255.0), "d": (0.0, 1.0)}
TYPES = {"a": "uint16", "b": "int16", "c": "uint8", "d": "float32"}


def facts(stored: dict[str, str] | None = None) -> DataFacts:
    """Pictures of 12 bits in 16, of signed numbers, of 8 bits and of floats."""
    return DataFacts(
        fields=tuple(WIDE),
        image_size=8,
        channels=dict.fromkeys(WIDE, 1),
        value_range=WIDE,
        stored=TYPES if stored is None else stored,
    )


@pytest.mark.parametrize(
    ("field", "kind", "from_file", "given", "expected"),
    [
        ("a", torch.uint16, True, None, (0, 4095)),  # as in training
        ("a", torch.uint16, False, None, (0, 4095)),
        ("a", torch.uint8, True, None, (0, 255)),  # another type that says it itself
        ("c", torch.uint16, True, None, (0, 65535)),
        ("b", torch.int16, False, None, (-1000, 3000)),
        ("b", torch.int32, True, None, (-1000, 3000)),  # the same numbers in a wider type
        ("b", torch.float32, True, None, (-1000, 3000)),
        ("b", torch.float32, False, None, (0, 1)),  # floats in memory
        ("d", torch.float16, True, None, (0, 1)),
        ("a", torch.uint16, True, (10.0, 20.0), (10, 20)),
        ("c", torch.float32, True, (0.0, 1.0), (0, 1)),
    ],
)
def test_the_values_of_an_input(
    field: str, kind: torch.dtype, from_file: bool, given: Any, expected: tuple[float, float]
) -> None:
    assert values_of(facts(), field, kind, from_file=from_file, given=given) == expected


def test_nobody_can_say_what_floats_are_to_a_model_of_8_bits() -> None:
    with pytest.raises(
        I2IError, match=r"float32, and the model was trained on uint8: say which .* value_range"
    ):
        values_of(facts(), "c", torch.float32, from_file=True, given=None)


def test_runs_that_do_not_know_their_type_take_the_values_of_the_training() -> None:
    assert values_of(facts({}), "c", torch.float32, from_file=True, given=None) == (0, 255)


@pytest.mark.parametrize(
    ("field", "kind", "expected"),
    [
        ("a", torch.uint16, (0, 4095)),
        ("a", torch.uint8, (0, 255)),
        ("b", torch.float32, (-1000, 3000)),
        ("c", torch.float32, (0, 255)),
        ("d", torch.uint16, (0, 65535)),
    ],
)
def test_the_values_of_results_in_files(field: str, kind: torch.dtype, expected: tuple[float, float]) -> None:
    assert values_made(facts(), field, kind, from_file=True, given=None) == expected


def test_results_like_the_training_or_of_so_many_bits() -> None:
    assert like_training(facts(), "a") == (torch.uint16, (0, 4095))
    assert like_training(facts(), "a", 8) == (torch.uint8, (0, 255))
    assert like_training(facts(), "d", 16) == (torch.uint16, (0, 65535))
    assert like_training(facts(), "d") == (torch.float32, (0, 1))
    assert like_training(facts({}), "c") == (torch.uint8, (0, 255))
    assert like_training(facts({}), "a") == (torch.uint16, (0, 4095))  # guessed from the range
