"""Padding: both sides become multiples, and what was there stays where it was."""

import pytest
import torch

from i2i.translate.padding import pad


@pytest.mark.parametrize("size", [(8, 8), (9, 8), (1, 1), (1, 20), (3, 17), (2, 2), (16, 5)])
@pytest.mark.parametrize("multiple", [1, 4, 8, 16])
def test_sides_become_the_next_multiples(size: tuple[int, int], multiple: int) -> None:
    picture = torch.rand(2, 3, *size)
    padded = pad(picture, multiple)
    assert [side % multiple for side in padded.shape[-2:]] == [0, 0]
    assert all(0 <= new - old < multiple for new, old in zip(padded.shape[-2:], size, strict=True))
    assert torch.equal(padded[..., : size[0], : size[1]], picture)


def test_what_fits_is_not_touched() -> None:
    picture = torch.rand(1, 1, 8, 16)
    assert pad(picture, 8) is picture


def test_the_border_is_a_mirror() -> None:
    row = torch.tensor([[[[1.0, 2.0, 3.0, 4.0, 5.0]]]]).expand(-1, -1, 8, -1)
    assert pad(row, 8)[0, 0, 0].tolist() == [1, 2, 3, 4, 5, 4, 3, 2]


def test_a_narrow_picture_is_mirrored_more_than_once() -> None:
    row = torch.tensor([[[[1.0, 2.0]]]]).expand(-1, -1, 8, -1)
    assert pad(row, 8)[0, 0, 0].tolist() == [1, 2, 1, 2, 1, 2, 1, 2]


def test_one_pixel_is_repeated() -> None:
    assert torch.equal(pad(torch.full((1, 1, 1, 1), 0.5), 4), torch.full((1, 1, 4, 4), 0.5))
