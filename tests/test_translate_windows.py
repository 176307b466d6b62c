"""Large TIFF files in tiles are read and written band by band; results are those of the whole-in-memory way."""

from __future__ import annotations

import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from plain import plain, seeded
from torch import nn

from i2i.core.errors import I2IError
from i2i.nets import ResNet
from i2i.pictures import windows as pictures_windows
from i2i.pictures.files import read_picture, write_picture
from i2i.pictures.windows import Windows
from i2i.translate import model as models
from i2i.translate.fitting import Load
from i2i.translate.jobs import job
from i2i.translate.model import Model
from i2i.translate.probing import probe_of
from i2i.translate.request import NothingDrawnError

rasterio = pytest.importorskip("rasterio")
pytest.importorskip("tifffile")

CODE = """
import resource, sys
sys.path.insert(0, sys.argv[1])
from plain import plain
from torch import nn
plain(nn.Identity()).translate(sys.argv[2], out=sys.argv[3], tile=512)
most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(most if sys.platform == "darwin" else 1024 * most)
"""

TILE, HEIGHT, WIDTH = 64, 700, 150
PLACE = rasterio.Affine(10.0, 0.0, 399960.0, 0.0, -10.0, 5300040.0)


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    with warnings.catch_warnings(action="ignore", category=rasterio.errors.NotGeoreferencedWarning):
        yield


def network(channels: int = 3) -> Model:
    made: nn.Module = seeded(ResNet, channels, channels, width=2, blocks=1, norm="none")
    return plain(made, channels=channels)


def write(path: Path, bands: int = 3, dtype: str = "uint8", *, describe: Any = None, **options: Any) -> Path:
    """Noise as rasterio writes it."""
    top = 256 if dtype == "uint8" else 30_000
    values = np.random.default_rng(0).integers(0, top, (bands, HEIGHT, WIDTH)).astype(dtype)
    place = {"crs": "EPSG:32633", "transform": PLACE}
    shape = {"driver": "GTiff", "height": HEIGHT, "width": WIDTH, "count": bands, "dtype": dtype}
    with rasterio.open(path, "w", **(shape | place | options)) as file:
        if describe is not None:
            describe(file, values)
        file.write(values)
    return path


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int, int, int]]:
    """The windows that are read from now on."""
    seen: list[tuple[int, int, int, int]] = []
    read = Windows.read

    def noted(self: Windows, *sides: int) -> Any:
        seen.append(sides)  # type: ignore[arg-type]
        return read(self, *sides)

    monkeypatch.setattr(Windows, "read", noted)
    return seen


def both_ways(
    model: Model, path: Path, monkeypatch: pytest.MonkeyPatch, **controls: Any
) -> tuple[Path, Path]:
    """The result band by band, and that of the whole picture in memory, both in tiles."""
    parts, whole = path.with_name("parts.tif"), path.with_name("whole.tif")
    model.translate(path, out=parts, tile=TILE, **controls)
    with monkeypatch.context() as patch:
        patch.setattr(models, "take_windows", lambda *_: None)
        model.translate(path, out=whole, tile=TILE, **controls)
    return parts, whole


def assert_alike(parts: Path, whole: Path) -> None:
    one, other = read_picture(parts), read_picture(whole)
    assert np.array_equal(one.pixels, other.pixels, equal_nan=one.pixels.dtype.kind == "f")
    for mine, its in ((one.alpha, other.alpha), (one.empty, other.empty)):
        assert (mine is None) == (its is None)
        assert mine is None or its is None or np.array_equal(mine, its)
    with rasterio.open(parts) as mine, rasterio.open(whole) as its:
        assert (mine.crs, mine.transform, mine.dtypes) == (its.crs, its.transform, its.dtypes)
        assert mine.tags() == its.tags()
        assert str(mine.nodata) == str(its.nodata)
        assert (mine.descriptions, mine.colorinterp) == (its.descriptions, its.colorinterp)


def describe(file: Any, values: Any) -> None:
    file.update_tags(SENSOR="MSI")
    file.descriptions = tuple("abcdef"[: file.count])


def with_holes(file: Any, values: Any) -> None:
    values[:, 100:300, 20:60] = file.nodata
    values[0, 500:510] = file.nodata


