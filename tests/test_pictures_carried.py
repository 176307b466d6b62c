"""What picture files hold beside their pixels is in the result, upright."""

import struct

import numpy as np
import pytest
from data_helpers import noise
from PIL import Image, ImageCms, PngImagePlugin

from i2i.pictures.files import Carried, PictureFile, read_picture, write_picture

PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6" xmp:Rating="6"/></x:xmpmeta>'
)
FORMATS = {".jpg": "JPEG", ".png": "PNG", ".webp": "WEBP"}
EXIF, GPS = 0x8769, 0x8825


def tags(orientation=6):
    exif = Image.Exif()
    exif.update({270: "a field", 306: "2020:01:02 03:04:05", 33432: "me", 0x0112: orientation})
    exif.get_ifd(EXIF).update(
        {0x9003: "2021:01:01 00:00:00", 0x829A: 0.01, 0xA002: 14, 0xA003: 12, 0x927C: b"of the maker"}
    )
    exif.get_ifd(GPS).update({1: "N", 2: (48.0, 8.0, 3.5)})
    return exif.tobytes()


def write(path, orientation=6):
    """A picture of 14×12 with everything beside it, as Pillow writes it."""
    suffix, options = path.suffix, {"exif": tags(orientation), "icc_profile": PROFILE}
    if suffix == ".png":
        text = PngImagePlugin.PngInfo()
        text.add_text("Title", "Wiese")
        text.add_itxt("Comment", "牧草地")
        text.add_itxt("XML:com.adobe.xmp", XMP.decode())
        options["pnginfo"] = text
    else:
        options["xmp"] = XMP
    if suffix != ".webp":
        options["dpi"] = (300, 150)
    Image.fromarray(noise(12, 14)).save(path, FORMATS[suffix], **options)
    return path


@pytest.mark.parametrize("target", [".jpg", ".png", ".webp", ".tif"])
@pytest.mark.parametrize("source", [".jpg", ".png", ".webp"])
def test_everything_is_in_the_result(source, target, tmp_path):
    write_picture(read_picture(write(tmp_path / f"x{source}")), tmp_path / f"y{target}")
    with Image.open(tmp_path / f"y{target}") as image:
        exif, image_size = image.getexif(), image.size
        assert exif[270] == "a field" and exif[33432] == "me" and exif[306] == "2020:01:02 03:04:05"
        inner = exif.get_ifd(EXIF)
        assert inner[0x9003] == "2021:01:01 00:00:00" and float(inner[0x829A]) == 0.01
        assert inner[0x927C] == b"of the maker" and exif.get_ifd(GPS) == {1: "N", 2: (48.0, 8.0, 3.5)}
        assert image.info["icc_profile"] == PROFILE
        assert exif.get(0x0112, 1) == 1 and image_size == (12, 14) == (inner[0xA002], inner[0xA003])
        assert image.info["xmp"] == XMP.replace(b'Orientation="6"', b'Orientation="1"')
        if source != ".webp" != target:
            # PNG counts dots in a metre
            assert image.info["dpi"] == pytest.approx((150, 300), abs=0.02)


@pytest.mark.parametrize("target", [".png", "16-bit.png"])
def test_comments_of_a_png_are_kept(target, tmp_path):
    picture = read_picture(write(tmp_path / "x.png"))
    kind = np.uint16 if "16" in target else np.uint8
    write_picture(PictureFile(picture.pixels.astype(kind), None, picture.carried), tmp_path / f"y{target}")
    with Image.open(tmp_path / f"y{target}") as image:
        text = dict(image.text)
        assert image.info["icc_profile"] == PROFILE and image.getexif()[270] == "a field"
    assert {key: text[key] for key in ("Title", "Comment")} == {"Title": "Wiese", "Comment": "牧草地"}
    assert read_picture(tmp_path / f"y{target}").carried.xmp == picture.carried.xmp


@pytest.mark.parametrize("comment", [b"plain", "牧草地".encode(), b"h\xe9"])
def test_the_comment_of_a_jpeg_is_kept(comment, tmp_path):
    Image.fromarray(noise()).save(tmp_path / "x.jpg", comment=comment)
    write_picture(read_picture(tmp_path / "x.jpg"), tmp_path / "y.jpg")
    write_picture(read_picture(tmp_path / "y.jpg"), tmp_path / "z.png")
    with Image.open(tmp_path / "z.png") as image:
        assert image.text["Comment"] == (comment.decode() if comment != b"h\xe9" else "hé")


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["x.jpg", "x.png", "x.webp"])
def test_a_result_is_upright_and_says_so(name, orientation, tmp_path):
    picture = read_picture(write(tmp_path / name, orientation))
    assert picture.pixels.shape == ((14, 12, 3) if orientation >= 5 else (12, 14, 3))
    write_picture(picture, tmp_path / "y.png")
    again = read_picture(tmp_path / "y.png")
    assert np.array_equal(again.pixels, picture.pixels)


