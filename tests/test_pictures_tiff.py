"""TIFF files of other programs, as tifffile and Pillow write them."""

import itertools
import sys

import numpy as np
import pytest
from data_helpers import noise, write_deep_tiff
from PIL import Image

from i2i.core.errors import I2IError
from i2i.pictures.files import PictureFile, read_picture, write_picture
from i2i.pictures.images import Header, decode, read_header
from i2i.pictures.pixels import upright
from i2i.pictures.tiff_pages import read_page, suits_pillow

tifffile = pytest.importorskip("tifffile")
pytest.importorskip("imagecodecs")

READERS = (read_header, decode, read_picture)
FORMS = list(
    itertools.product(
        (None, "lzw", "zlib", "zstd", "packbits"), ("<", ">"), (None, (16, 32)), (None, True), (False, True)
    )
)


def values(channels, dtype, seed=0):
    if np.dtype(dtype).kind == "f":
        return np.random.default_rng(seed).normal(size=(21, 37, channels)).astype(dtype)
    limits = np.iinfo(dtype)
    return np.random.default_rng(seed).integers(
        limits.min, limits.max, (21, 37, channels), dtype, endpoint=True
    )


def write(path, pixels, *, planar="contig", **options):
    """As tifffile writes it: of 3 channels and more the first are RGB, the others anything."""
    count = pixels.shape[2]
    colours = 3 if count >= 3 else 1
    data = pixels if planar == "contig" else np.ascontiguousarray(pixels.transpose(2, 0, 1))
    known = {"photometric": "rgb" if colours == 3 else "minisblack", "metadata": None}
    if count > 1:
        known |= {"planarconfig": planar, "extrasamples": ["unspecified"] * (count - colours)}
    tifffile.imwrite(path, data if count > 1 else pixels[..., 0], **(known | options))
    return path


def refused(path, sentence):
    for read in READERS:
        with pytest.raises(I2IError, match=sentence) as caught:
            read(path)
        assert str(path) in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4, 6])
@pytest.mark.parametrize(
    "dtype", ["uint8", "uint16", "int16", "uint32", "int32", "float16", "float32", "float64"]
)
def test_every_form_is_read_exactly(dtype, channels, planar, tmp_path):
    pixels = values(channels, dtype)
    turn = TYPE_ORDER.index(dtype) + channels  # a third of the forms each, all of them over the matrix
    for number, (packed, order, tile, predictor, big) in enumerate(FORMS):
        if (number + turn) % 3 or (predictor and packed in (None, "packbits")):
            continue
        path = tmp_path / "x.tif"
        write(
            path, pixels, planar=planar, compression=packed, byteorder=order, tile=tile, predictor=predictor,
            bigtiff=big,
        )  # fmt: skip
        read = read_picture(path)
        assert np.array_equal(read.pixels, pixels) and read.alpha is None, (
            packed,
            order,
            tile,
            predictor,
            big,
        )
        assert read_header(path) == Header(37, 21, channels, dtype) and np.array_equal(decode(path), pixels)


TYPE_ORDER = ["uint8", "uint16", "int16", "uint32", "int32", "float16", "float32", "float64"]


@pytest.mark.parametrize("bits", [1, 2, 3, 4, 7, 9, 10, 12, 14, 20, 24, 31])
def test_bits_that_no_type_has(bits, tmp_path):
    stored = np.random.default_rng(bits).integers(0, 2**bits, (8, 16))
    kind = np.uint8 if bits <= 8 else np.uint16 if bits <= 16 else np.uint32
    data = stored.astype(bool) if bits == 1 else stored.astype(kind)
    tifffile.imwrite(tmp_path / "x.tif", data, bitspersample=bits, photometric="minisblack", metadata=None)
    spread = 255 // (2**bits - 1) if bits in (1, 2, 4) else 1
    assert np.array_equal(read_picture(tmp_path / "x.tif").pixels[..., 0], stored * spread)
    declared = bits if bits > 8 else None
    assert read_header(tmp_path / "x.tif") == Header(16, 8, 1, np.dtype(kind).name, declared)


