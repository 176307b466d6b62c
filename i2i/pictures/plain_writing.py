"""Writing the pictures of 8 bits that Pillow writes: JPEG, PNG, WebP, BMP and PPM."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, PngImagePlugin

from i2i.pictures.carried import PictureFile
from i2i.pictures.deep_png import write_deep_png

QUALITY = 95
"""Of JPEG and WebP files: what a model made should not be lost in the file."""
_SEGMENT = 65_500
"""A segment of a JPEG file holds no more bytes of EXIF or XMP."""


def write_jpeg(picture: PictureFile, path: Path) -> None:
    """Colours are kept at full resolution: halving them would lose more than the quality does."""
    known = _known(picture) | {"xmp": picture.carried.xmp}
    fitting = {key: value for key, value in known.items() if key == "icc_profile" or len(value) < _SEGMENT}
    comment = picture.carried.text.get("Comment", "").encode("utf-8")[:_SEGMENT]
    _image(picture).save(
        path, "JPEG", quality=QUALITY, subsampling=0, comment=comment, **fitting, **_dots(picture)
    )


def write_webp(picture: PictureFile, path: Path) -> None:
    """What alpha hides is kept too."""
    known = _known(picture) | {"xmp": picture.carried.xmp}
    _image(picture).save(path, "WEBP", quality=QUALITY, exact=True, **known)


def write_png(picture: PictureFile, path: Path) -> None:
    """8 or 16 bits."""
    if picture.pixels.dtype == np.uint16:
        write_deep_png(picture, path)
        return
    text = PngImagePlugin.PngInfo()
    for key, value in picture.carried.text.items():
        text.add_itxt(key[:79], value)
    if picture.carried.xmp:
        text.add_itxt("XML:com.adobe.xmp", picture.carried.xmp.decode("utf-8", "replace"))
    _image(picture).save(path, "PNG", pnginfo=text, **_known(picture), **_dots(picture))


def write_bmp(picture: PictureFile, path: Path) -> None:
    """Grey or RGB: of alpha Pillow writes what it does not read again."""
    _image(picture).save(path, "BMP", **_dots(picture))


def write_ppm(picture: PictureFile, path: Path) -> None:
    """Grey of 8 or 16 bits, or RGB of 8."""
    _image(picture).save(path, "PPM")


def _image(picture: PictureFile) -> Image.Image:
    pixels = picture.pixels
    samples = pixels if picture.alpha is None else np.concatenate([pixels, picture.alpha], axis=2)
    return Image.fromarray(np.ascontiguousarray(samples[..., 0] if samples.shape[2] == 1 else samples))


def _known(picture: PictureFile) -> dict[str, Any]:
    carried = picture.carried
    return {
        "icc_profile": carried.profile_for(picture.pixels.shape[2]),
        "exif": carried.exif_for(picture.pixels),
    }


def _dots(picture: PictureFile) -> dict[str, Any]:
    return {} if picture.carried.dpi is None else {"dpi": picture.carried.dpi}
