"""Pixels that a GeoTIFF declares to hold nothing: no colour to the networks, and nothing in the results."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from plain import plain
from torch import Tensor, nn

from i2i.pictures.files import PictureFile, read_picture, write_picture
from i2i.pictures.nothing import with_empty

rasterio = pytest.importorskip("rasterio")
pytest.importorskip("tifffile")

HOLE = (slice(4, 9), slice(2, 20))
PLACE = rasterio.Affine(10.0, 0.0, 399960.0, 0.0, -10.0, 5300040.0)


class Watched(nn.Module):
    """What goes in comes out; the lowest and the highest of it are noted."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[float, float]] = []

    def forward(self, x: Tensor) -> Tensor:
        if type(x) is Tensor:
            self.seen.append((float(x.min()), float(x.max())))
        return x


def write(path: Path, values: Any, mask: Any = None, **options: Any) -> Path:
    """(bands, 20, 30), as rasterio writes it."""
    count, height, width = values.shape
    shape = {"driver": "GTiff", "height": height, "width": width, "count": count, "dtype": values.dtype}
    place = {"crs": "EPSG:32633", "transform": PLACE}
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
        rasterio.open(path, "w", **(shape | place | options)) as file,
    ):
        file.write(values)
        if mask is not None:
            file.write_mask(mask)
    return path


def values(dtype: str, hole: float | None = None, bands: int = 3) -> Any:
    made = np.random.default_rng(0).integers(1, 250, (bands, 20, 30)).astype(dtype)
    if hole is not None:
        made[:, *HOLE] = hole
    return made


def hole() -> Any:
    made = np.zeros((20, 30), np.bool_)
    made[HOLE] = True
    return made


def translated(path: Path, **controls: Any) -> tuple[Any, Path, list[tuple[float, float]]]:
    """The result as rasterio sees it, its file, and what the network saw."""
    network, target = Watched(), path.with_name("result.tif")
    model = plain(network)
    model.request({})
    model.translate(path, out=target, **controls)
    with rasterio.open(target) as file:
        return file.read(masked=True), target, network.seen


def empty_in(path: Path) -> Any:
    empty = read_picture(path).empty
    assert empty is not None
    return empty[..., 0].tolist()


@pytest.mark.parametrize(
    ("dtype", "nothing"),
    [("int16", -9999), ("float32", -9999.0), ("float32", float("nan")), ("uint16", 65535), ("uint8", 0)],
)
@pytest.mark.parametrize("tile", [None, 16])
def test_what_holds_nothing_stays_so_and_is_no_colour(
    dtype: str, nothing: float, tile: int | None, tmp_path: Path
) -> None:
    given: dict[str, Any] = {} if dtype == "uint8" else {"value_range": (0, 255)}
    path = write(tmp_path / "x.tif", values(dtype, nothing), nodata=nothing)
    made, target, seen = translated(path, tile=tile, **given)
    assert all(low >= -1.0001 and high <= 1.0001 for low, high in seen)
    assert seen
    assert np.array_equal(made.mask, np.broadcast_to(hole(), (3, 20, 30)))
    assert np.allclose(made[:, ~hole()], values(dtype)[:, ~hole()], atol=1e-3)
    assert np.array_equal(made.data[:, hole()], np.full((3, hole().sum()), nothing, dtype), equal_nan=True)
    assert empty_in(target) == hole().tolist()


def test_where_the_type_of_the_result_has_no_such_value_a_mask_says_it(tmp_path: Path) -> None:
    path = write(tmp_path / "x.tif", values("int16", -9999), nodata=-9999)
    for tile in (None, 16):
        made, target, _ = translated(path, bits=8, value_range=(0, 255), tile=tile)
        assert made.dtype == np.uint8
        assert np.array_equal(made.mask, np.broadcast_to(hole(), (3, 20, 30)))
        with rasterio.open(target) as file:
            assert file.nodata is None


def test_a_mask_hides_what_the_networks_see_and_the_result(tmp_path: Path) -> None:
    numbers = values("float32", 1e9)
    made, target, seen = translated(write(tmp_path / "x.tif", numbers, ~hole()), value_range=(0, 255))
    assert max(high for _, high in seen) <= 1.0001
    assert empty_in(target) == hole().tolist()
    assert np.array_equal(made.mask, np.broadcast_to(hole(), (3, 20, 30)))


def test_a_value_out_of_range_in_one_channel_is_no_colour_either(tmp_path: Path) -> None:
    numbers = values("float32")
    numbers[1, 3, 3] = -9999
    made, _, seen = translated(write(tmp_path / "x.tif", numbers, nodata=-9999), value_range=(0, 255))
    assert min(low for low, _ in seen) == -1
    assert not made.mask.any()  # of the pixel there is something
    assert made[1, 3, 3] == 0


def test_results_that_happen_to_be_the_value_move_by_a_step() -> None:
    same = np.zeros((1, 2, 3), np.uint8)
    assert with_empty(same, np.array([[[True], [False]]]), 0).tolist() == [[[0, 0, 0], [1, 1, 1]]]
    assert with_empty(same + np.uint8(255), None, 255).max() == 254
    floats = with_empty(np.full((1, 1, 1), -9999, np.float32), None, -9999.0)
    assert -9999 < floats.item() < -9998.9
    partly = np.array([[[0, 5, 5]]], np.uint8)
    assert np.array_equal(with_empty(partly, None, 0), partly)


def test_a_file_is_written_as_it_was_read(tmp_path: Path) -> None:
    path = write(tmp_path / "x.tif", values("int16", -9999), nodata=-9999)
    write_picture(read_picture(path), tmp_path / "y.tif")
    with rasterio.open(tmp_path / "y.tif") as file, rasterio.open(path) as given:
        assert np.array_equal(file.read(), given.read())


def test_other_pictures_know_nothing_of_it(tmp_path: Path) -> None:
    pixels = np.zeros((4, 4, 3), np.uint8)
    for name in ("x.png", "x.tif", "x.npy"):
        write_picture(PictureFile(pixels), tmp_path / name)
        assert read_picture(tmp_path / name).empty is None
    assert read_picture(write(tmp_path / "g.tif", values("uint8"))).empty is None


def test_in_memory_results_are_of_the_filled_picture(tmp_path: Path) -> None:
    path = write(tmp_path / "x.tif", values("int16", -9999), nodata=-9999)
    made = plain(Watched()).translate(path, value_range=(0, 255))
    assert made.dtype == np.int16
    assert (made[HOLE] == 0).all()
    assert torch.equal(torch.from_numpy(made[~hole()]), torch.from_numpy(values("int16")[:, ~hole()].T))
