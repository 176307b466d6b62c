"""TIFF files that are read and written window by window, by way of rasterio: they need not fit into the memory."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from i2i.core.extras import needs
from i2i.pictures.carried import Carried, PictureFile
from i2i.pictures.drafts import drafted
from i2i.pictures.georeference import Georeference, empty_in, opened_by_gdal, read_georeference
from i2i.pictures.geotiff import BLOCK, TYPES, GeoTiff, opened_geotiff
from i2i.pictures.opening import MOST_PIXELS, check_size, first_bytes
from i2i.pictures.pixels import Pixels
from i2i.pictures.tiff import read_carried
from i2i.pictures.tiff_pages import Page, is_tiff, read_page

_BLACK_IS_ZERO, _RGB = 1, 2
_ANYTHING, _ALPHA = 0, 2
# none, LZW, deflate twice, PackBits, Zstandard: the others lose something, or are in few libraries
_UNPACKED = (1, 5, 8, 32946, 32773, 50000)
# of a file without a georeference GDAL carries these: name, description, software, date, artist, computer, copyright
_CARRIED = frozenset({269, 270, 305, 306, 315, 316, 33432})
_DESCRIPTION, _KEPT = 270, "TIFFTAG_"
_MOST_BLOCK = 2**28
"""Bytes: more of them are unpacked at a time by no file that is meant to be read in parts."""


@dataclass(frozen=True)
class Windows:
    """A TIFF file, read in parts.

    Attributes:
        path: the file.
        width: of the picture.
        height: of it.
        channels: without alpha.
        dtype: numpy's name of its type.
        alpha: whether alpha stands behind the channels.
        carried: what the file holds beside its pixels.
    """

    path: Path
    width: int
    height: int
    channels: int
    dtype: str
    alpha: bool
    carried: Carried

    def read(self, top: int, bottom: int, left: int, right: int) -> PictureFile:
        """A part of the picture, with its alpha.

        Raises:
            I2IError: the part is damaged, or larger than a picture may be.
        """
        rasterio = needs("rasterio", "geo", f"to read '{self.path}'")
        check_size(self.path, right - left, bottom - top, self.channels * np.dtype(self.dtype).itemsize)
        window = rasterio.windows.Window(left, top, right - left, bottom - top)
        with opened_by_gdal(self.path) as dataset:  # closed at once: GDAL keeps what it read as long
            values: Pixels = dataset.read(window=window).transpose(1, 2, 0)
            empty = empty_in(dataset, window) if _georeference(self.carried).tells_empty else None
        alpha = values[..., self.channels :] if self.alpha else None
        return PictureFile(values[..., : self.channels], alpha, self.carried, empty)


def windows_of(path: Path) -> Windows | None:
    """A file as one to read in parts; None where that would not give what `read_picture` gives.

    Raises:
        I2IError: it is missing, damaged, of several pages, or so large that it needs rasterio, which is not installed.
    """
    if not is_tiff(first_bytes(path)):
        return None
    page = read_page(path)
    alpha = _alpha(page)
    if alpha is None or not _is_plain(page):
        return None
    if find_spec("rasterio") is None:
        if size := size_of_large(path):
            needs("rasterio", "geo", f"to read '{path}' of {size[0]:,}×{size[1]:,} pixels in parts")
        return None
    carried = read_carried(path, page)
    if not page.georeferenced and not _is_carried(carried):
        return None
    georeference = carried.georeference or _without_place(read_georeference(path), carried)
    return _described(path, alpha, dataclasses.replace(carried, georeference=georeference))


def _described(path: Path, alpha: bool, carried: Carried) -> Windows | None:
    with opened_by_gdal(path) as dataset:
        (dtype, *others), channels = dataset.dtypes, dataset.count
        block = dataset.block_shapes[0][0] * dataset.block_shapes[0][1] * channels * np.dtype(dtype).itemsize
        if dtype not in TYPES or any(other != dtype for other in others) or block > _MOST_BLOCK:
            return None
        return Windows(path, dataset.width, dataset.height, channels - alpha, dtype, alpha, carried)


def _is_plain(page: Page) -> bool:
    """Whether GDAL and `read_picture` read the same values."""
    upright = page.orientation == 1 and not page.backwards
    return upright and page.photometric in (_BLACK_IS_ZERO, _RGB) and page.compression in _UNPACKED


def _alpha(page: Page) -> bool | None:
    """Whether there is alpha, behind all channels; None where it is another one, or nobody says."""
    extra, colours = page.extra, 3 if page.photometric == _RGB else 1
    known = len(extra) == page.samples - colours
    if (
        not known
        or any(each != _ANYTHING for each in extra[:-1])
        or extra[-1:] not in ((), (_ANYTHING,), (_ALPHA,))
    ):
        return None
    return extra[-1:] == (_ALPHA,)


def size_of_large(path: Path) -> tuple[int, int] | None:
    """Width and height of a TIFF file that can be read in parts only; None of others.

    Raises:
        I2IError: it is missing, damaged, or of several pages.
    """
    if not is_tiff(first_bytes(path)):
        return None
    width, height = read_page(path).size
    return (width, height) if width * height > MOST_PIXELS else None


def _is_carried(carried: Carried) -> bool:
    """Whether GDAL carries all that a file without a georeference holds."""
    exif = Image.Exif()
    exif.load(carried.exif)
    return not carried.xmp and _CARRIED.issuperset(exif)


def _without_place(georeference: Georeference, carried: Carried) -> Georeference:
    """What GDAL says of a file without a georeference, but for what is said of how it is stored."""
    exif = Image.Exif()
    exif.load(carried.exif)
    tags = {
        name: value
        for name, value in georeference.tags[""].items()
        if name.startswith(_KEPT) and (name != f"{_KEPT}IMAGEDESCRIPTION" or _DESCRIPTION in exif)
    }
    return dataclasses.replace(georeference, tags={"": tags})


def _georeference(carried: Carried) -> Georeference:
    assert carried.georeference is not None
    return carried.georeference


class Writer:
    """Writes a TIFF file from the top to the bottom; no square of it is touched twice, as that would waste its place.

    Args:
        file: what is written to.
        height: of the picture.
    """

    def __init__(self, file: GeoTiff, height: int) -> None:
        self.file, self.height = file, height
        self.top, self.waiting = 0, list[PictureFile]()

    def write(self, rows: PictureFile) -> None:
        """Write the next rows of the picture."""
        self.waiting.append(rows)
        count = sum(len(each.pixels) for each in self.waiting)
        ready = count if self.top + count == self.height else count // BLOCK * BLOCK
        if ready:
            joined = _joined(self.waiting)
            self.file.write(_rows(joined, 0, ready), self.top)
            self.top, self.waiting = self.top + ready, [_rows(joined, ready, count)]


@contextmanager
def written_in_parts(path: Path, like: PictureFile, height: int) -> Iterator[Writer]:
    """A TIFF file that is written band by band; it is there whole at the end of the block, or not at all.

    Args:
        path: the file.
        like: its first rows.
        height: of the picture.

    Raises:
        I2IError: the disk refuses.
    """
    # of the picture GDAL asks shape and type beforehand: this one takes the memory of a pixel
    shape = (height, *like.pixels.shape[1:])
    whole = dataclasses.replace(like, pixels=np.broadcast_to(like.pixels[:1, :1, :1], shape))
    with (
        drafted(path) as draft,
        opened_geotiff(whole, _georeference(like.carried), draft, tiled=True) as file,
    ):
        yield Writer(file, height)


def _joined(parts: list[PictureFile]) -> PictureFile:
    if len(parts) == 1:
        return parts[0]

    def joined(each: list[Any]) -> Any:
        return None if each[0] is None else np.concatenate(each)

    pixels, alpha, empty = (
        joined([getattr(part, name) for part in parts]) for name in ("pixels", "alpha", "empty")
    )
    return PictureFile(pixels, alpha, parts[0].carried, empty)


def _rows(part: PictureFile, start: int, stop: int) -> PictureFile:
    """Some rows of a part, in memory of their own if they are few: they would keep all of it."""

    def cut(each: Pixels | None) -> Pixels | None:
        return None if each is None else each[start:stop] if start == 0 else each[start:stop].copy()

    return PictureFile(
        part.pixels[start:stop].copy() if start else part.pixels[:stop],
        cut(part.alpha),
        part.carried,
        cut(part.empty),
    )
