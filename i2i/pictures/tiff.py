"""TIFF files of any depth and any number of channels, by way of tifffile."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from i2i.core.errors import I2IError
from i2i.core.extras import needs
from i2i.pictures.carried import Carried, PictureFile, exif_bytes, resolution, upright_xmp
from i2i.pictures.georeference import read_empty, read_georeference, refuse_turned
from i2i.pictures.header import Header
from i2i.pictures.opening import check_size, damaged, in_sentences
from i2i.pictures.pixels import Pixels, upright, with_channels
from i2i.pictures.stored_types import nearest_type, to_stored
from i2i.pictures.tiff_pages import Page, read_page

EXIF_TAGS = frozenset(
    {269, 270, 271, 272, 285, 305, 306, 315, 316, 33432, 34665, 34853, *range(40091, 40096)}
)
"""Those of a TIFF file that are EXIF's too: description, maker, software, date, artist, copyright and the like."""

_WHITE_IS_ZERO, _RGB = 0, 2
_GREYS = (0, 1)
_ACROSS, _DOWN, _UNIT, _PROFILE, _XMP = 282, 283, 296, 34675, 700
_DESCRIPTION = 270
_MULTIPLIED, _ALPHA = 1, 2


def read_header(path: Path) -> Header:
    """Size, channels and type, without decoding.

    Raises:
        I2IError: tifffile is not installed, or the file is damaged or in a form that cannot be read without loss.
    """
    page = read_page(path)
    with _opened(path) as stored:
        channels = stored.samplesperpixel - (_alpha_at(page, stored) is not None)
        height, width = stored.imagelength, stored.imagewidth
        if page.orientation >= 5:
            height, width = width, height
        return Header(width, height, channels, nearest_type(stored.dtype), _declared(stored))


def read_pixels(path: Path) -> Pixels:
    """The picture, (H, W, C), upright, without alpha.

    Raises:
        I2IError: as `read_header`.
    """
    return _read(path, read_page(path))[0]


def read_picture(path: Path) -> PictureFile:
    """The picture with all that the file carries.

    Raises:
        I2IError: as `read_header`, or rasterio is not installed and the file is a GeoTIFF.
    """
    page = read_page(path)
    carried = read_carried(path, page)
    pixels, alpha = _read(path, page)
    return PictureFile(pixels, alpha, carried, read_empty(path, carried.georeference))


def read_carried(path: Path, page: Page) -> Carried:
    """What a TIFF file holds beside its pixels.

    Raises:
        I2IError: it is damaged, or a GeoTIFF, and rasterio is not installed.
    """
    georeference = None
    if page.georeferenced:
        refuse_turned(path, page.orientation)
        georeference = read_georeference(path)
    with in_sentences(path), path.open("rb") as file:
        tags = Image.Exif()
        tags.bigtiff, tags.endian = page.big, page.order
        if not page.strange_order:
            tags.load_from_fp(file, page.offset)
        return _carried(tags, page, georeference)


def _carried(tags: Image.Exif, page: Page, georeference: Any) -> Carried:
    profile, xmp = (tags.get(tag, b"") for tag in (_PROFILE, _XMP))
    dots = resolution(tags.get(_ACROSS), tags.get(_DOWN), tags.get(_UNIT, 2), page.orientation)
    for tag in [tag for tag in tags if tag not in EXIF_TAGS]:
        del tags[tag]
    if _describes_storage(tags.get(_DESCRIPTION)):
        del tags[_DESCRIPTION]
    return Carried(
        profile=profile if isinstance(profile, bytes) else b"",
        exif=exif_bytes(tags, page.orientation),
        xmp=upright_xmp(xmp, page.orientation) if isinstance(xmp, bytes) else b"",
        resolution=dots,
        compressed=page.compressed,
        georeference=georeference,
    )


def _describes_storage(description: Any) -> bool:
    """Whether a description tells programs how the old file is stored: tifffile's, ImageJ's, OME's."""
    text = str(description or "").lstrip()
    return text.startswith(('{"shape":', "ImageJ=")) or (text.startswith("<?xml") and "<OME" in text[:1000])


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """The page of a file as tifffile sees it, once it is known to be sound."""
    tifffile = needs("tifffile", "tiff", f"to read '{path}'")
    logging.getLogger("tifffile").addFilter(_nothing)  # it says there what is said here in a sentence
    with in_sentences(path), path.open("rb") as opened, tifffile.TiffFile(opened) as file:
        stored = file.pages.first
        _check(stored, path)
        yield stored