@pytest.mark.parametrize("dtype", ["int8", "uint64", "int64"])
def test_types_that_pictures_are_not_kept_in(dtype, tmp_path):
    pixels = values(2, "int16").astype(dtype) % 100
    write(tmp_path / "x.tif", pixels)
    kept = "int16" if dtype == "int8" else "float64"
    assert read_header(tmp_path / "x.tif").dtype == kept == read_picture(tmp_path / "x.tif").pixels.dtype
    assert np.array_equal(decode(tmp_path / "x.tif"), pixels)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32", "bool"])
def test_where_zero_is_white(dtype, tmp_path):
    stored = np.random.default_rng(0).integers(0, 2, (8, 16)).astype(dtype)
    tifffile.imwrite(tmp_path / "x.tif", stored, photometric="miniswhite", metadata=None)
    most = 1 if dtype == "bool" else np.iinfo(dtype).max
    expected = (most - stored.astype(np.int64)) * (255 if dtype == "bool" else 1)
    assert np.array_equal(decode(tmp_path / "x.tif")[..., 0], expected)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("colours", [1, 3])
def test_alpha_stands_beside(colours, dtype, tmp_path):
    pixels = values(colours + 1, dtype)
    write(
        tmp_path / "x.tif",
        pixels,
        extrasamples=["unassalpha"],
        photometric="rgb" if colours == 3 else "minisblack",
    )
    picture = read_picture(tmp_path / "x.tif")
    assert np.array_equal(picture.pixels, pixels[..., :-1]) and np.array_equal(
        picture.alpha, pixels[..., -1:]
    )
    assert np.array_equal(decode(tmp_path / "x.tif"), pixels[..., :-1])
    write_picture(picture, tmp_path / "y.tif")
    assert tifffile.TiffFile(tmp_path / "y.tif").pages.first.extrasamples == (2,)


@pytest.mark.parametrize(("dtype", "most"), [("uint8", 255), ("uint16", 65535), ("float32", 1)])
def test_colours_that_are_multiplied_by_alpha_are_divided(dtype, most, tmp_path):
    plain = np.full((4, 6, 3), 0.5 * most)
    alpha = np.linspace(0, 1, 24).reshape(4, 6, 1)
    stored = np.concatenate([plain * alpha, alpha * most], axis=2)
    stored = stored.astype(dtype) if most == 1 else np.rint(stored).astype(dtype)
    write(tmp_path / "x.tif", stored, extrasamples=["assocalpha"], photometric="rgb")
    picture = read_picture(tmp_path / "x.tif")
    assert np.array_equal(picture.alpha, stored[..., 3:])
    seen = alpha[..., 0] > 0.2
    # half a step of the stored colour and half a step of alpha, over an alpha of a fifth
    assert np.abs(picture.pixels[seen] - 0.5 * most).max() <= (0 if most == 1 else 8) + 1e-6


def test_rgb_whose_fourth_channel_is_something_else_keeps_it(tmp_path):
    pixels = values(4, "uint8")
    write(tmp_path / "x.tif", pixels)
    assert not suits_pillow(read_page(tmp_path / "x.tif"))
    assert np.array_equal(decode(tmp_path / "x.tif"), pixels)


def test_planes_of_16_bits(tmp_path):
    write(tmp_path / "x.tif", values(3, "uint16"), planar="separate")
    assert np.array_equal(decode(tmp_path / "x.tif"), values(3, "uint16"))


@pytest.mark.parametrize(
    ("channels", "dtype"),
    [(1, "uint8"), (1, "uint16"), (4, "uint8"), (1, "float32"), (3, "uint16"), (5, "uint8")],
)
@pytest.mark.parametrize("packed", [None, "zlib"])
def test_pictures_of_every_form_are_turned(packed, channels, dtype, tmp_path):
    pixels = values(channels, dtype)
    extra = ["unassalpha"] if channels == 4 else ["unspecified"] * 2 if channels == 5 else []
    for orientation in range(1, 9):
        tag = [(274, "H", 1, orientation, True)]
        write(tmp_path / "x.tif", pixels, extratags=tag, compression=packed, extrasamples=extra)
        colours = 3 if channels == 4 else channels
        assert np.array_equal(decode(tmp_path / "x.tif"), upright(pixels, orientation)[..., :colours]), (
            orientation
        )


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_as_pillow_turns_it(orientation, tmp_path):
    tag = [(274, "H", 1, orientation, True)]
    write(tmp_path / "x.tif", noise(5, 8), extratags=tag)
    write(tmp_path / "y.tif", noise(5, 8).astype(np.float64), extratags=tag)
    picture, header = read_picture(tmp_path / "y.tif"), read_header(tmp_path / "y.tif")
    assert np.array_equal(picture.pixels, read_picture(tmp_path / "x.tif").pixels)
    assert (header.height, header.width) == picture.pixels.shape[:2]


