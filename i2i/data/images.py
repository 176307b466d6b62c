"""Image files: finding them, reading their headers, decoding them without cutting any bits."""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageFile, TiffImagePlugin, UnidentifiedImageError
from torch import Tensor

from i2i.core.errors import I2IError
from i2i.data.pixels import Pixels, to_tensor, upright, with_channels

EXTENSIONS = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".ppm", ".tif", ".tiff"})
_ORIENTATION, _BITS_PER_SAMPLE = 0x0112, 0x0102
_DAMAGE = (OSError, SyntaxError, ValueError, RuntimeError, struct.error, Image.DecompressionBombError)
_GREY = frozenset({"1", "L", "LA", "La", "I", "F", "I;16", "I;16B", "I;16L", "I;16N"})


@dataclass(frozen=True)
class Header:
    """What a file says about its picture, before decoding.

    Attributes:
        width: of the upright picture.
        height: of the upright picture.
        channels: 1 for grey, 3 for colour; alpha does not count.
        bits: 8, 16 or 32 (floats and long integers) for each channel.
    """

    width: int
    height: int
    channels: int
    bits: int


def find_images(folder: Path) -> list[Path]:
    """The image files below a folder, in natural order (2 before 10).

    Hidden files are left out. Links to folders are not followed, nor links to files outside `folder`.

    Raises:
        I2IError: there are none.
    """
    inside = folder.resolve()
    found, outside = [], 0
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for path in (Path(place, name) for name in names if is_image(name)):
            if path.is_symlink() and not path.resolve().is_relative_to(inside):
                outside += 1
            else:
                found.append(path)
    if not found:
        raise I2IError(_why_empty(folder, outside))
    return sorted(found, key=lambda path: natural_key(path.relative_to(folder).as_posix()))


def is_image(name: str) -> bool:
    """Whether a file's name ends like a picture's and is not hidden."""
    return Path(name).suffix.lower() in EXTENSIONS and not name.startswith(".")


def natural_key(name: str) -> tuple[list[str | int], str]:
    """A sorting key that reads numbers as numbers."""
    pieces = re.split(r"([0-9]+)", name.casefold())
    return [int(piece) if i % 2 else piece for i, piece in enumerate(pieces)], name


def read_header(path: Path) -> Header:
    """Size, channels and depth of an image file, without decoding it.

    Raises:
        I2IError: it is missing, not an image, or in a form that cannot be read without loss.
    """
    with _opened(path) as image:
        return _header(image, path)


def decode(path: Path) -> Pixels:
    """The picture of a file, (H, W, C), upright (EXIF), in the depth it is stored in.

    Palettes become RGB; alpha is dropped, as the published pipelines do; floats and 32-bit integers become
    float32.

    Raises:
        I2IError: as `read_header`, or the file is damaged.
    """
    with _opened(path) as image:
        header = _header(image, path)
        if header.bits == 16 and image.mode in ("RGB", "RGBA"):
            pixels = _decode_deep_png(path)
        else:
            pixels = _decode_plain(image, header)
        # asked after loading, because Pillow turns a TIFF upright itself while it loads
        return upright(pixels, _orientation(image))


def read_image(path: Path) -> Tensor:
    """The picture of a file as `decode` reads it, (C, H, W).

    Raises:
        I2IError: the file cannot be read.
    """
    return to_tensor(decode(path))


@contextmanager
def _opened(path: Path) -> Iterator[ImageFile.ImageFile]:
    try:
        with Image.open(path) as image:
            yield image
    except FileNotFoundError:
        raise I2IError(f"there is no file '{path}'") from None
    except UnidentifiedImageError:
        raise I2IError(f"'{path}' cannot be read: it is not an image; replace or remove it") from None
    except _DAMAGE as error:
        why = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
        raise I2IError(f"'{path}' cannot be read: {why}; replace or remove it") from error


def _header(image: ImageFile.ImageFile, path: Path) -> Header:
    arguments = _arguments(image)
    # Pillow opens grey with alpha of 16 bits as RGBA of 8
    grey = image.mode in _GREY or "LA;16B" in arguments
    bits = _bits(image, arguments)
    if bits > 8 and not grey and image.format != "PNG":
        raise I2IError(f"'{path}' stores {bits}-bit colour, which can be read from PNG only; save it as PNG")
    width, height = image.size
    if image.format != "TIFF" and _orientation(image) >= 5:
        width, height = height, width
    return Header(width, height, 1 if grey else 3, bits)


def _arguments(image: ImageFile.ImageFile) -> tuple[str | int, ...]:
    """How the file stores its pixels; Pillow's mode hides that colour of 16 bits is cut to 8."""
    arguments = image.tile[0].args if image.tile else ()
    return arguments if isinstance(arguments, tuple) else (str(arguments),)


def _bits(image: ImageFile.ImageFile, arguments: tuple[str | int, ...]) -> int:
    if image.format == "PNG":
        return 16 if image.mode == "I" or ";16" in str(arguments[:1]) else 8
    if image.format == "PPM":
        return 16 if image.mode == "I" or (len(arguments) == 2 and int(arguments[1]) > 255) else 8
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        stored = max(image.tag_v2.get(_BITS_PER_SAMPLE, (8,)))
        return next((bits for bits in (8, 16) if stored <= bits), 32)
    return 8


def _orientation(image: ImageFile.ImageFile) -> int:
    # asking a PNG for EXIF that is not in its head would decode the whole file
    if image.format == "PNG" and "exif" not in image.info:
        return 1
    return int(image.getexif().get(_ORIENTATION, 1))


def _decode_plain(image: ImageFile.ImageFile, header: Header) -> Pixels:
    if header.bits == 8:
        mode = "L" if header.channels == 1 else "RGB"
        return with_channels(np.asarray(image if image.mode == mode else image.convert(mode)))
    return with_channels(np.asarray(image).astype(np.uint16 if header.bits == 16 else np.float32))


def _decode_deep_png(path: Path) -> Pixels:
    """More than one channel of 16 bits, which Pillow cuts to 8."""
    # torchvision takes a second to import, and few data sets need it
    from torchvision.io import ImageReadMode, decode_png

    data = torch.frombuffer(bytearray(path.read_bytes()), dtype=torch.uint8)
    pixels: Pixels = decode_png(data, ImageReadMode.UNCHANGED).permute(1, 2, 0).numpy()
    return pixels[..., : 1 if pixels.shape[2] < 3 else 3]


def _why_empty(folder: Path, outside: int) -> str:
    if outside:
        return f"'{folder}' holds only links to files outside it, which are not followed; copy the files in"
    known = ", ".join(sorted(extension[1:] for extension in EXTENSIONS))
    endings = sorted({path.suffix or "nothing" for path in folder.rglob("*") if path.is_file()})[:5]
    what = f"its files end in {', '.join(endings)}" if endings else "it is empty"
    return f"'{folder}' holds no pictures: {what}; pictures end in {known}"
