import numpy as np
import pytest
import torch
from data_helpers import is_near, noise, rng
from PIL import Image

from i2i.core.errors import I2IError
from i2i.data.preprocess import Draw, Preprocess, settle_sizes
from i2i.pictures.images import Header


@pytest.mark.parametrize("grey", [False, True])
@pytest.mark.parametrize("mirrored", [False, True])
def test_published_order(grey, mirrored):
    """(grey,) resize to a square with the bicubic filter, crop, flip: as pix2pix and CycleGAN do with Pillow."""
    from i2i.pictures.pixels import to_channels

    pixels = noise(40, 30)
    image = Image.fromarray(pixels)
    image = image.convert("L") if grey else image
    image = image.resize((28, 28), Image.Resampling.BICUBIC).crop((3, 1, 27, 25))
    image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if mirrored else image
    expected = np.asarray(image).reshape(24, 24, -1).transpose(2, 0, 1)

    preprocess = Preprocess(size=24, load_size=28, flip=True)
    result = preprocess(to_channels(pixels, 1) if grey else pixels, Draw(left=3, top=1, mirrored=mirrored))
    assert result.dtype == torch.uint8 and is_near(result.numpy(), expected)


def test_draws_are_uniform_and_in_range():
    preprocess, numbers = Preprocess(size=8, load_size=10, flip=True), rng()
    draws = [preprocess.draw(numbers) for _ in range(600)]
    assert {d.left for d in draws} == {d.top for d in draws} == {0, 1, 2}
    assert {(d.left, d.top) for d in draws} == {(x, y) for x in range(3) for y in range(3)}
    assert 200 < sum(d.mirrored for d in draws) < 400  # 8 standard deviations around 300


def test_without_room_or_flip_nothing_moves():
    preprocess = Preprocess(size=8, load_size=8)
    assert {preprocess.draw(rng(seed)) for seed in range(20)} == {Draw(0, 0, False)}


def test_centre_crop_comes_first():
    pixels = np.zeros((20, 30, 1), np.uint8)
    pixels[5:15, 10:20] = 200
    result = Preprocess(size=6, load_size=6, centre_crop=10)(pixels, Draw(0, 0, False))
    assert result.unique().tolist() == [200]


def test_centre_crop_must_fit():
    preprocess = Preprocess(size=8, load_size=8, centre_crop=178)
    with pytest.raises(I2IError, match=r"178 is larger than 'x.png', which is 200×160; use 160 or less"):
        preprocess.check(Header(200, 160, 3, "uint8"), "x.png")


@pytest.mark.parametrize(("size", "load_size"), [(256, 286), (128, 143), (64, 72), (512, 572)])
def test_auto_load_size_is_the_published_proportion(size, load_size):
    assert settle_sizes({"size": size, "load_size": "auto", "flip": True}, 0) == {
        "size": size,
        "load_size": load_size,
        "flip": True,
    }


def test_given_load_size_stays():
    assert settle_sizes({"load_size": 70}, 64) == {"size": 64, "load_size": 70}


def test_crop_larger_than_picture():
    sentence = (
        'load_size: a crop of size 256 does not fit into pictures resized to 128; use 256 or more, or "auto"'
    )
    with pytest.raises(ValueError, match="^" + sentence):
        settle_sizes({"size": 256, "load_size": 128}, 256)
    with pytest.raises(I2IError, match="^data." + sentence):
        Preprocess(size=256, load_size=128)


@pytest.mark.parametrize("dtype", ["int16", "int32", "float16", "float32", "float64"])
def test_resizing_keeps_numbers_below_zero(dtype):
    pixels = np.linspace(-1000, 1000, 64).reshape(8, 8, 1).astype(dtype)
    loaded = Preprocess(size=16, load_size=16)(pixels, Draw(0, 0, False)).numpy()
    assert loaded.dtype == dtype and loaded.min() < -900 and loaded.max() > 900


def test_resizing_numbers_of_32_bits_keeps_their_digits():
    near = np.arange(64, dtype=np.uint32).reshape(8, 8, 1)
    small, large = (
        Preprocess(size=4, load_size=4)(near + at, Draw(0, 0, False)).numpy() for at in (0, 3 * 10**9)
    )
    assert np.array_equal(small, large - 3 * 10**9)


def test_channels_are_resized_each_for_itself():
    pixels = noise(9, 9, 5)
    together = Preprocess(size=6, load_size=6)(pixels[..., :4], Draw(0, 0, False))
    alone = [Preprocess(size=6, load_size=6)(pixels[..., [i]], Draw(0, 0, False)) for i in range(4)]
    assert torch.equal(together, torch.cat(alone))  # the fourth is no alpha


def test_resizing_adds_no_values_beyond_the_range_and_those_of_the_picture():
    """The bicubic filter overshoots beside an edge, and 8 bits cut that off at 0 and 255."""
    edge = np.repeat([0, 4095], 8).astype(np.uint16)[None, :, None].repeat(16, 0)
    steps, still = Preprocess(size=24, load_size=24), Draw(0, 0, False)
    assert steps(edge, still).numpy().max() > 4095
    assert steps(edge, still, (0, 4095)).numpy().max() == 4095
    assert steps(edge, still, (0, 1000)).numpy().max() == 4095  # what the picture holds itself stays
    assert steps(edge, still, (0, 5000)).numpy().max() > 4095  # and so does what there is room for
    assert steps.still()(edge, still, (0, 5000)).numpy().max() == 4095  # but not for looking at what there is
    few = (edge // 65).astype(np.uint8)  # 6 bits of 8
    assert steps(few, still, (0, 63)).numpy().max() == 63 < steps(few, still, (0, 255)).numpy().max()
