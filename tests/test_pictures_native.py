import numpy as np
import pytest
from data_helpers import noise, save, write_deep_png
from PIL import Image

from i2i.core.errors import I2IError
from i2i.pictures import native, plain
from i2i.pictures.images import decode, read_header


@pytest.fixture(autouse=True)
def _installed():
    pytest.importorskip("imagecodecs")


def photo(height=45, width=61, channels=3):
    """Something smooth, as JPEG files are meant for."""
    rows, columns = np.mgrid[:height, :width]
    planes = [128 + 100 * np.sin(rows / (5 + i) + columns / (7 - i)) for i in range(channels)]
    return np.stack(planes, axis=2).astype(np.uint8)


def by_pillow(path, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(plain, "decode_native", lambda image, header: None)
        return decode(path)


def is_native(path):
    with Image.open(path) as image:
        return native.decode_native(image, read_header(path)) is not None


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("subsampling", [0, 1, 2])
def test_jpeg_values_are_those_of_pillow(tmp_path, monkeypatch, channels, subsampling):
    path = save(tmp_path / "x.jpg", photo(channels=channels), quality=80, subsampling=subsampling)
    assert is_native(path) and np.array_equal(decode(path), by_pillow(path, monkeypatch))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3])
def test_png_is_exact(tmp_path, dtype, channels):
    pixels = noise(9, 14, channels, dtype)
    path = save(tmp_path / "x.png", pixels)
    assert is_native(path) and np.array_equal(decode(path), pixels)


@pytest.mark.parametrize("mode", ["1", "P", "LA", "RGBA"])
def test_other_forms_of_png_are_pillows(tmp_path, mode):
    Image.fromarray(photo()).convert(mode).save(tmp_path / "x.png")
    assert not is_native(tmp_path / "x.png")


def test_a_png_with_a_colour_that_means_transparent_is_pillows(tmp_path):
    Image.fromarray(photo()).save(tmp_path / "x.png", transparency=(1, 2, 3))
    assert not is_native(tmp_path / "x.png")


def test_alpha_of_16_bits_is_pillows(tmp_path):
    write_deep_png(tmp_path / "x.png", noise(5, 6, 4, np.uint16))
    assert not is_native(tmp_path / "x.png")


@pytest.mark.parametrize("options", [{"progressive": True}, {"mode": "CMYK"}])
def test_other_forms_of_jpeg_are_pillows(tmp_path, options):
    image = Image.fromarray(photo()).convert(options.pop("mode", "RGB"))
    image.save(tmp_path / "x.jpg", **options)
    assert not is_native(tmp_path / "x.jpg")


@pytest.mark.parametrize("name", ["x.jpg", "x.png"])
@pytest.mark.parametrize("left", [0.3, 0.9])
def test_a_file_that_was_cut_is_refused_as_pillow_does(tmp_path, monkeypatch, name, left):
    whole = save(tmp_path / name, photo()).read_bytes()
    (tmp_path / name).write_bytes(whole[: int(left * len(whole))])
    with pytest.raises(I2IError) as said:
        decode(tmp_path / name)
    with pytest.raises(I2IError) as expected:
        by_pillow(tmp_path / name, monkeypatch)
    assert str(said.value) == str(expected.value) and "cannot be read" in str(said.value)


@pytest.mark.parametrize("name", ["x.jpg", "x.png"])
def test_damaged_files_end_as_with_pillow(tmp_path, monkeypatch, name):
    """Bits that fell over, anywhere: the same pixels, or the same sentence."""
    whole, numbers = save(tmp_path / name, photo(20, 30)).read_bytes(), np.random.default_rng(3)
    for _ in range(150):
        spoilt = bytearray(whole)
        spoilt[numbers.integers(len(whole))] ^= 1 << numbers.integers(8)
        (tmp_path / name).write_bytes(spoilt)
        assert ending(decode, tmp_path / name) == ending(by_pillow, tmp_path / name, monkeypatch)


def ending(read, *arguments):
    try:
        pixels = read(*arguments)
    except I2IError as error:
        return str(error)
    return pixels.shape, pixels.tobytes()


def test_without_imagecodecs_pillow_reads(tmp_path, monkeypatch):
    path = save(tmp_path / "x.jpg", photo())
    expected = decode(path)
    monkeypatch.setattr(native, "_codecs", lambda: None)
    assert not is_native(path) and np.array_equal(decode(path), expected)


@pytest.mark.parametrize(
    ("least", "size"), [((30, 20), (50, 40)), ((100, 10), (100, 80)), ((101, 10), (200, 160))]
)
def test_reduced_keeps_as_many_pixels_as_asked(tmp_path, least, size):
    path = save(tmp_path / "x.jpg", photo(160, 200))
    pixels = decode(path, least)
    assert pixels.shape == (size[1], size[0], 3)
    expected = np.asarray(Image.open(path).resize(size, Image.Resampling.BOX))
    assert np.abs(pixels.astype(int) - expected).mean() < 2  # the same picture, filtered otherwise


def test_reduced_of_a_turned_jpeg_counts_upright_pixels(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    path = save(tmp_path / "x.jpg", photo(64, 160), exif=exif)
    assert decode(path, (32, 40)).shape == (80, 32, 3)


@pytest.mark.parametrize("name", ["x.png", "x.tif", "x.webp"])
def test_only_jpeg_is_reduced(tmp_path, name):
    assert decode(save(tmp_path / name, photo(160, 200)), (20, 20)).shape == (160, 200, 3)