def test_a_picture_that_was_not_turned_is_not_said_to_be(tmp_path):
    write(tmp_path / "x.png", orientation=6)
    data = (tmp_path / "x.png").read_bytes()
    at = data.index(b"eXIf") - 4
    chunk = data[at : at + 12 + int.from_bytes(data[at : at + 4], "big")]
    (tmp_path / "x.png").write_bytes(data[:at] + data[at + len(chunk) : -12] + chunk + data[-12:])
    picture = read_picture(tmp_path / "x.png")  # whose EXIF stands behind the pixels
    assert picture.pixels.shape == (12, 14, 3)
    write_picture(picture, tmp_path / "y.tif")
    with Image.open(tmp_path / "y.tif") as image:
        assert image.size == (14, 12) and 0x0112 not in image.tag_v2


def test_a_profile_of_other_colours_is_dropped(tmp_path):
    grey = PROFILE[:16] + b"GRAY" + PROFILE[20:]
    Image.fromarray(noise(channels=1)[..., 0]).save(tmp_path / "x.png", icc_profile=grey)
    picture = read_picture(tmp_path / "x.png")
    write_picture(picture, tmp_path / "grey.png")
    write_picture(PictureFile(noise(), None, picture.carried), tmp_path / "colour.png")
    write_picture(PictureFile(noise(channels=5), None, picture.carried), tmp_path / "five.tif")
    cmyk = PROFILE[:16] + b"CMYK" + PROFILE[20:]
    Image.fromarray(noise()).convert("CMYK").save(tmp_path / "x.jpg", icc_profile=cmyk)
    write_picture(read_picture(tmp_path / "x.jpg"), tmp_path / "y.jpg")
    profiles = {}
    for name in ("grey.png", "colour.png", "five.tif", "y.jpg"):
        profiles[name] = read_picture(tmp_path / name).carried.profile
    assert profiles == {"grey.png": grey, "colour.png": b"", "five.tif": b"", "y.jpg": b""}


def test_a_small_picture_of_the_old_one_is_not_carried(tmp_path):
    write(tmp_path / "x.jpg")
    thumbnail = read_picture(tmp_path / "x.jpg").carried.exif
    exif = Image.Exif()
    exif.load(thumbnail)
    assert not exif.get_ifd(1)


def test_a_block_that_is_too_long_for_a_jpeg_does_not_stop_it(tmp_path):
    carried = Carried(xmp=b"x" * 70_000, text={"Comment": "c" * 70_000})
    write_picture(PictureFile(noise(), None, carried), tmp_path / "x.jpg")
    assert read_picture(tmp_path / "x.jpg").carried.xmp == b""
    write_picture(PictureFile(noise(), None, carried), tmp_path / "x.tif")
    assert read_picture(tmp_path / "x.tif").carried.xmp == carried.xmp


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("target", [".jpg", ".png", ".webp", ".tif"])
def test_damaged_exif_does_not_stop_a_picture(seed, target, tmp_path):
    block, random = bytearray(tags()), np.random.default_rng(seed)
    for at in random.integers(14, len(block), 12):
        block[at] = random.integers(256)
    Image.fromarray(noise()).save(tmp_path / "x.jpg", exif=bytes(block))
    picture = read_picture(tmp_path / "x.jpg")
    write_picture(picture, tmp_path / f"y{target}")
    assert read_picture(tmp_path / f"y{target}").pixels.shape == picture.pixels.shape


@pytest.mark.parametrize("suffix", [".bmp", ".ppm", ".npy", ".npz"])
def test_kinds_that_hold_nothing_beside_the_pixels(suffix, tmp_path):
    picture = read_picture(write(tmp_path / "x.png", 1))
    write_picture(picture, tmp_path / f"y{suffix}")
    assert np.array_equal(read_picture(tmp_path / f"y{suffix}").pixels, picture.pixels)


def test_dots_in_centimetres_become_those_of_inches_and_metres(tmp_path):
    picture = PictureFile(noise(3, 4, 3, np.uint16), None, Carried(resolution=(100.0, 50.0, 3)))
    write_picture(picture, tmp_path / "x.png")
    content = (tmp_path / "x.png").read_bytes()
    at = content.index(b"pHYs") + 4
    assert content[at : at + 9] == struct.pack(">IIB", 10_000, 5_000, 1)  # in a metre
    write_picture(PictureFile(noise(3, 4, 3), None, picture.carried), tmp_path / "x.jpg")
    assert Image.open(tmp_path / "x.jpg").info["dpi"] == (254, 127)


def test_exif_stands_in_a_deep_png_without_the_head_that_jpeg_has(tmp_path):
    write_picture(PictureFile(noise(3, 4, 3, np.uint16), None, Carried(exif=tags(1))), tmp_path / "x.png")
    content = (tmp_path / "x.png").read_bytes()
    at = content.index(b"eXIf") + 4
    assert content[at : at + 4] in (b"II*\0", b"MM\0*")
