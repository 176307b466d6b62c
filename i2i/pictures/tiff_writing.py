"""Writing TIFF files of any type and any number of channels."""

from __future__ import annotations

import zlib
from itertools import accumulate
from pathlib import Path

import numpy as np
from PIL import Image, TiffImagePlugin, TiffTags

from i2i.pictures.carried import EXIF_FOLDER, GPS_FOLDER, PictureFile
from i2i.pictures.pixels import Pixels
from i2i.pictures.tiff import EXIF_TAGS

_NONE, _DEFLATE = 1, 8
_BLACK_IS_ZERO, _RGB = 1, 2
_ANYTHING, _ALPHA = 0, 2
_FORMATS = {"u": 1, "i": 2, "f": 3}
_STRIP = 2**18
"""So many bytes, or one row, stand in a strip."""


def write_tiff(picture: PictureFile, path: Path) -> None:
    """Write one page, its samples beside each other; packed without loss if the file that was read was packed."""
    pixels = picture.pixels
    samples = pixels if picture.alpha is None else np.concatenate([pixels, picture.alpha], axis=2)
    rows = max(1, _STRIP // max(1, samples[0].nbytes))
    strips = [
        _strip(samples[start : start + rows], picture.carried.compressed)
        for start in range(0, len(samples), rows)
    ]
    tags = _tags(picture, samples, rows)
    tags[TiffImagePlugin.STRIPOFFSETS] = tuple(accumulate(map(len, strips[:-1]), initial=0))
    tags[TiffImagePlugin.STRIPBYTECOUNTS] = tuple(map(len, strips))
    with path.open("wb") as file:
        tags.save(file)
        file.writelines(strips)


def _strip(rows: Pixels, compressed: bool) -> bytes:
    data = np.ascontiguousarray(rows.astype(rows.dtype.newbyteorder("<"), copy=False)).tobytes()
    return zlib.compress(data) if compressed else data


def _tags(picture: PictureFile, samples: Pixels, rows: int) -> TiffImagePlugin.ImageFileDirectory_v2:
    height, width, count = samples.shape
    tags = TiffImagePlugin.ImageFileDirectory_v2(prefix=b"II")
    _describe(tags, picture)
    tags[TiffImagePlugin.IMAGEWIDTH], tags[TiffImagePlugin.IMAGELENGTH] = width, height
    tags[TiffImagePlugin.BITSPERSAMPLE] = (samples.dtype.itemsize * 8,) * count
    tags[TiffImagePlugin.COMPRESSION] = _DEFLATE if picture.carried.compressed else _NONE
    colours = 3 if picture.pixels.shape[2] == 3 else 1
    tags[TiffImagePlugin.PHOTOMETRIC_INTERPRETATION] = _RGB if colours == 3 else _BLACK_IS_ZERO
    tags[TiffImagePlugin.SAMPLESPERPIXEL] = count
    tags[TiffImagePlugin.ROWSPERSTRIP] = rows
    tags[TiffImagePlugin.PLANAR_CONFIGURATION] = 1
    if extra := (_ANYTHING,) * (picture.pixels.shape[2] - colours) + (_ALPHA,) * (picture.alpha is not None):
        tags[TiffImagePlugin.EXTRASAMPLES] = extra
    tags[TiffImagePlugin.SAMPLEFORMAT] = (_FORMATS[samples.dtype.kind],) * count
    for tag in (TiffImagePlugin.STRIPOFFSETS, TiffImagePlugin.STRIPBYTECOUNTS):
        tags.tagtype[tag] = TiffTags.LONG
    return tags


def _describe(tags: TiffImagePlugin.ImageFileDirectory_v2, picture: PictureFile) -> None:
    carried = picture.carried
    exif = Image.Exif()
    exif.load(carried.exif_for(picture.pixels))
    for tag in EXIF_TAGS.intersection(exif):
        tags[tag] = exif.get_ifd(tag) if tag in (EXIF_FOLDER, GPS_FOLDER) else exif[tag]
    if profile := carried.profile_for(picture.pixels.shape[2]):
        tags[TiffImagePlugin.ICCPROFILE] = profile
    if carried.xmp:
        tags[TiffImagePlugin.XMP] = carried.xmp
    if carried.resolution is not None:
        across, down, unit = carried.resolution
        tags[TiffImagePlugin.X_RESOLUTION], tags[TiffImagePlugin.Y_RESOLUTION] = across, down
        tags[TiffImagePlugin.RESOLUTION_UNIT] = unit
