import numpy as np
import pytest
import torch
from data_helpers import is_near, noise
from PIL import Image, ImageOps

from i2i.pictures.pixels import cut_centre, resize, to_channels, to_tensor, upright


@pytest.mark.parametrize("orientation", range(1, 9))
def test_upright_turns_as_pillow_does(orientation):
    pixels = noise(5, 7)
    image = Image.fromarray(pixels)
    image.getexif()[0x0112] = orientation
    assert np.array_equal(upright(pixels, orientation), np.asarray(ImageOps.exif_transpose(image)))


def test_unknown_orientation_asks_for_nothing():
    assert upright(noise(), 0) is not None
    assert np.array_equal(upright(noise(), 77), noise())


def test_grey_is_pillows_luma_at_8_bits():
    pixels = noise(64, 64)
    assert np.array_equal(to_channels(pixels, 1)[..., 0], np.asarray(Image.fromarray(pixels).convert("L")))


def test_grey_keeps_16_bits():
    grey = to_channels(noise(dtype=np.uint16), 1)
    assert grey.dtype == np.uint16 and len(np.unique(grey & 0xFF)) > 1
    assert to_channels(np.full((2, 2, 3), 65535, np.uint16), 1).min() == 65535


def test_colour_repeats_grey():
    grey = noise(channels=1, dtype=np.uint16)
    assert np.array_equal(to_channels(grey, 3), np.concatenate([grey] * 3, axis=2))


SIZES = [((10, 14), (21, 9)), ((256, 256), (286, 286)), ((301, 97), (64, 143)), ((37, 500), (36, 40))]


@pytest.mark.parametrize(("stored", "wanted"), SIZES)
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("filter", ["bicubic", "bilinear"])
def test_resize_of_8_bits_is_pillows(stored, wanted, channels, filter):
    for pixels in (noise(*stored, channels), np.uint8(255) * (noise(*stored, channels) > 127)):
        resized = resize(pixels, *wanted[::-1], filter)
        for i in range(channels):
            expected = Image.fromarray(pixels[..., i]).resize(wanted[::-1], Image.Resampling[filter.upper()])
            assert is_near(resized[..., i], np.asarray(expected))


@pytest.mark.parametrize(("stored", "wanted"), [((272, 2), (177, 216)), ((20, 9), (30, 1))])
def test_slim_pictures_are_resized_by_pillow(stored, wanted):
    """Of these torch's results are far from Pillow's."""
    pixels = np.uint8(255) * (noise(*stored, 3) > 127)
    expected = np.asarray(Image.fromarray(pixels).resize(wanted[::-1], Image.Resampling.BICUBIC))
    assert np.array_equal(resize(pixels, *wanted[::-1]), expected)


def test_a_part_of_a_picture_is_resized_as_its_copy_is():
    part = noise(30, 40)[4:20, ::-2]
    assert np.array_equal(resize(part, 9, 11), resize(part.copy(), 9, 11))


def test_resize_of_16_bits_agrees_with_8():
    small = noise(10, 14) // 4 + 96  # far from black and white, where each of Pillow's two passes clips
    deep = resize(small.astype(np.uint16) * 257, 23, 17)
    assert deep.dtype == np.uint16
    # the two passes round to whole numbers: half a step of 257 for the last, a bit more for the first
    assert np.abs(deep - resize(small, 23, 17) * 257.0).max() < 1.5 * 257


def test_resize_of_16_bits_does_not_wrap():
    edge = np.zeros((8, 8, 1), np.uint16)
    edge[:, 4:] = 65535
    assert np.all(np.diff(resize(edge, 33, 8)[0, :, 0].astype(int)) >= -6000)  # no jump from white to black


def test_resize_of_floats_is_not_rounded():
    assert len(np.unique(resize(noise().astype(np.float32) / 255, 30, 30) % 1)) > 500


def test_cut_centre_rounds_as_published():
    pixels = np.arange(218 * 178).reshape(218, 178, 1)
    assert np.array_equal(cut_centre(pixels, 178), pixels[20:198])


def test_tensor_is_a_copy_in_the_stored_type():
    pixels = noise(dtype=np.uint16)
    tensor = to_tensor(pixels[:, ::-1])
    assert tensor.shape == (3, 12, 12) and tensor.dtype == torch.uint16 and tensor.is_contiguous()
    assert np.array_equal(tensor.numpy(), pixels[:, ::-1].transpose(2, 0, 1))


def test_small_differences_between_large_numbers_survive_resizing():
    small = np.arange(64, dtype=np.int32).reshape(8, 8, 1)
    large = resize(small + np.int32(10**9), 4, 4)
    # float32 has 24 bits: of numbers of 30 it would lose 6
    assert np.abs(large - np.int32(10**9) - resize(small, 4, 4)).max() <= 1