def _nothing(_: logging.LogRecord) -> bool:
    return False


def _read(path: Path, page: Page) -> tuple[Pixels, Pixels | None]:
    with _opened(path) as stored:
        values = stored.asarray(maxworkers=1)
        if stored.planarconfig == 2 and values.ndim == 3:
            values = values.transpose(1, 2, 0)
        values = upright(with_channels(to_stored(_spread(values, stored), path)), page.orientation)
        at = _alpha_at(page, stored)
        if at is None:
            return values, None
        pixels, alpha = np.delete(values, at, axis=2), values[..., at : at + 1]
        return (
            _divided(pixels, alpha) if page.extra[at - _colours(stored)] == _MULTIPLIED else pixels
        ), alpha


def _spread(values: Pixels, stored: Any) -> Pixels:
    """Numbers of less than 8 bits over the range of 8, as Pillow does, and white the highest."""
    bits = stored.bitspersample
    if bits in (2, 4) and stored.sampleformat == 1:
        values = values * np.uint8(255 // (2**bits - 1))
    if stored.photometric == _WHITE_IS_ZERO and values.dtype.kind == "u":
        return (2**bits - 1 if bits > 8 else 255) - values
    return ~values if stored.photometric == _WHITE_IS_ZERO and values.dtype == np.bool_ else values


def _check(stored: Any, path: Path) -> None:
    """Refuse what is damaged, or cannot be read without loss."""
    if stored.dtype is None or not nearest_type(stored.dtype):
        raise _strange(
            path, f"numbers of {stored.bitspersample} bits in sample format {int(stored.sampleformat)}"
        )
    if stored.photometric not in (*_GREYS, _RGB):
        raise _strange(path, f"{getattr(stored.photometric, 'name', stored.photometric)} of {stored.dtype}")
    check_size(path, stored.imagewidth, stored.imagelength, stored.samplesperpixel * stored.dtype.itemsize)
    if stored.compression != 1:
        needs("imagecodecs", "tiff", f"to read '{path}'")  # what it unpacks never fills more than its place
    _check_parts(stored, path)


def _check_parts(stored: Any, path: Path) -> None:
    """Refuse a picture some of whose strips or tiles are not in the file: their place would hold anything."""
    wanted, end = math.prod(stored.chunked), path.stat().st_size
    parts = list(zip(stored.dataoffsets, stored.databytecounts, strict=False))
    total = sum(count for _, count in parts)
    if len(parts) != wanted or any(start + count > end for start, count in parts) or total > end:
        raise damaged(path, "parts of the picture are missing")


def _strange(path: Path, form: str) -> I2IError:
    return I2IError(f"'{path}' stores {form}, which cannot be read without loss; save it as grey or RGB")


def _colours(stored: Any) -> int:
    return 3 if stored.photometric == _RGB else 1


def _alpha_at(page: Page, stored: Any) -> int | None:
    """Which of the samples is alpha."""
    colours = _colours(stored)
    if stored.photometric == _RGB and stored.samplesperpixel == 4 and not page.extra:
        return 3  # many programs leave it out, as Pillow knows
    kinds = page.extra[: stored.samplesperpixel - colours]
    return next((colours + i for i, kind in enumerate(kinds) if kind in (_MULTIPLIED, _ALPHA)), None)


def _declared(stored: Any) -> int | None:
    whole, bits = stored.sampleformat == 1, stored.bitspersample
    return bits if whole and bits > 8 and bits < stored.dtype.itemsize * 8 else None


def _divided(pixels: Pixels, alpha: Pixels) -> Pixels:
    """Colours that were multiplied by alpha, as they are without."""
    most = 1.0 if pixels.dtype.kind == "f" else float(np.iinfo(pixels.dtype).max)
    share = np.where(alpha > 0, alpha / most, 1.0)
    plain = pixels / share
    return (
        plain.astype(pixels.dtype) if most == 1.0 else np.rint(np.minimum(plain, most)).astype(pixels.dtype)
    )
