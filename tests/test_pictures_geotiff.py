import sys
import warnings

import numpy as np
import pytest

from i2i.core.errors import I2IError
from i2i.pictures.files import PictureFile, read_picture, write_picture
from i2i.pictures.images import Header, decode, read_header

rasterio = pytest.importorskip("rasterio")
pytest.importorskip("tifffile")

PLACE = rasterio.Affine(10.0, 0.0, 399960.0, 0.0, -10.0, 5300040.0)
PROFILE = {"driver": "GTiff", "height": 20, "width": 30, "crs": "EPSG:32633", "transform": PLACE}


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings(action="ignore", category=rasterio.errors.NotGeoreferencedWarning):
        yield


def values(bands=4, dtype="uint16", seed=0):
    """(bands, 20, 30)"""
    whole = np.random.default_rng(seed).integers(0, 200, (bands, 20, 30))
    return (whole / 7 if np.dtype(dtype).kind == "f" else whole).astype(dtype)


def write(path, bands, describe=None, **options):
    """As rasterio writes it."""
    with rasterio.open(
        path, "w", **(PROFILE | {"count": len(bands), "dtype": bands.dtype} | options)
    ) as file:
        if describe is not None:
            describe(file)
        file.write(bands)
    return path


def copied(path):
    """Read and written again, as a result of the same channels; as rasterio sees it."""
    target = path.with_name("result.tif")
    write_picture(read_picture(path), target)
    return rasterio.open(target)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "uint32", "int32", "float32", "float64"])
@pytest.mark.parametrize("bands", [1, 3, 5])
def test_pixels_and_place_are_kept(bands, dtype, tmp_path):
    path = write(tmp_path / "x.tif", values(bands, dtype), nodata=7)
    assert read_header(path) == Header(30, 20, bands, dtype)
    assert np.array_equal(decode(path), values(bands, dtype).transpose(1, 2, 0))
    with copied(path) as result:
        assert np.array_equal(result.read(), values(bands, dtype)) and result.dtypes == (dtype,) * bands
        assert result.crs == "EPSG:32633" and result.transform == PLACE and result.nodata == 7


def test_a_float_of_nothing_is_kept(tmp_path):
    path = write(tmp_path / "x.tif", values(2, "float32"), nodata=float("nan"))
    with copied(path) as result:
        assert np.isnan(result.nodata)


def describe(file):
    file.descriptions = ("blue", "green", "red", "nir")
    file.units = ("K", "", "", "m")
    file.scales, file.offsets = (0.1, 1, 1, 1), (5, 0, 0, 0)
    file.colorinterp = [rasterio.enums.ColorInterp[name] for name in ("blue", "green", "red", "undefined")]
    file.update_tags(SENSOR="MSI", AREA_OR_POINT="Point")
    file.update_tags(ns="MINE", key="value")
    file.update_tags(2, wavelength="560")


def test_bands_and_tags_are_kept(tmp_path):
    with copied(write(tmp_path / "x.tif", values(), describe)) as result:
        assert result.descriptions == ("blue", "green", "red", "nir") and result.units[::3] == ("K", "m")
        assert result.scales[0] == 0.1 and result.offsets[0] == 5
        assert [colour.name for colour in result.colorinterp[:3]] == ["blue", "green", "red"]
        assert result.tags()["SENSOR"] == "MSI" and result.tags()["AREA_OR_POINT"] == "Point"
        assert result.tags(ns="MINE") == {"key": "value"} and result.tags(2)["wavelength"] == "560"


@pytest.mark.parametrize("channels", [1, 3, 6])
def test_a_result_of_other_channels_and_type_keeps_what_fits(channels, tmp_path):
    picture = read_picture(write(tmp_path / "x.tif", values(), describe, nodata=60_000))
    write_picture(
        PictureFile(np.ones((20, 30, channels), np.uint8), None, picture.carried), tmp_path / "y.tif"
    )
    with rasterio.open(tmp_path / "y.tif") as result:
        assert result.count == channels and result.transform == PLACE and result.tags()["SENSOR"] == "MSI"
        assert result.nodata is None and result.descriptions == (None,) * channels
        assert result.colorinterp[0].name == ("red" if channels == 3 else "gray")


def test_a_larger_result_covers_the_same_ground(tmp_path):
    picture = read_picture(write(tmp_path / "x.tif", values()))
    write_picture(PictureFile(np.ones((40, 60, 3), np.uint8), None, picture.carried), tmp_path / "y.tif")
    with rasterio.open(tmp_path / "x.tif") as one, rasterio.open(tmp_path / "y.tif") as other:
        assert other.bounds == one.bounds and other.res == (5, 5)


def test_ground_control_points_are_kept(tmp_path):
    points = [rasterio.control.GroundControlPoint(row, row, 10.0 + row, 50.0 - row) for row in (0, 5, 10, 15)]

    def describe(file):
        file.gcps = (points, rasterio.crs.CRS.from_epsg(4326))

    path = write(tmp_path / "x.tif", values(), describe, crs=None, transform=None)
    with copied(path) as result:
        kept, system = result.gcps
        assert [(point.row, point.x, point.y) for point in kept] == [(p.row, p.x, p.y) for p in points]
        assert system.to_epsg() == 4326


