"""Every kind of picture file: written and read again, with every type and number of channels that it holds."""

import itertools

import numpy as np
import pytest
from data_helpers import noise
from PIL import Image

from i2i.core.errors import I2IError
from i2i.pictures import files, kinds
from i2i.pictures.files import PictureFile, kinds_for, read_picture, write_picture
from i2i.pictures.finding import EXTENSIONS, find_images
from i2i.pictures.images import decode, read_header
from i2i.pictures.stored_types import TYPES

SUFFIXES = sorted(EXTENSIONS)
LOSSY = (".jpg", ".jpeg", ".webp")
COUNTS = (1, 2, 3, 4, 7)
ARRAYS, ALPHA = ".tif, .tiff, .npy or .npz", ".png, .webp, .tif or .tiff"


def values(channels, dtype="uint8", seed=0):
    """(9, 12, channels), over the whole range of whole numbers."""
    if np.dtype(dtype).kind == "f":
        return np.random.default_rng(seed).normal(size=(9, 12, channels)).astype(dtype)
    low = np.iinfo(dtype).min
    return np.random.default_rng(seed).integers(
        low, np.iinfo(dtype).max, (9, 12, channels), dtype, endpoint=True
    )


def pictures_for(suffix):
    """Every picture that a kind holds."""
    for dtype, channels, alpha in itertools.product(TYPES, COUNTS, (False, True)):
        if suffix in kinds_for(channels, dtype, alpha):
            yield PictureFile(values(channels, dtype), values(1, dtype, 1) if alpha else None)


@pytest.mark.parametrize("suffix", [suffix for suffix in SUFFIXES if suffix not in LOSSY])
def test_what_is_written_is_read_again(suffix, tmp_path):
    path = tmp_path / f"x{suffix}"
    for picture in pictures_for(suffix):
        write_picture(picture, path)
        again, header = read_picture(path), read_header(path)
        assert again.pixels.dtype == picture.pixels.dtype and np.array_equal(again.pixels, picture.pixels)
        assert (again.alpha is None) == (picture.alpha is None)
        assert picture.alpha is None or np.array_equal(again.alpha, picture.alpha)
        assert (header.height, header.width, header.channels) == picture.pixels.shape
        assert header.dtype == picture.pixels.dtype.name
        assert np.array_equal(decode(path), picture.pixels)


@pytest.mark.parametrize("suffix", LOSSY)
def test_what_is_written_with_loss_is_nearly_the_same(suffix, tmp_path):
    ramp = np.linspace(0, 255, 48).astype(np.uint8)
    colours = np.stack(np.broadcast_arrays(ramp[:, None], ramp[None], ramp[::-1, None]), axis=2)
    write_picture(PictureFile(colours), tmp_path / f"x{suffix}")
    again = read_picture(tmp_path / f"x{suffix}").pixels
    # a quality of 95 on smooth colours; WebP halves their resolution
    assert np.abs(again.astype(int) - colours).max() <= 12 and np.abs(again.astype(int) - colours).mean() < 2


def test_jpeg_keeps_the_full_resolution_of_colours(tmp_path):
    stripes = np.zeros((16, 16, 3), np.uint8)
    stripes[:, ::2, 0], stripes[:, 1::2, 2] = 255, 255
    write_picture(PictureFile(stripes), tmp_path / "x.jpg")
    # with colours of half resolution, red and blue would mix to 127
    assert np.abs(read_picture(tmp_path / "x.jpg").pixels.astype(int) - stripes).max() < 40


def test_webp_keeps_what_alpha_hides(tmp_path):
    picture = PictureFile(np.full((16, 16, 3), 200, np.uint8), np.zeros((16, 16, 1), np.uint8))
    write_picture(picture, tmp_path / "x.webp")
    again = read_picture(tmp_path / "x.webp")
    assert again.pixels.min() > 190 and not again.alpha.any()


@pytest.mark.parametrize(
    ("mode", "name", "channels"),
    [
        ("LA", "x.png", 1), ("RGBA", "x.png", 3), ("RGBA", "x.webp", 3), ("LA", "x.tif", 1), ("RGBA", "x.tif", 3),
    ],
)  # fmt: skip
def test_alpha_stands_beside(mode, name, channels, tmp_path):
    samples = noise(8, 8, channels + 1)
    Image.fromarray(samples, mode).save(tmp_path / name, lossless=True, exact=True)
    picture = read_picture(tmp_path / name)
    assert np.array_equal(picture.pixels, samples[..., :channels]) and np.array_equal(
        picture.alpha, samples[..., channels:]
    )


