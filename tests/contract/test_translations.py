"""Every kind of file × size × method: shape, depth, name and what the file carries come out as promised.

Files are drawn and looked at with the libraries themselves, not through i2i.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import strategies, tiny_model
from numpy.typing import NDArray
from PIL import Image, ImageCms

Pixels = NDArray[Any]
SIZES = {"small": (5, 9), "odd": (37, 53), "huge": (203, 330)}
"""Height and width: below the multiple of the networks, no multiple, and many times what they were trained on."""

PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@dataclass(frozen=True)
class Kind:
    """A kind of file: how it is drawn and read without i2i, and what is promised of its results."""

    suffix: str
    draw: Callable[[Path, Pixels], object]
    read: Callable[[Path], Pixels]
    dtype: str = "uint8"
    channels: int = 3
    made: int = 3
    control: str = ""

    def pixels(self, height: int, width: int) -> Pixels:
        random = np.random.default_rng(height)
        values = random.random((height, width, self.channels))
        values[..., 3:4] = np.round(values[..., 3:4])  # some of it is seen, some is not
        if np.dtype(self.dtype).kind == "f":
            return values.astype(self.dtype)
        return (values * np.iinfo(self.dtype).max).astype(self.dtype)


def pil(mode: str, **saved: Any) -> Callable[[Path, Pixels], object]:
    """Draws with Pillow in a mode."""

    def draw(path: Path, pixels: Pixels) -> None:
        plain = pixels[..., 0] if pixels.shape[2] == 1 else pixels
        image = Image.fromarray(plain)
        (image if image.mode == mode else image.convert(mode)).save(path, **saved)

    return draw


def read_pil(path: Path) -> Pixels:
    with Image.open(path) as image:
        array = np.asarray(image)
    return array[..., None] if array.ndim == 2 else array


def tiff(**saved: Any) -> Callable[[Path, Pixels], object]:
    return lambda path, pixels: pytest.importorskip("tifffile").imwrite(path, pixels, **saved)


bands = tiff(photometric="minisblack", planarconfig="contig")


def read_tiff(path: Path) -> Pixels:
    return np.asarray(pytest.importorskip("tifffile").imread(path))


def geo(path: Path, pixels: Pixels) -> None:
    rasterio = pytest.importorskip("rasterio")
    place = rasterio.Affine(10, 0, 500_000, 0, -10, 5_200_000)
    size = {"height": pixels.shape[0], "width": pixels.shape[1], "count": pixels.shape[2]}
    with rasterio.open(
        path, "w", driver="GTiff", dtype=pixels.dtype, crs="EPSG:32632", transform=place, **size
    ) as to:
        to.write(pixels.transpose(2, 0, 1))


def npz(path: Path, pixels: Pixels) -> None:
    np.savez(path, scan=pixels)


def read_npz(path: Path) -> Pixels:
    with np.load(path) as stored:
        assert stored.files == ["scan"]  # the name stays
        return np.asarray(stored["scan"])


def deep_png(path: Path, pixels: Pixels) -> None:
    pytest.importorskip("imagecodecs").imwrite(path, pixels)


def read_deep_png(path: Path) -> Pixels:
    return np.asarray(pytest.importorskip("imagecodecs").imread(path))


FLOATS = {"dtype": "float32", "control": "value_range"}
KINDS = {
    "jpeg": Kind(".jpg", pil("RGB", quality=95, dpi=(300, 300)), read_pil),
    "jpeg-upper": Kind(".JPEG", pil("RGB"), read_pil),
    "png": Kind(".png", pil("RGB", icc_profile=PROFILE), read_pil),
    "png-grey": Kind(".png", pil("L"), read_pil, channels=1),
    "png-alpha": Kind(".png", pil("RGBA"), read_pil, channels=4, made=4),
    "png-palette": Kind(".png", pil("P"), read_pil),
    "png-16": Kind(".png", pil("I;16"), read_deep_png, "uint16", 1),
    "png-16-alpha": Kind(".png", deep_png, read_deep_png, "uint16", 4, 4),
    "webp": Kind(".webp", pil("RGB", lossless=True), read_pil),
    "webp-alpha": Kind(".webp", pil("RGBA", lossless=True), read_pil, channels=4, made=4),
    "bmp": Kind(".bmp", pil("RGB"), read_pil),
    "tiff": Kind(".tif", tiff(photometric="rgb"), read_tiff),
    "tiff-16": Kind(".tiff", tiff(photometric="rgb", compression="zlib"), read_tiff, "uint16"),
    "tiff-float": Kind(".tif", tiff(photometric="rgb"), read_tiff, **FLOATS),
    "tiff-planes": Kind(".tif", geo, read_tiff, "uint16"),
    "npy": Kind(".npy", np.save, np.load, "uint16"),
    "npy-float": Kind(".npy", np.save, np.load, **FLOATS),
    "npz": Kind(".npz", npz, read_npz),
}
METHODS = [name for name in strategies() if tiny_model(name).strategy.takes({})[0] in ("a", "b", "image")]


def translated(method: str, kind: Kind, size: tuple[int, int], folder: Path) -> tuple[Path, Path, Pixels]:
    """A file and its result, and the pixels of the file."""
    model, pixels = tiny_model(method), kind.pixels(*size)
    source, target = folder / f"tile.v2{kind.suffix}", folder / f"out/tile.v2{kind.suffix}"
    kind.draw(source, pixels)
    controls: dict[str, Any] = {"value_range": (0.0, 1.0)} if kind.control else {}
    if "domain" in model.controls.options.model_fields:
        controls["domain"] = "red"
    assert model.translate(source, out=target, **controls) == target
    return source, target, pixels


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("method", METHODS)
def test_results_have_the_shape_the_depth_and_the_alpha_of_their_inputs(
    method: str, kind: Kind, size: tuple[int, int], tmp_path: Path
) -> None:
    _, target, pixels = translated(method, kind, size, tmp_path)
    made = kind.read(target)
    assert (made.shape, made.dtype) == ((*size, kind.made), np.dtype(kind.dtype))
    if kind.channels == 4:
        assert np.array_equal(made[..., 3], pixels[..., 3])
    assert [path.name for path in target.parent.iterdir()] == [target.name]
    colours = made[..., :3].astype(float)
    most = 1.0 if kind.control else np.iinfo(kind.dtype).max
    assert colours.min() >= 0
    assert colours.max() <= most
    assert colours.max() > most / 64  # a result of 8 bits in a file of 16 would be black


@pytest.mark.parametrize("kind", ["png", "jpeg", "tiff-planes"])
def test_what_a_file_carries_is_kept(kind: str, tmp_path: Path) -> None:
    source, target, _ = translated("cyclegan", KINDS[kind], SIZES["odd"], tmp_path)
    if kind == "tiff-planes":
        rasterio = pytest.importorskip("rasterio")
        with rasterio.open(source) as before, rasterio.open(target) as after:
            assert after.crs == before.crs
            assert after.transform == before.transform
            return
    with Image.open(source) as before, Image.open(target) as after:
        assert after.info.get("icc_profile") == before.info.get("icc_profile")
        assert after.info.get("dpi") == before.info.get("dpi")
        assert before.info.get("icc_profile") or before.info.get("dpi")


def test_a_picture_on_its_side_is_turned_upright_once(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "a camera"
    Image.fromarray(KINDS["png"].pixels(20, 36)).save(tmp_path / "side.jpg", exif=exif)
    tiny_model("cyclegan").translate(tmp_path / "side.jpg", out=tmp_path / "out.jpg")
    with Image.open(tmp_path / "out.jpg") as made:
        assert made.size == (20, 36)
        assert made.getexif().get(0x0112, 1) == 1
        assert made.getexif()[0x010F] == "a camera"


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".npy"])
def test_label_maps_become_pictures_of_their_size(suffix: str, size: tuple[int, int], tmp_path: Path) -> None:
    model = tiny_model("spade")
    labels = np.random.default_rng(0).integers(0, model.facts.maps["label_map"], size).astype(np.uint8)
    source, target = tmp_path / f"map{suffix}", tmp_path / f"out/map{suffix}"
    np.save(source, labels) if suffix == ".npy" else Image.fromarray(labels).save(source)
    assert model.translate(source, out=target) == target
    made = np.load(target) if suffix == ".npy" else read_pil(target)
    assert (made.shape, made.dtype) == ((*size, 3), np.uint8)


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("suffix", [".tif", ".npy"])
def test_pictures_of_many_channels_stay_so(suffix: str, size: tuple[int, int], tmp_path: Path) -> None:
    model = tiny_model("cyclegan", channels=5)
    pixels = np.random.default_rng(0).integers(0, 65536, (*size, 5)).astype(np.uint16)
    source, target = tmp_path / f"bands{suffix}", tmp_path / f"out/bands{suffix}"
    np.save(source, pixels) if suffix == ".npy" else bands(source, pixels)
    assert model.translate(source, out=target) == target
    made = np.load(target) if suffix == ".npy" else read_tiff(target)
    assert (made.shape, made.dtype) == ((*size, 5), np.uint16)


@pytest.mark.parametrize("channels", [2, 4, 5])
def test_what_no_pil_image_can_hold_comes_back_as_an_array(channels: int, tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (12, 20, channels)).astype(np.uint8)
    np.save(tmp_path / "bands.npy", pixels)
    made = tiny_model("cyclegan", channels=channels).translate(tmp_path / "bands.npy")
    assert (type(made), made.shape, made.dtype) == (np.ndarray, (12, 20, channels), np.uint8)