def test_an_orientation_that_only_xmp_knows_of_is_none(tmp_path):
    xmp = b'<rdf:Description tiff:Orientation="6"/>'
    write(tmp_path / "x.tif", noise(5, 8), extratags=[(700, "B", len(xmp), xmp, True)])
    assert read_header(tmp_path / "x.tif") == Header(8, 5, 3, "uint8")
    assert np.array_equal(decode(tmp_path / "x.tif"), noise(5, 8))
    assert read_picture(tmp_path / "x.tif").carried.xmp == xmp


def test_jpeg_inside(tmp_path):
    ramp = np.repeat(np.linspace(0, 255, 48)[:, None], 32, 1)[..., None].repeat(3, 2).astype(np.uint8)
    for tile in (None, (16, 16)):
        write(tmp_path / "x.tif", ramp, compression="jpeg", tile=tile)
        assert np.abs(decode(tmp_path / "x.tif").astype(int) - ramp).max() < 12  # JPEG's loss at quality 75


def test_what_is_written_is_what_other_programs_read(tmp_path):
    for dtype, channels in itertools.product(("uint8", "uint16", "float32"), (1, 3)):
        write_picture(PictureFile(values(channels, dtype)), tmp_path / "x.tif")
        assert np.array_equal(tifffile.imread(tmp_path / "x.tif"), values(channels, dtype).squeeze())
        if (dtype, channels) not in (("uint16", 3), ("float32", 3)):
            with Image.open(tmp_path / "x.tif") as image:
                assert np.array_equal(np.asarray(image), values(channels, dtype).squeeze())


@pytest.mark.parametrize(("packed", "kept"), [(None, 1), ("lzw", 8), ("zlib", 8), ("jpeg", 8)])
def test_what_was_packed_is_packed_without_loss(packed, kept, tmp_path):
    write(tmp_path / "x.tif", noise(16, 16), compression=packed)
    write_picture(read_picture(tmp_path / "x.tif"), tmp_path / "y.tif")
    assert tifffile.TiffFile(tmp_path / "y.tif").pages.first.compression == kept
    assert np.array_equal(decode(tmp_path / "y.tif"), decode(tmp_path / "x.tif"))


def test_large_rows_and_many_strips(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 9, (300, 500, 7)).astype(np.uint16)
    write_picture(PictureFile(pixels), tmp_path / "x.tif")
    assert len(tifffile.TiffFile(tmp_path / "x.tif").pages.first.dataoffsets) > 5
    assert np.array_equal(decode(tmp_path / "x.tif"), pixels)


# What is refused.


def test_several_pages_are_told(tmp_path):
    tifffile.imwrite(tmp_path / "x.tif", np.zeros((5, 8, 9), np.uint8), photometric="minisblack")
    refused(
        tmp_path / "x.tif",
        r"holds 5 pages, and a picture is one: save the page that is wanted, or, where pages are channels, all of them "
        r"as one page of H×W×5$",
    )


def test_a_smaller_copy_is_no_page(tmp_path):
    with tifffile.TiffWriter(tmp_path / "x.tif") as writer:
        writer.write(noise(), photometric="rgb", metadata=None)
        writer.write(noise()[::2, ::2], photometric="rgb", subfiletype=1, metadata=None)
    assert np.array_equal(decode(tmp_path / "x.tif"), noise())


def test_a_volume_is_told(tmp_path):
    tifffile.imwrite(
        tmp_path / "x.tif", np.zeros((5, 16, 16), np.uint8), volumetric=True, photometric="minisblack"
    )
    refused(
        tmp_path / "x.tif", "holds a volume of 5 slices, and a picture is one: save the slices one by one"
    )


