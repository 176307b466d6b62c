"""Pixel losses against their formulas."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from i2i.losses import huber, l1, l2, sobel

PIXEL_LOSSES = [l1, l2, huber, sobel]


@pytest.fixture
def pictures():
    torch.manual_seed(0)
    return 3 * torch.randn(2, 3, 8, 9), torch.randn(2, 3, 8, 9)


def test_l1_and_l2_are_torchs_bit_for_bit(pictures):
    assert torch.equal(l1(*pictures), nn.L1Loss()(*pictures))
    assert torch.equal(l2(*pictures), nn.MSELoss()(*pictures))


@pytest.mark.parametrize("delta", [0.5, 1.0])
def test_huber_is_a_square_that_becomes_a_line(pictures, delta):
    difference = (pictures[0] - pictures[1]).abs()
    formula = torch.where(difference < delta, difference.square() / 2, delta * (difference - delta / 2))
    torch.testing.assert_close(huber(*pictures, delta=delta), formula.mean())


@pytest.mark.parametrize("scale", [1, 2])
def test_sobel_is_the_filter(pictures, scale):
    across = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]]).expand(3, 1, 3, 3) / 8
    small = [F.avg_pool2d(picture, scale) for picture in pictures]
    differences = [
        F.conv2d(small[0], kernel, groups=3) - F.conv2d(small[1], kernel, groups=3)
        for kernel in (across, across.mT)
    ]
    formula = sum(difference.abs().mean() for difference in differences) / 2
    torch.testing.assert_close(sobel(*pictures, scale=scale), formula)


def test_sobel_measures_slopes_per_pixel_and_ignores_brightness():
    ramp = torch.arange(6.0).expand(1, 1, 6, 6)
    assert sobel(ramp, torch.zeros_like(ramp)) == 0.5  # slope 1 across, 0 down
    assert sobel(ramp + 3, ramp) == 0


def test_sobel_needs_three_pixels():
    with pytest.raises(ValueError, match="at scale 2 needs sides of at least 6 pixels, got 5x8"):
        sobel(torch.zeros(1, 1, 5, 8), torch.zeros(1, 1, 5, 8), scale=2)


@pytest.mark.parametrize("loss", PIXEL_LOSSES)
def test_always_in_fp32(pictures, loss):
    half = [picture.bfloat16() for picture in pictures]
    with torch.autocast("cpu", torch.bfloat16):
        value = loss(*half)
    assert value.dtype == torch.float32
    assert torch.equal(value, loss(*(picture.float() for picture in half)))
    assert loss(*(picture.double() for picture in half)).dtype == torch.float64


@pytest.mark.parametrize("loss", PIXEL_LOSSES)
def test_zero_for_equal_pictures_and_differentiable(pictures, loss):
    fake, real = pictures
    assert loss(real, real.clone()) == 0
    loss(fake.requires_grad_(), real).backward()
    assert fake.grad.abs().sum() > 0


@pytest.mark.parametrize("loss", PIXEL_LOSSES)
def test_shapes_must_agree(loss):
    with pytest.raises(ValueError, match=r"compares equal shapes, got \(1, 3, 8, 8\) and \(1, 1, 8, 8\)"):
        loss(torch.zeros(1, 3, 8, 8), torch.zeros(1, 1, 8, 8))


@pytest.mark.parametrize("loss", PIXEL_LOSSES)
def test_scores_are_not_compared(loss):
    with pytest.raises(ValueError, match="the scores of a discriminator need a GAN loss"):
        loss(torch.zeros(1, 1, 8, 8), "real")


def test_sobel_needs_pictures():
    with pytest.raises(ValueError, match=r"sobel needs pictures \(N, C, H, W\), got \(1, 8\)"):
        sobel(torch.zeros(1, 8), torch.zeros(1, 8))


@pytest.mark.parametrize("loss", PIXEL_LOSSES)
def test_lists_are_compared_one_by_one(loss, pictures):
    one, other = pictures
    small = [F.avg_pool2d(picture, 2) for picture in pictures]
    expected = (loss(one, other) + loss(*small)) / 2
    assert torch.equal(loss([one, small[0]], (other, small[1])), expected)
    assert torch.equal(loss([[one], [small[0]]], [[other], [small[1]]]), expected)


@pytest.mark.parametrize("loss", PIXEL_LOSSES)
def test_what_cannot_be_compared_is_told(loss, pictures):
    one, other = pictures
    for fake, real, sentence in (
        ([one, one], [other], "lists are compared tensor by tensor, got 2 and 1 of them"),
        ([], [], "lists are compared tensor by tensor, got 0 and 0 of them"),
        ([one], other, "this loss compares tensors, got a list"),
        (one, other.long(), r"a pixel loss compares pictures, got labels: whole numbers \(torch.int64\)"),
    ):
        with pytest.raises(ValueError, match=sentence):
            loss(fake, real)