def test_alpha_stays_alpha(tmp_path):
    path = write(tmp_path / "x.tif", values(4, "uint8"), photometric="RGB", alpha="YES")
    picture = read_picture(path)
    assert picture.pixels.shape == (20, 30, 3) and np.array_equal(
        picture.alpha[..., 0], values(4, "uint8")[3]
    )
    with copied(path) as result:
        assert result.colorinterp[3].name == "alpha" and np.array_equal(result.read(), values(4, "uint8"))


def test_a_mask_of_its_own_is_kept(tmp_path):
    mask = np.zeros((20, 30), bool)
    mask[3:9] = True
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
        path = write(tmp_path / "x.tif", values(3), lambda file: file.write_mask(mask))
    with copied(path) as result:
        assert np.array_equal(result.dataset_mask() > 0, mask)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["result.tif", "x.tif"]


def test_a_palette_becomes_colours(tmp_path):
    colours = {number: (number, 255 - number, 7, 255) for number in range(256)}
    path = write(tmp_path / "x.tif", values(1, "uint8"), lambda file: file.write_colormap(1, colours))
    with copied(path) as result:
        assert result.count == 3 and result.transform == PLACE
        assert np.array_equal(result.read(2), 255 - values(1, "uint8")[0])


def test_smaller_copies_inside_are_no_pages(tmp_path):
    path = write(tmp_path / "x.tif", values(3), tiled=True, blockxsize=16, blockysize=16)
    with rasterio.open(path, "r+") as file:
        file.build_overviews([2, 4])
    assert np.array_equal(decode(path), values(3).transpose(1, 2, 0))


def test_what_is_not_in_the_picture_is_filled_with_nothing(tmp_path):
    path = write(
        tmp_path / "x.tif", values(), tiled=True, blockxsize=16, blockysize=16, nodata=9, sparse_ok=True
    )
    sparse = tmp_path / "sparse.tif"
    with rasterio.open(
        sparse,
        "w",
        **PROFILE,
        count=4,
        dtype="float32",
        nodata=9,
        sparse_ok=True,
        tiled=True,
        blockxsize=16,
        blockysize=16,
    ) as file:
        file.write(np.ones((4, 16, 16), np.float32), window=rasterio.windows.Window(0, 0, 16, 16))
    with rasterio.open(sparse) as file:
        assert (
            np.array_equal(decode(sparse), file.read().transpose(1, 2, 0))
            and (decode(sparse)[16:] == 9).all()
        )
    assert decode(path).shape == (20, 30, 4)


@pytest.mark.parametrize("packed", ["NONE", "LZW", "DEFLATE", "ZSTD"])
def test_packed_files_stay_packed(packed, tmp_path):
    with copied(write(tmp_path / "x.tif", values(), compress=packed, predictor=2)) as result:
        assert result.profile.get("compress", "none").lower() == ("none" if packed == "NONE" else "deflate")


def test_without_rasterio_training_goes_on_and_translation_says_what_it_needs(tmp_path, monkeypatch):
    path = write(tmp_path / "x.tif", values())
    monkeypatch.setitem(sys.modules, "rasterio", None)
    assert decode(path).shape == (20, 30, 4) and read_header(path).channels == 4
    with pytest.raises(I2IError) as caught:
        read_picture(path)
    assert str(caught.value) == (
        f"rasterio is needed to keep the georeference of '{path}': pip install 'i2i-toolkit[geo]'"
    )


def test_a_georeference_of_another_kind_of_file_is_left_out(tmp_path):
    picture = read_picture(write(tmp_path / "x.tif", values(3, "uint8")))
    for name in ("x.png", "x.jpg", "x.npy"):
        write_picture(picture, tmp_path / name)
        assert read_picture(tmp_path / name).pixels.shape == (20, 30, 3)


def test_nothing_beside_the_file_is_read_or_written(tmp_path):
    path = write(tmp_path / "x.tif", values())
    (tmp_path / "x.tif.aux.xml").write_text(
        "<PAMDataset><Metadata><MDI key='A'>B</MDI></Metadata></PAMDataset>"
    )
    with copied(path) as result:
        assert "A" not in result.tags()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["result.tif", "x.tif", "x.tif.aux.xml"]


def test_half_floats_have_no_georeference(tmp_path):
    picture = read_picture(write(tmp_path / "x.tif", values()))
    with pytest.raises(
        I2IError, match=r"/y\.tif: .*GDAL keeps no georeference with float16; end the name in \.npy"
    ):
        write_picture(PictureFile(np.ones((4, 4, 1), np.float16), None, picture.carried), tmp_path / "y.tif")
    assert not (tmp_path / "y.tif").exists()


def test_one_that_asks_to_be_turned_contradicts_itself(tmp_path):
    path = write(tmp_path / "x.tif", values())
    tifffile = pytest.importorskip("tifffile")
    tags = [(33550, "d", 3, (1.0, 1.0, 0.0), True), (274, "H", 1, 6, True)]
    tifffile.imwrite(path, np.zeros((4, 6), np.uint8), extratags=tags, metadata=None)
    with pytest.raises(
        I2IError, match="has a georeference and an Orientation of 6, which contradict each other"
    ):
        read_picture(path)
    assert decode(path).shape == (6, 4, 1)