def test_forms_that_cannot_be_read_without_loss_are_told(tmp_path):
    tifffile.imwrite(tmp_path / "x.tif", np.zeros((8, 9), np.complex64), metadata=None)
    refused(
        tmp_path / "x.tif", "stores numbers of 64 bits in sample format 6, which cannot be read without loss"
    )
    tifffile.imwrite(
        tmp_path / "y.tif", np.zeros((8, 9, 4), np.uint16), photometric="separated", metadata=None
    )
    refused(
        tmp_path / "y.tif",
        "stores SEPARATED of uint16, which cannot be read without loss; save it as grey or RGB",
    )


@pytest.mark.parametrize("module", ["tifffile", "imagecodecs"])
def test_a_missing_library_is_asked_for(module, tmp_path, monkeypatch):
    write(tmp_path / "x.tif", values(5, "float64"), compression="zlib")
    monkeypatch.setitem(sys.modules, module, None)
    refused(tmp_path / "x.tif", rf"{module} is needed to read '.*x\.tif': pip install 'i2i-toolkit\[tiff\]'")


def test_without_libraries_usual_files_are_read_and_all_are_written(tmp_path, monkeypatch):
    for module in ("tifffile", "imagecodecs", "rasterio"):
        monkeypatch.setitem(sys.modules, module, None)
    for name, pixels in (
        ("a", noise()),
        ("b", noise(channels=1, dtype=np.uint16)),
        ("c", noise(dtype=np.uint16)),
    ):
        write_picture(PictureFile(pixels), tmp_path / f"{name}.tif")
        assert np.array_equal(read_picture(tmp_path / f"{name}.tif").pixels, pixels)
    write_picture(PictureFile(values(9, "float64")), tmp_path / "d.tif")


@pytest.mark.parametrize("dtype", ["uint8", "float64"])
@pytest.mark.parametrize("packed", [None, "zlib"])
def test_missing_parts_are_told(packed, dtype, tmp_path):
    path = write(tmp_path / "x.tif", values(5, dtype), compression=packed, rowsperstrip=4)
    data = path.read_bytes()
    path.write_bytes(data[:-40])
    with pytest.raises(I2IError, match=r"x\.tif' cannot be read: parts of the picture are missing; replace"):
        decode(path)


def test_fewer_strips_than_the_picture_has_are_told(tmp_path):
    refused(
        write_deep_tiff(tmp_path / "x.tif", noise(dtype=np.uint16), planar=2),
        "parts of the picture are missing",
    )


def test_nothing_of_tifffile_is_printed(tmp_path, caplog, capfd):
    path = write_deep_tiff(tmp_path / "x.tif", noise(dtype=np.uint16), planar=2)
    with pytest.raises(I2IError):
        decode(path)
    assert not caplog.records and not capfd.readouterr().err


# What a file says about itself.


def test_what_a_tiff_carries_is_kept(tmp_path):
    profile = bytes(16) + b"RGB " + bytes(100)
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"/>'
    tags = [(700, "B", len(xmp), xmp, True), (33432, "s", 0, "me", True)]
    write(
        tmp_path / "x.tif", values(3, "float64"), iccprofile=profile, resolution=(40.5, 20),
        resolutionunit="CENTIMETER",
        description="a field", datetime="2020:01:02 03:04:05", extratags=tags,
    )  # fmt: skip
    write_picture(read_picture(tmp_path / "x.tif"), tmp_path / "y.tif")
    kept = tifffile.TiffFile(tmp_path / "y.tif").pages.first
    assert kept.iccprofile == profile and kept.resolution == (40.5, 20) and kept.resolutionunit == 3
    assert kept.description == "a field" and kept.tags[306].value == "2020:01:02 03:04:05"
    assert kept.tags[700].value == xmp and kept.tags[33432].value == "me"
    assert read_picture(tmp_path / "y.tif").carried.exif == read_picture(tmp_path / "x.tif").carried.exif


def test_a_description_of_how_the_old_file_was_stored_is_not_kept(tmp_path):
    for options in ({"metadata": {}}, {"imagej": True, "photometric": "minisblack"}):
        tifffile.imwrite(tmp_path / "x.tif", np.zeros((8, 9), np.uint8), **options)
        write_picture(read_picture(tmp_path / "x.tif"), tmp_path / "y.tif")
        assert 270 not in tifffile.TiffFile(tmp_path / "y.tif").pages.first.tags
