"""Writing a picture with its georeference, by way of rasterio."""

from __future__ import annotations

import base64
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from i2i.core.extras import needs
from i2i.pictures.carried import PictureFile
from i2i.pictures.georeference import SETTINGS, Georeference
from i2i.pictures.nothing import fits, with_empty

TYPES = ("uint8", "uint16", "uint32", "int16", "int32", "float32", "float64")
"""Those of the types of pictures that GDAL knows."""

BLOCK = 256
"""Side, in pixels, of the squares of a tiled file."""

_TILED = {"tiled": True, "blockxsize": BLOCK, "blockysize": BLOCK}


def write_geotiff(picture: PictureFile, georeference: Georeference, path: Path) -> None:
    """Write a GeoTIFF; of what belongs to single bands, that of the alpha, and the rest if their number is the same.

    Raises:
        I2IError: rasterio is not installed.
        ValueError: GDAL does not know the type.
    """
    with opened_geotiff(picture, georeference, path) as file:
        file.write(picture)


@dataclass(frozen=True)
class GeoTiff:
    """A GeoTIFF that is being written; the objects are rasterio's.

    Attributes:
        dataset: the file.
        nothing: the value in it that stands for nothing.
        masked: whether a mask beside the pixels says which of them hold something.
    """

    dataset: Any
    nothing: float | None
    masked: bool

    def write(self, picture: PictureFile, top: int = 0) -> None:
        """Write rows of a picture, of full width."""
        pixels, empty = picture.pixels, picture.empty
        if self.nothing is not None:
            pixels = with_empty(pixels, empty, self.nothing)
        planes = pixels if picture.alpha is None else np.concatenate([pixels, picture.alpha], axis=2)
        rows = ((top, top + len(planes)), (0, planes.shape[1]))
        self.dataset.write(np.ascontiguousarray(planes.transpose(2, 0, 1)), window=rows)
        if self.masked and empty is not None:
            self.dataset.write_mask(~empty[..., 0], window=rows)


@contextmanager
def opened_geotiff(
    like: PictureFile, georeference: Georeference, path: Path, *, tiled: bool = False
) -> Iterator[GeoTiff]:
    """A GeoTIFF to write to.

    Args:
        like: what it will hold; of its pixels only shape and type matter.
        georeference: where it lies.
        path: the file.
        tiled: store squares of `BLOCK` pixels, each for itself.

    Raises:
        I2IError: rasterio is not installed.
        ValueError: GDAL does not know the type.
    """
    kind = like.pixels.dtype
    if kind.name not in TYPES:
        raise ValueError(f"GDAL keeps no georeference with {kind.name}; end the name in .npy")
    rasterio = needs("rasterio", "geo", "to write a georeference")
    quiet = warnings.catch_warnings(action="ignore")  # rasterio warns of files without a transform
    settings = rasterio.Env(**SETTINGS, GDAL_TIFF_INTERNAL_MASK=True)
    layout = _TILED if tiled else {}
    with quiet, settings, rasterio.open(path, "w", **_profile(like, georeference), **layout) as dataset:
        _describe(dataset, georeference, like.pixels.shape[:2] == (georeference.height, georeference.width))
        _describe_bands(dataset, like, georeference, rasterio)
        nothing = georeference.nodata
        kept = nothing if fits(nothing, kind) else None
        yield GeoTiff(dataset, kept, georeference.masked or (kept is None and nothing is not None))


def _profile(picture: PictureFile, georeference: Georeference) -> dict[str, Any]:
    height, width, channels = picture.pixels.shape
    profile = {
        "driver": "GTiff",
        "height": height,
        "width": width,
        "count": channels + (picture.alpha is not None),
        "dtype": picture.pixels.dtype.name,
        "photometric": "RGB" if channels == 3 else "MINISBLACK",
        "interleave": "pixel",
        "bigtiff": "IF_SAFER",
        "compress": "DEFLATE" if picture.carried.compressed else "NONE",
    }
    if picture.alpha is not None:
        profile["alpha"] = "NON-PREMULTIPLIED"
    if icc := picture.carried.profile_for(channels):
        profile["source_icc_profile"] = base64.b64encode(icc).decode()
    if fits(georeference.nodata, picture.pixels.dtype):
        profile["nodata"] = georeference.nodata
    return profile | _place(picture, georeference)


def _place(picture: PictureFile, georeference: Georeference) -> dict[str, Any]:
    """Where the picture lies; one of another size covers the same ground."""
    height, width = picture.pixels.shape[:2]
    across, down = georeference.width / width, georeference.height / height
    transform = georeference.transform
    if transform is not None:
        transform = transform * type(transform).scale(across, down)
    known = {"crs": georeference.crs, "transform": transform}
    return {key: value for key, value in known.items() if value is not None}


def _describe(dataset: Any, georeference: Georeference, same_size: bool) -> None:
    for domain, tags in georeference.tags.items():
        if tags:
            dataset.update_tags(**({"ns": domain} if domain else {}), **tags)
    points, system = georeference.points
    if points and same_size:
        dataset.gcps = (points, system)
    if georeference.rpcs is not None and same_size:
        dataset.rpcs = georeference.rpcs


def _describe_bands(dataset: Any, picture: PictureFile, georeference: Georeference, rasterio: Any) -> None:
    bands, alpha = georeference.bands, rasterio.enums.ColorInterp.alpha
    if dataset.count != len(bands) or (picture.alpha is not None) != (
        alpha in [band.colour for band in bands]
    ):
        return
    dataset.colorinterp = [band.colour for band in bands]
    dataset.scales, dataset.offsets = [band.scale for band in bands], [band.offset for band in bands]
    for index, band in enumerate(bands, 1):
        dataset.set_band_description(index, band.description or "")
        dataset.set_band_unit(index, band.unit or "")
        dataset.update_tags(index, **band.tags)