def with_mask(file: Any, values: Any) -> None:
    seen = np.ones((HEIGHT, WIDTH), np.bool_)
    seen[300:400, :50] = False
    file.write_mask(seen)


@pytest.mark.parametrize(
    ("bands", "dtype", "options"),
    [
        (3, "uint8", {"describe": describe, "compress": "DEFLATE"}),
        (1, "uint16", {"tiled": True, "blockxsize": 64, "blockysize": 64, "compress": "LZW", "predictor": 2}),
        (5, "float32", {"interleave": "band", "compress": "ZSTD"}),
        (4, "uint8", {"photometric": "RGB", "alpha": "YES"}),
        (3, "int16", {"nodata": -9999, "describe": with_holes}),
        (3, "uint8", {"nodata": 0, "describe": with_holes}),
        (2, "float32", {"nodata": float("nan"), "describe": with_holes}),
        (3, "uint8", {"describe": with_mask}),
        (3, "uint8", {"crs": None, "transform": None, "describe": describe}),
        (3, "uint8", {"crs": None, "transform": None, "bigtiff": "YES", "endianness": "BIG"}),
    ],
)
def test_results_are_those_of_the_whole_in_memory(
    bands: int, dtype: str, options: Any, tmp_path: Path, asked: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
        path = write(tmp_path / "x.tif", bands, dtype, **options)
    model = network(bands - ("alpha" in options))
    given = {} if dtype == "uint8" else {"value_range": (0, 30_000)}
    parts, whole = both_ways(model, path, monkeypatch, **given)
    assert_alike(parts, whole)
    assert len(asked) > HEIGHT // TILE
    assert max(bottom - top for top, bottom, *_ in asked) <= TILE
    assert sorted(file.name for file in tmp_path.iterdir()) == ["parts.tif", "whole.tif", "x.tif"]
    with rasterio.open(parts) as file:
        assert file.profile["tiled"]


def test_other_types_and_several_results(tmp_path: Path, asked: Any) -> None:
    path = write(tmp_path / "x.tif", nodata=7)
    model = network()
    written = model.translate(path, out=tmp_path / "y.tif", tile=TILE, bits=16, samples=2, noise=0.1)
    assert [file.name for file in written] == ["y-1.tif", "y-2.tif"]
    assert asked
    one, other = map(read_picture, written)
    assert one.pixels.dtype == np.uint16
    assert not np.array_equal(one.pixels, other.pixels)


def test_samples_that_are_the_same_are_refused_and_leave_nothing(tmp_path: Path) -> None:
    path = write(tmp_path / "x.tif")
    with pytest.raises(NothingDrawnError):
        network().translate(path, out=tmp_path / "out" / "y.tif", tile=TILE, samples=2)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_failure_on_the_way_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "x.tif")
    write_rows = pictures_windows.Writer.write

    def fails(self: Any, rows: Any) -> None:
        write_rows(self, rows)
        if self.top:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(pictures_windows.Writer, "write", fails)
    with pytest.raises(
        I2IError, match=r"y\.tif: the result could not be written \(No space left on device\)$"
    ):
        network().translate(path, out=tmp_path / "out" / "y.tif", tile=TILE)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_file_that_ends_too_early_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    path = write(tmp_path / "x.tif")
    path.write_bytes(path.read_bytes()[:-50_000])
    with pytest.raises(I2IError, match=r"x\.tif' cannot be read: "):
        network().translate(path, out=tmp_path / "out" / "y.tif", tile=TILE)
    assert not (tmp_path / "out").exists() or list((tmp_path / "out").iterdir()) == []


def test_jobs_go_this_way_too_and_small_or_other_files_the_whole(tmp_path: Path, asked: Any) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    write(folder / "large.tif")
    picture = read_picture(folder / "large.tif")
    write_picture(picture, folder / "other.png")
    model = network()
    request = model.request({"tile": TILE})
    with job(model, [folder], tmp_path / "out", request) as work:
        assert [result.problem for result in work.results()] == ["", ""]
    count = len(asked)
    assert count > HEIGHT // TILE
    one, other = (read_picture(tmp_path / "out" / name).pixels for name in ("large.tif", "other.png"))
    assert np.array_equal(one, other)
    model.translate(folder / "large.tif", out=tmp_path / "y.png", tile=TILE)
    model.translate(folder / "large.tif", out=tmp_path / "y.tif", tile=1024)
    model.translate(folder / "large.tif", out=tmp_path / "y.tif", tile="auto")
    model.translate(folder / "large.tif", out=tmp_path / "y.tif")
    assert len(asked) == count


