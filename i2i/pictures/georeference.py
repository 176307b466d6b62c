"""Where a GeoTIFF lies on Earth, and all else that GDAL knows of it, by way of rasterio."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from i2i.core.errors import I2IError
from i2i.core.extras import needs
from i2i.pictures.opening import damaged, in_sentences
from i2i.pictures.pixels import Pixels

_DERIVED = ("IMAGE_STRUCTURE", "DERIVED_SUBDATASETS", "RPC", "TIFF")
"""Domains of tags that say how a file is stored, or that are carried in another form."""
# no other file beside the picture is looked at; of the memory GDAL would keep a twentieth
SETTINGS: Mapping[str, Any] = {
    "GDAL_PAM_ENABLED": "NO",
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_CACHEMAX": 2**26,
}


@dataclass(frozen=True)
class Band:
    """What GDAL knows of one channel."""

    colour: Any
    description: str | None
    unit: str | None
    scale: float
    offset: float
    tags: Mapping[str, str]


@dataclass(frozen=True)
class Georeference:
    """What GDAL knows of a picture beside its pixels; the objects are rasterio's.

    Attributes:
        width: of the picture that this describes.
        height: of it.
        crs: its coordinate reference system.
        transform: from pixels to coordinates; None if there is none.
        points: ground control points, and their own reference system.
        rpcs: rational polynomial coefficients.
        nodata: the value that stands for nothing.
        tags: by domain, "" is the default.
        bands: one for each band of the file, alpha included.
        masked: whether the file keeps a mask apart that says which pixels hold something.
    """

    width: int
    height: int
    crs: Any
    transform: Any
    points: tuple[list[Any], Any]
    rpcs: Any
    nodata: float | None
    tags: Mapping[str, Mapping[str, str]]
    bands: tuple[Band, ...]
    masked: bool

    @property
    def tells_empty(self) -> bool:
        """Whether the file tells pixels that hold nothing from others, and not by alpha."""
        return self.masked or (
            self.nodata is not None and "alpha" not in [each.colour.name for each in self.bands]
        )


def read_georeference(path: Path) -> Georeference:
    """What GDAL knows of a GeoTIFF.

    Raises:
        I2IError: rasterio is not installed, or the file is damaged.
    """
    needs("rasterio", "geo", f"to keep the georeference of '{path}'")
    with opened_by_gdal(path) as dataset:
        return _georeference(dataset)


@contextmanager
def opened_by_gdal(path: Path) -> Iterator[Any]:
    """A TIFF file as rasterio reads it.

    Raises:
        I2IError: rasterio is not installed, or the file is damaged.
    """
    rasterio = needs("rasterio", "geo", f"to read '{path}'")
    quiet = warnings.catch_warnings(action="ignore")  # rasterio warns of files without a transform
    with in_sentences(path), quiet, rasterio.Env(**SETTINGS), rasterio.open(path, driver="GTiff") as dataset:
        try:
            yield dataset
        except rasterio.errors.RasterioIOError as error:
            raise damaged(path, str(error.__cause__ or error)) from error


def read_empty(path: Path, georeference: Georeference | None) -> Pixels | None:
    """The pixels of a GeoTIFF that hold nothing, (H, W, 1), bool; None where the file does not tell.

    Raises:
        I2IError: rasterio is not installed, or the file is damaged.
    """
    if georeference is None or not georeference.tells_empty:
        return None
    with opened_by_gdal(path) as dataset:
        return empty_in(dataset, None)


def empty_in(dataset: Any, window: Any) -> Pixels:
    """The pixels of a window that its mask leaves out, or that hold nothing in any channel: (H, W, 1), bool."""
    height, width = (window.height, window.width) if window else dataset.shape
    empty = np.ones((height, width, 1), np.bool_)
    for index in dataset.indexes:
        empty[..., 0] &= dataset.read_masks(index, window=window) == 0
    return empty


def _georeference(dataset: Any) -> Georeference:
    told = {flag.name for flag in dataset.mask_flag_enums[0]}
    return Georeference(
        dataset.width,
        dataset.height,
        dataset.crs,
        None if dataset.transform.is_identity else dataset.transform,
        dataset.gcps,
        dataset.rpcs,
        dataset.nodata,
        _tags(dataset),
        tuple(_band(dataset, index) for index in dataset.indexes),
        "per_dataset" in told and "alpha" not in told,
    )


def _tags(dataset: Any) -> dict[str, Mapping[str, str]]:
    domains = [
        name for name in dataset.tag_namespaces() if name not in _DERIVED and not name.startswith("xml:")
    ]
    return {"": dataset.tags()} | {name: dataset.tags(ns=name) for name in domains}


def _band(dataset: Any, index: int) -> Band:
    at = index - 1
    return Band(
        dataset.colorinterp[at],
        dataset.descriptions[at],
        dataset.units[at],
        dataset.scales[at],
        dataset.offsets[at],
        dataset.tags(index),
    )


def refuse_turned(path: Path, orientation: int) -> None:
    """Refuse a GeoTIFF that asks to be turned, which its georeference knows nothing of.

    Raises:
        I2IError: it does.
    """
    if orientation != 1:
        raise I2IError(
            f"'{path}' has a georeference and an Orientation of {orientation}, which contradict each other; write it "
            "again with GDAL"
        )
