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
