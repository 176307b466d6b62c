import pytest
import torch

from i2i.core.data import DataFacts
from i2i.data.values import from_unit, to_device, to_unit


@pytest.mark.parametrize(("dtype", "top"), [(torch.uint8, 255), (torch.uint16, 65535)])
def test_whole_numbers_survive_the_round_trip(dtype, top):
    stored = torch.arange(top + 1, dtype=torch.int32).to(dtype)
    unit = to_unit(stored, (0, top))
    assert (unit.min(), unit.max(), unit.dtype) == (-1, 1, torch.float32)
    assert torch.equal(from_unit(unit, (0, top), dtype), stored)


def test_whole_numbers_are_rounded_and_clipped():
    assert from_unit(torch.tensor([-2.0, 0.0, 2.0]), (0, 255), torch.uint8).tolist() == [0, 128, 255]


def test_only_pictures_change_range():
    facts = DataFacts(fields=("a", "domain"), image_size=1, channels={"a": 1}, value_range={"a": (0, 255)})
    fields = {"a": torch.full((1, 1, 1, 1), 255, dtype=torch.uint8), "domain": torch.tensor([3])}
    moved = to_device(fields, facts, torch.device("cpu"))
    assert moved["a"].item() == 1 and moved["domain"].item() == 3


@pytest.mark.parametrize(
    ("dtype", "low"),
    [(torch.int32, -(2**31)), (torch.uint32, 0), (torch.int32, 2**30), (torch.float64, 1e12)],
)
def test_wide_types_keep_the_digits_that_float32_has_not(dtype, low):
    """A range of 2,000 numbers far from 0: float32 alone could not tell them apart."""
    stored = torch.arange(2001, dtype=torch.float64).add(low).to(dtype)
    unit = to_unit(stored, (low, low + 2000))
    assert (unit.min(), unit.max(), unit.dtype, len(unit.unique())) == (-1, 1, torch.float32, 2001)
    back = from_unit(unit, (low, low + 2000), dtype)
    # half a unit of [-1, 1] in float32 is 2000 · 2^-25 in stored values; whole numbers are rounded to themselves
    assert (back.double() - stored.double()).abs().max() <= (
        0 if not dtype.is_floating_point else 2000 * 2**-24
    )


def test_the_highest_number_of_32_bits_is_not_exceeded():
    assert from_unit(torch.tensor([1.0, 3.0]), (0, 2**32 - 1), torch.uint32).tolist() == [2**32 - 1] * 2


@pytest.mark.parametrize(
    "dtype",
    [
        torch.uint8,
        torch.uint16,
        torch.uint32,
        torch.int16,
        torch.int32,
        torch.float16,
        torch.float32,
        torch.float64,
    ],
)
def test_every_stored_type_reaches_the_network_as_float32(dtype):
    facts = DataFacts(fields=("a",), image_size=1, channels={"a": 2}, value_range={"a": (0, 100)})
    fields = {"a": torch.tensor([0, 50, 100, 150]).to(dtype).reshape(1, 2, 1, 2)}
    moved = to_device(fields, facts, torch.device("cpu"))["a"]
    assert moved.dtype == torch.float32 and moved.flatten().tolist() == [-1, 0, 1, 2]  # beyond +1 is kept