def test_automatic_tiles_that_take_the_whole_read_it_at_once(
    tmp_path: Path, asked: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("i2i.translate.windows.SMALL", 0)
    path = write(tmp_path / "x.tif")
    model = network()
    model.translate(path, out=tmp_path / "auto.tif", tile="auto")
    assert asked == [(0, HEIGHT, 0, WIDTH)]
    model.translate(path, out=tmp_path / "whole.tif")
    assert_alike(tmp_path / "auto.tif", tmp_path / "whole.tif")


def test_what_gdal_reads_otherwise_goes_the_whole_way(tmp_path: Path, asked: Any) -> None:
    tifffile = pytest.importorskip("tifffile")
    values = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH)).astype(np.uint8)
    model = network(1)
    others: list[dict[str, Any]] = [
        {"photometric": "miniswhite"},
        {"extratags": [(274, "H", 1, 6, True)]},  # an orientation
        {"extratags": [(271, "s", 0, "A maker", True)]},  # which GDAL would lose
    ]
    for number, options in enumerate(others):
        path = tmp_path / f"{number}.tif"
        tifffile.imwrite(path, values, metadata=None, **options)
        model.translate(path, out=tmp_path / "y.tif", tile=TILE)
        assert asked == []


def test_larger_than_pictures_may_be_whole(
    tmp_path: Path, asked: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "x.tif")
    for place in ("opening", "windows"):
        monkeypatch.setattr(f"i2i.pictures.{place}.MOST_PIXELS", HEIGHT * WIDTH - 1)
    model = plain(nn.Identity())
    model.translate(path, out=tmp_path / "y.tif", tile=TILE)
    assert asked
    with rasterio.open(tmp_path / "y.tif") as made, rasterio.open(path) as given:
        assert np.array_equal(made.read(), given.read())
    with pytest.raises(
        I2IError, match=r"x\.tif' has 150×700 pixels, too many to be read at once; use --tile auto"
    ):
        model.translate(path, out=tmp_path / "y.tif")
    monkeypatch.setitem(sys.modules, "rasterio", None)
    with pytest.raises(I2IError) as caught:
        model.translate(path, out=tmp_path / "y.tif", tile=TILE)
    assert str(caught.value) == (
        f"rasterio is needed to read '{path}' of 150×700 pixels in parts: pip install 'i2i-toolkit[geo]'"
    )


def test_automatic_tiles_count_no_more_than_they_take() -> None:
    model = network()
    probe = probe_of(model, model.request({}))
    held, unread = (Load(1, 4096, 4096, 1, torch.uint8, probe, model.device, size) for size in (0, 10**9))
    assert (unread.needed() or 0) - (held.needed() or 0) == 10**9
    assert (held.needed(256) or 0) - (unread.needed(256) or 0) == 3 * 4096 * 4096


def most_memory(path: Path, width: int, height: int) -> int:
    """Bytes that a picture of noise takes at most, in a process of its own."""
    rows = np.random.default_rng(0).integers(0, 256, (3, 512, width)).astype(np.uint8)
    place = {"driver": "GTiff", "height": height, "width": width, "count": 3, "dtype": "uint8"}
    with rasterio.open(path, "w", **place, tiled=True, blockxsize=256, blockysize=256) as file:
        for top in range(0, height, 512):
            file.write(rows, window=((top, top + 512), (0, width)))
    words = [Path(__file__).parent, path, path.with_name("made.tif")]
    done = subprocess.run([sys.executable, "-c", CODE, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.long
@pytest.mark.skipif(sys.platform == "win32", reason="no getrusage")
def test_memory_is_that_of_a_band_however_high_the_picture(tmp_path: Path) -> None:
    low, high = (most_memory(tmp_path / "x.tif", 8192, height) for height in (2048, 16384))
    assert high - low < 64 * 2**20  # the picture grew by 344 MiB, and its result too; GDAL keeps 64 at most
    assert high < 1.5 * 2**30
