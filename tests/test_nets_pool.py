"""The image pool: the published rule, with scripted draws."""

import pytest
import torch

from i2i.nets import ImagePool

NEVER, ALWAYS = (0.5, 0.99), (0.51, 0.0)


def pictures(*values):
    return torch.stack([torch.full((1, 2, 2), float(value)) for value in values])


def values(images):
    return images[:, 0, 0, 0].tolist()


def test_while_there_is_room_pictures_are_stored_and_returned():
    pool = ImagePool(3)
    assert values(pool(pictures(1, 2), [ALWAYS, ALWAYS])) == [1, 2]
    assert values(pool.images) == [1, 2]


def test_a_full_pool_exchanges_above_one_half():
    pool = ImagePool(2)
    pool(pictures(1, 2), [NEVER, NEVER])
    assert values(pool(pictures(3, 4), [(0.51, 0.5), (0.5, 0.0)])) == [2, 4]
    assert values(pool.images) == [1, 3]
    assert values(pool(pictures(5), [(0.9, 0.49)])) == [1]
    assert values(pool.images) == [5, 3]


def test_pictures_of_one_batch_meet_each_other():
    pool = ImagePool(1)
    assert values(pool(pictures(1, 2, 3), [ALWAYS] * 3)) == [1, 1, 2]
    assert values(pool.images) == [3]


def test_slots_are_equally_likely():
    pool = ImagePool(4)
    pool(pictures(0, 1, 2, 3), [NEVER] * 4)
    slots = [values(pool(pictures(9), [(1.0, k / 8)])) and values(pool.images).index(9) for k in (0,)]
    assert slots == [0]
    for k in range(1, 8):
        pool.images.fill_(0)
        pool(pictures(9), [(1.0, k / 8)])
        assert values(pool.images).index(9) == k // 2


def test_what_is_returned_is_neither_shared_nor_attached():
    pool = ImagePool(1)
    first = pictures(1).requires_grad_()
    assert not pool(first, [NEVER]).requires_grad
    with torch.no_grad():
        first.fill_(7)
    shown = pool(pictures(2), [ALWAYS])
    assert values(shown) == [1]
    shown.fill_(8)
    assert values(pool.images) == [2]


def test_capacity_zero_passes_everything_through():
    pool = ImagePool(0)
    images = pictures(1, 2).requires_grad_()
    shown = pool(images, [ALWAYS, ALWAYS])
    assert values(shown) == [1, 2]
    assert not shown.requires_grad
    assert pool.images.numel() == 0


@pytest.mark.parametrize("count", [0, 2, 3])
@pytest.mark.parametrize("before", [0, 1, 3])
def test_state_is_restored_into_a_pool_that_holds_more_or_less(count, before):
    pool, other = ImagePool(3), ImagePool(3)
    pool(pictures(*range(count)), [NEVER] * count) if count else None
    other(pictures(*range(7, 7 + before)), [NEVER] * before) if before else None
    other.load_state_dict({key: value.clone() for key, value in pool.state_dict().items()})
    assert torch.equal(other.images, pool.images)
    draws = [(0.9, 0.7), (0.9, 0.1)]
    assert values(other(pictures(4, 5), draws)) == values(pool(pictures(4, 5), draws))


def test_the_type_of_the_pictures_is_kept():
    pool = ImagePool(2)
    assert pool(pictures(1).bfloat16(), [NEVER]).dtype == torch.bfloat16
    other = ImagePool(2)
    other.load_state_dict(pool.state_dict())
    assert other.images.dtype == torch.bfloat16


def test_every_picture_needs_a_draw():
    with pytest.raises(ValueError, match="a draw for each of the 2 pictures, got 1"):
        ImagePool(2)(pictures(1, 2), [NEVER])