def test_a_palette_becomes_rgb_and_its_transparent_colour_alpha(tmp_path):
    image = Image.fromarray(noise(8, 8)).quantize(4)
    image.save(tmp_path / "x.png", transparency=2)
    picture = read_picture(tmp_path / "x.png")
    assert np.array_equal(picture.pixels, np.asarray(image.convert("RGB")))
    assert np.array_equal(picture.alpha[..., 0] == 0, np.asarray(image) == 2)
    assert np.array_equal(decode(tmp_path / "x.png"), picture.pixels)


@pytest.mark.parametrize("mode", ["L", "RGB", "I;16"])
def test_a_transparent_value_becomes_alpha(mode, tmp_path):
    grey = np.arange(256).reshape(16, 16)
    image = Image.fromarray(grey.astype(np.uint16 if mode == "I;16" else np.uint8))
    image = image if mode == "I;16" else image.convert(mode)
    image.save(tmp_path / "x.png", transparency=(7, 7, 7) if mode == "RGB" else 7)
    alpha = read_picture(tmp_path / "x.png").alpha
    assert np.array_equal(alpha[..., 0] == 0, grey == 7) and alpha.max() == np.iinfo(alpha.dtype).max


def test_one_bit_and_cmyk(tmp_path):
    for mode, name, converted in (("1", "x.png", "L"), ("CMYK", "x.jpg", "RGB")):
        Image.fromarray(noise()).convert(mode).save(tmp_path / name)
        with Image.open(tmp_path / name) as image:
            stored = np.asarray(image.convert(converted)).reshape(12, 12, -1)
        assert np.array_equal(read_picture(tmp_path / name).pixels, stored)


@pytest.mark.parametrize("name", ["x.png", "x.webp"])
def test_an_animation_is_no_picture(name, tmp_path):
    frames = [Image.fromarray(noise(seed=seed)) for seed in range(3)]
    frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
    for read in (read_header, decode, read_picture):
        with pytest.raises(I2IError, match=r"is an animation of 3 pictures; save the one that is wanted"):
            read(tmp_path / name)


def test_what_a_file_is_called_does_not_matter(tmp_path):
    write_picture(PictureFile(values(3)), tmp_path / "x.png")
    for name in ("x.npy", "x.tif", "x.jpg"):
        (tmp_path / "x.png").rename(tmp_path / name)
        assert np.array_equal(read_picture(tmp_path / name).pixels, values(3))
        (tmp_path / name).rename(tmp_path / "x.png")


def test_arrays_are_found_in_folders(tmp_path):
    for name in ("1.npy", "2.npz", "3.tif", ".4.npy"):
        (tmp_path / name).touch()
    assert [path.name for path in find_images(tmp_path)] == ["1.npy", "2.npz", "3.tif"]
    assert {suffix for kind in kinds.KINDS for suffix in kind.suffixes} == EXTENSIONS


# Which kinds hold a picture.


def test_kinds_for():
    assert kinds_for(3, "uint8") == [
        ".png", ".jpg", ".jpeg", ".webp", ".bmp", ".ppm", ".tif", ".tiff", ".npy", ".npz",
    ]  # fmt: skip
    assert kinds_for(1, "uint16") == [".png", ".ppm", ".tif", ".tiff", ".npy", ".npz"]
    assert kinds_for(5, "float32") == [".tif", ".tiff", ".npy", ".npz"]
    assert kinds_for(3, "uint8", alpha=True) == [".png", ".webp", ".tif", ".tiff"]
    assert kinds_for(3, "complex64") == []


