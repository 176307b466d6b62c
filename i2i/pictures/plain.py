"""The pictures that Pillow reads: JPEG, PNG, WebP, BMP, PPM, and most TIFF files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import ImageFile

from i2i.core.errors import I2IError
from i2i.pictures import tiff
from i2i.pictures.carried import ORIENTATION, PictureFile, carried_by
from i2i.pictures.depth import (
    can_decode,
    declared_bits,
    decode_deep,
    is_grey_with_alpha,
    raw_mode,
    stored_type,
)
from i2i.pictures.georeference import read_empty
from i2i.pictures.header import Header
from i2i.pictures.native import decode_native
from i2i.pictures.opening import opened
from i2i.pictures.pixels import Pixels, upright, with_channels
from i2i.pictures.tiff_pages import read_page

_GREY = frozenset({"1", "L", "LA", "La", "I", "F", "I;16", "I;16B", "I;16L", "I;16N"})


def read_header(path: Path) -> Header:
    """Size, channels and type, without decoding.

    Raises:
        I2IError: the file is missing, no picture, or in a form that cannot be read without loss.
    """
    with opened(path) as image:
        return _header(image, path)


def read_pixels(path: Path) -> Pixels:
    """The picture, (H, W, C), upright, without alpha.

    Raises:
        I2IError: as `read_header`, or the file is damaged.
    """
    with opened(path) as image:
        return _read(image, path)


def read_reduced(path: Path, least: tuple[int, int]) -> Pixels:
    """The same; a JPEG at a half, a quarter or an eighth of its size, if that leaves so many pixels across and down.

    Raises:
        I2IError: as `read_pixels`.
    """
    with opened(path) as image:
        if image.format == "JPEG":
            image.draft(None, least if _orientation(image) < 5 else least[::-1])
        return _read(image, path)


def read_picture(path: Path) -> PictureFile:
    """The picture with its alpha and all that the file carries.

    Raises:
        I2IError: as `read_pixels`, or rasterio is not installed and the file is a GeoTIFF.
    """
    with opened(path) as image:
        header, turn = _header(image, path), _orientation(image)
        values = _with_alpha(image, header) if header.dtype == "uint8" else _deep(image, header, path)
        is_tiff = image.format == "TIFF"
        carried = tiff.read_carried(path, read_page(path)) if is_tiff else carried_by(image, turn)
    values = upright(values, turn)
    alpha = values[..., header.channels :] if values.shape[2] > header.channels else None
    empty = read_empty(path, carried.georeference)
    return PictureFile(values[..., : header.channels], alpha, carried, empty)


def _header(image: ImageFile.ImageFile, path: Path) -> Header:
    grey, dtype = image.mode in _GREY or is_grey_with_alpha(image), stored_type(image)
    if dtype != "uint8" and image.mode not in _GREY and not can_decode(image):
        form = f"{np.dtype(dtype).itemsize * 8}-bit colour in a form of {image.format}"
        raise I2IError(f"'{path}' stores {form} that cannot be read; save it as a 16-bit PNG")
    # of a TIFF file Pillow would look at other pages, masks among them
    if image.format in ("PNG", "WEBP") and (frames := getattr(image, "n_frames", 1)) > 1:
        raise I2IError(f"'{path}' is an animation of {frames:,} pictures; save the one that is wanted")
    width, height = image.size
    if _orientation(image) >= 5:
        width, height = height, width
    channels = 1 if grey else 3
    return Header(width, height, channels, dtype, declared_bits(image), image.format == "JPEG")


def _read(image: ImageFile.ImageFile, path: Path) -> Pixels:
    header, turn = _header(image, path), _orientation(image)
    if (native := decode_native(image, header)) is not None:
        return upright(native, turn)
    if header.dtype == "uint8":
        mode = "L" if header.channels == 1 else "RGB"
        return upright(with_channels(np.asarray(image if image.mode == mode else image.convert(mode))), turn)
    return upright(_deep(image, header, path)[..., : header.channels], turn)


def _orientation(image: ImageFile.ImageFile) -> int:
    # Pillow turns a TIFF upright itself; asking a PNG for EXIF that is not in its head would decode the whole file
    if image.format == "TIFF" or (image.format == "PNG" and "exif" not in image.info):
        return 1
    stored = image.getexif().get(ORIENTATION, 1)
    return stored if stored in range(1, 9) else 1


def _with_alpha(image: ImageFile.ImageFile, header: Header) -> Pixels:
    mode = "L" if header.channels == 1 else "RGB"
    if image.has_transparency_data:
        mode = "LA" if header.channels == 1 else "RGBA"
    return with_channels(np.asarray(image if image.mode == mode else image.convert(mode)))


def _deep(image: ImageFile.ImageFile, header: Header, path: Path) -> Pixels:
    """More than 8 bits, (H, W, C) with alpha if there is any."""
    key = image.info.get("transparency") if image.format == "PNG" else None
    if image.mode in _GREY:
        white_is_zero = image.format == "TIFF" and read_page(path).photometric == 0
        stored = with_channels(np.asarray(image))
        values = stored.view(np.uint32) if header.dtype == "uint32" else stored.astype(header.dtype)
        values = np.uint16(65_535) - values if white_is_zero and header.dtype == "uint16" else values
    else:
        values = decode_deep(path, raw_mode(image))
    if key is None:
        return values
    seen = (values != np.asarray(key, values.dtype)).any(axis=2, keepdims=True)
    return np.concatenate([values, seen * np.array(65_535, values.dtype)], axis=2)
