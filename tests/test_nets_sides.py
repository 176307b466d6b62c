"""Which sides of a picture a network can take."""

import pytest
import torch

from i2i.nets import check_sides


@pytest.mark.parametrize(
    ("height", "least", "multiple", "wanted"),
    [
        (7, 8, 1, "of at least 8 pixels"),
        (12, 1, 8, "that are multiples of 8"),
        (4, 8, 4, "that are multiples of 4, at least 8"),
    ],
)
def test_a_side_that_does_not_fit(height: int, least: int, multiple: int, wanted: str) -> None:
    with pytest.raises(ValueError, match=f"^this net needs sides {wanted}, got {height}x16$"):
        check_sides(torch.zeros(1, 3, height, 16), "net", least=least, multiple=multiple)


def test_sides_that_fit() -> None:
    check_sides(torch.zeros(1, 3, 8, 12), "net", least=8, multiple=4)
