import numpy as np
import pytest
import torch
from data_helpers import fill, noise, save, write_deep_png, write_deep_tiff
from PIL import Image, ImageOps

from i2i.core.errors import I2IError
from i2i.pictures.finding import find_images
from i2i.pictures.images import Header, decode, read_header, read_image


def test_finds_every_extension_in_any_case_and_depth(tmp_path):
    names = ["a.JPG", "b.jpeg", "c.Png", "d.webp", "e/f.bmp", "e/g.ppm", "h.tif", "i.TIFF"]
    for name in [*names, "note.txt", ".hidden.png", "._a.jpg", ".cache/x.png"]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [path.relative_to(tmp_path).as_posix() for path in find_images(tmp_path)] == names


def test_natural_order(tmp_path):
    fill(tmp_path, ["10.png", "9.png", "b2.png", "B10.png", "b1.png", "02.png"])
    assert [path.stem for path in find_images(tmp_path)] == ["02", "9", "10", "b1", "b2", "B10"]


def test_a_link_inside_the_folder_is_a_picture(tmp_path):
    fill(tmp_path, ["1.png"])
    try:
        (tmp_path / "3.png").symlink_to(tmp_path / "1.png")
    except OSError:
        pytest.skip("links cannot be made here")
    assert [path.name for path in find_images(tmp_path)] == ["1.png", "3.png"]


@pytest.mark.parametrize("name", ["x.png", "x.tif"])
def test_grey_of_16_bits_is_kept(tmp_path, name):
    pixels = noise(channels=1, dtype=np.uint16)
    path = save(tmp_path / name, pixels)
    assert read_header(path) == Header(12, 12, 1, "uint16")
    assert np.array_equal(decode(path), pixels) and decode(path).dtype == np.uint16


@pytest.mark.parametrize(("stored", "kept"), [(2, 1), (3, 3), (4, 3)])
def test_png_of_16_bits_is_kept_and_alpha_dropped(tmp_path, stored, kept):
    pixels = noise(5, 9, stored, np.uint16)
    write_deep_png(tmp_path / "x.png", pixels)
    assert read_header(tmp_path / "x.png") == Header(9, 5, kept, "uint16")
    assert np.array_equal(decode(tmp_path / "x.png"), pixels[..., :kept])


def test_pgm_of_16_bits_is_kept(tmp_path):
    pixels = noise(4, 6, 1, np.uint16)
    path = tmp_path / "x.ppm"
    path.write_bytes(b"P5\n6 4\n65535\n" + pixels.astype(">u2").tobytes())
    assert read_header(path).bits == 16
    assert np.array_equal(decode(path), pixels)


def test_floats_stay_floats(tmp_path):
    values = noise(channels=1).astype(np.float32) / 7
    path = save(tmp_path / "x.tif", values)
    assert read_header(path) == Header(12, 12, 1, "float32")
    assert np.array_equal(decode(path), values)


@pytest.mark.parametrize("mode", ["1", "L", "LA"])
def test_grey_modes(tmp_path, mode):
    image = Image.fromarray(noise()).convert(mode)
    image.save(tmp_path / "x.png")
    assert read_header(tmp_path / "x.png") == Header(12, 12, 1, "uint8")
    assert np.array_equal(decode(tmp_path / "x.png")[..., 0], np.asarray(image.convert("L")))


@pytest.mark.parametrize(
    ("mode", "name"), [("P", "x.png"), ("RGBA", "x.png"), ("CMYK", "x.tif"), ("RGB", "x.bmp")]
)
def test_colour_modes_become_rgb(tmp_path, mode, name):
    image = Image.fromarray(noise()).convert(mode)
    image.save(tmp_path / name)
    assert read_header(tmp_path / name) == Header(12, 12, 3, "uint8")
    assert np.array_equal(decode(tmp_path / name), np.asarray(image.convert("RGB")))


@pytest.mark.parametrize("name", ["x.jpg", "x.png", "x.tif"])
def test_exif_orientation_is_honoured(tmp_path, name):
    pixels = np.zeros((8, 16, 3), np.uint8)
    pixels[:, :8] = 255
    exif = Image.Exif()
    exif[0x0112] = 6
    save(tmp_path / name, pixels, exif=exif)
    assert read_header(tmp_path / name) == Header(8, 16, 3, "uint8", jpeg=name == "x.jpg")
    upright = decode(tmp_path / name)
    assert upright.shape == (16, 8, 3) and upright[:6].min() > 200 and upright[10:].max() < 50


@pytest.mark.parametrize("orientation", [0, 9, 262])
def test_an_exif_orientation_that_there_is_not_is_none(tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    save(tmp_path / "x.webp", noise(4, 6), exif=exif)
    assert read_header(tmp_path / "x.webp") == Header(6, 4, 3, "uint8")
    assert decode(tmp_path / "x.webp").shape == (4, 6, 3)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["x.png", "x.tif"])
def test_every_exif_orientation(tmp_path, name, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    save(tmp_path / name, noise(4, 6), exif=exif)
    upright = np.asarray(ImageOps.exif_transpose(Image.open(tmp_path / name)))
    header = read_header(tmp_path / name)
    assert (header.height, header.width) == upright.shape[:2]
    assert np.array_equal(decode(tmp_path / name), upright)


def test_read_image_is_channels_first(tmp_path):
    path = save(tmp_path / "x.png", noise(4, 6))
    assert read_image(path).shape == (3, 4, 6) and read_image(path).dtype == torch.uint8


def test_truncated_and_foreign_files_name_themselves(tmp_path):
    whole = save(tmp_path / "whole.jpg", noise(64, 64))
    cut = tmp_path / "cut.jpg"
    cut.write_bytes(whole.read_bytes()[:-900])
    (tmp_path / "text.png").write_text("not a picture")
    for path in (cut, tmp_path / "text.png", tmp_path / "empty.png"):
        path.touch()
        with pytest.raises(I2IError, match=path.name):
            decode(path)


def test_damaged_deep_png_names_itself(tmp_path):
    write_deep_png(tmp_path / "x.png", noise(dtype=np.uint16))
    data = bytearray((tmp_path / "x.png").read_bytes())
    (tmp_path / "x.png").write_bytes(data[: len(data) // 2])
    with pytest.raises(I2IError, match=r"x\.png"):
        decode(tmp_path / "x.png")


def test_colour_tiff_of_16_bits_is_kept(tmp_path):
    pixels = noise(5, 9, dtype=np.uint16)
    path = write_deep_tiff(tmp_path / "x.tif", pixels)
    assert read_header(path) == Header(9, 5, 3, "uint16")
    assert np.array_equal(decode(path), pixels)


def test_deep_colour_that_would_be_cut_is_refused(tmp_path):
    path = tmp_path / "x.ppm"
    path.write_bytes(b"P6\n2 2\n65535\n" + bytes(24))
    with pytest.raises(I2IError, match="that cannot be read; save it as a 16-bit PNG"):
        read_header(path)


def test_floats_of_a_ppm_are_not_cut_to_8_bits(tmp_path):
    values = noise(channels=1).astype(np.float32) / 7
    Image.fromarray(values[..., 0]).save(tmp_path / "x.ppm")
    assert read_header(tmp_path / "x.ppm") == Header(12, 12, 1, "float32")
    assert np.array_equal(decode(tmp_path / "x.ppm"), values)