@pytest.mark.parametrize(
    ("name", "channels", "dtype", "alpha", "what", "others"),
    [
        ("x.jpg", 5, "uint8", False, "5 channels of uint8 cannot be written to .jpg", ARRAYS),
        ("x.png", 3, "float32", False, "3 channels of float32 cannot be written to .png", ARRAYS),
        ("x.JPG", 1, "uint16", False, "1 channel of uint16 cannot be written to .jpg", f".png, .ppm, {ARRAYS}"),
        ("x.jpg", 3, "uint8", True, "3 channels of uint8 and alpha cannot be written to .jpg", ALPHA),
        ("x.npy", 3, "uint8", True, "3 channels of uint8 and alpha cannot be written to .npy", ALPHA),
        ("x.png", 4, "uint8", False, "4 channels of uint8 cannot be written to .png", ARRAYS),
        ("x.gif", 3, "uint16", False, "'.gif' is no picture's ending", ".png, .tif, .tiff, .npy or .npz"),
        ("x", 9, "uint8", False, "the name has no ending", ARRAYS),
    ],
)  # fmt: skip
def test_what_a_kind_cannot_hold_is_said(name, channels, dtype, alpha, what, others, tmp_path):
    picture = PictureFile(values(channels, dtype), values(1, dtype) if alpha else None)
    with pytest.raises(I2IError) as caught:
        write_picture(picture, tmp_path / "new" / name)
    assert str(caught.value) == f"{tmp_path / 'new' / name}: {what}; end it in {others}"
    assert not (tmp_path / "new").exists()


def test_a_type_that_is_no_pictures_is_said(tmp_path):
    with pytest.raises(I2IError, match="a picture of complex64 cannot be written; use uint8, uint16"):
        write_picture(PictureFile(np.zeros((2, 2, 1), np.complex64)), tmp_path / "x.npy")


# Whole or not at all.


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_fault_leaves_nothing_new_and_the_old_as_it_was(suffix, tmp_path, monkeypatch):
    path = tmp_path / f"x{suffix}"
    write_picture(PictureFile(values(3)), path)
    before = path.read_bytes()

    def half(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(path), "replace", half)
    with pytest.raises(
        I2IError, match=r"x\.\w+: the result could not be written \(No space left on device\)"
    ):
        write_picture(PictureFile(values(3, seed=1)), path)
    assert path.read_bytes() == before and [each.name for each in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize(
    "error", [OSError(28, "full"), ValueError("odd"), I2IError("told"), KeyboardInterrupt()]
)
def test_a_fault_while_a_file_is_written_leaves_nothing(error, tmp_path, monkeypatch):
    def write(picture, path):
        path.write_bytes(b"half a pict")
        raise error

    monkeypatch.setattr(files, "KINDS", (kinds.Kind((".png",), write, {"uint8": ()}),))
    with pytest.raises((I2IError, KeyboardInterrupt)):
        write_picture(PictureFile(values(3)), tmp_path / "x.png")
    assert not list(tmp_path.iterdir())


def test_folders_are_made(tmp_path):
    write_picture(PictureFile(values(3)), tmp_path / "a" / "b" / "x.png")
    assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == ["x.png"]


def test_a_place_that_cannot_be_written_to_is_said(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(I2IError, match="the result could not be written"):
        write_picture(PictureFile(values(3)), tmp_path / "file" / "x.png")
    (tmp_path / "x.png").mkdir()
    with pytest.raises(I2IError, match="the result could not be written"):
        write_picture(PictureFile(values(3)), tmp_path / "x.png")


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(
    "content", [b"", b"\x93NUMPY", b"PK\x03\x04", b"II*\0", b"MM\0*\0\0\0\x08", b"II+\0\x08\0\0\0", b"words"]
)
def test_what_is_no_picture_is_told_in_a_sentence(suffix, content, tmp_path):
    path = tmp_path / f"x{suffix}"
    path.write_bytes(content)
    for read in (read_header, decode, read_picture):
        with pytest.raises(I2IError, match=rf"x\{suffix}' cannot be read: .*; replace or remove it$"):
            read(path)


def test_what_is_missing_or_a_folder_is_told_in_a_sentence(tmp_path):
    with pytest.raises(I2IError, match=r"there is no file '.*x\.npy'"):
        read_picture(tmp_path / "x.npy")
    with pytest.raises(I2IError, match="is a folder; name a picture"):
        read_picture(tmp_path)


def test_what_alpha_hides_is_kept_in_webp(tmp_path):
    hidden = np.zeros((32, 32, 3), np.uint8)
    hidden[8:24, 8:24] = 200
    write_picture(PictureFile(hidden, np.zeros((32, 32, 1), np.uint8)), tmp_path / "x.webp")
    stored = read_picture(tmp_path / "x.webp").pixels
    assert (
        stored[12:20, 12:20].min() > 190 and stored[:4].max() < 10
    )  # packed with loss, and one grey if not kept
