"""Image files: reading their headers, decoding them without cutting any bits."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from i2i.pictures.header import Header as Header
from i2i.pictures.kinds import reader_of
from i2i.pictures.pixels import Pixels, to_tensor


def read_header(path: Path) -> Header:
    """Size, channels and type of a picture file, without decoding it.

    Raises:
        I2IError: it is missing, no picture, or in a form that cannot be read without loss.
    """
    return reader_of(path).header(path)


def decode(path: Path, least: tuple[int, int] | None = None) -> Pixels:
    """The picture of a file, (H, W, C), upright (EXIF), in the type that it is stored in.

    Palettes become RGB; alpha is dropped, as the published pipelines do. With `least`, a width and height, a JPEG is
    decoded at a half, a quarter or an eighth of its size if it keeps as many pixels each way.

    Raises:
        I2IError: as `read_header`, or the file is damaged.
    """
    reader = reader_of(path)
    return reader.pixels(path) if least is None or reader.reduced is None else reader.reduced(path, least)


def read_image(path: Path) -> Tensor:
    """The picture of a file as `decode` reads it, (C, H, W).

    Raises:
        I2IError: the file cannot be read.
    """
    return to_tensor(decode(path))
