"""Picture files, read with all that they hold and written at once."""

from __future__ import annotations

from pathlib import Path

from i2i.core.errors import I2IError
from i2i.pictures.carried import Carried as Carried
from i2i.pictures.carried import PictureFile as PictureFile
from i2i.pictures.drafts import drafted
from i2i.pictures.kinds import KINDS, Kind, reader_of
from i2i.pictures.stored_types import TYPES


def read_picture(path: Path) -> PictureFile:
    """A picture with its alpha, and with all that its file carries.

    Raises:
        I2IError: the file is missing, no picture, damaged, of several pages, in a form that cannot be read without
            loss, or of a kind that needs an extra.
    """
    return reader_of(path).picture(path)


def write_picture(picture: PictureFile, path: Path) -> None:
    """Write a picture, and of what it carries all that its kind can hold, as the kind that the suffix names.

    The file is there whole or not at all; folders that are missing are made.

    Raises:
        I2IError: that kind cannot hold the channels, the type or the alpha, an extra is missing, or the disk refuses.
    """
    kind = kind_for(path, picture.pixels.shape[2], picture.pixels.dtype.name, picture.alpha is not None)
    with drafted(path) as draft:
        kind.write(picture, draft)


def kinds_for(channels: int, dtype: str, alpha: bool = False) -> list[str]:
    """The endings of the kinds that can hold a picture, the most usual first; `dtype` is numpy's name of its type."""
    return [suffix for kind in KINDS if kind.holds(channels, dtype, alpha) for suffix in kind.suffixes]


def kind_for(path: Path, channels: int, dtype: str, alpha: bool = False) -> Kind:
    """The kind that a path's suffix names, once it is known to hold such a picture.

    Raises:
        I2IError: it cannot, or there is no such kind.
    """
    suffix = path.suffix.lower()
    if dtype not in TYPES:
        raise I2IError(f"{path}: a picture of {dtype} cannot be written; use {_one_of(list(TYPES))}")
    able = kinds_for(channels, dtype, alpha)
    kind = next((kind for kind in KINDS if suffix in kind.suffixes), None)
    if kind is None:
        what = f"'{path.suffix}' is no picture's ending" if suffix else "the name has no ending"
        raise I2IError(f"{path}: {what}; end it in {_one_of(able)}")
    if suffix not in able:
        beside = " and alpha" if alpha else ""
        raise I2IError(
            f"{path}: {channels} {'channel' if channels == 1 else 'channels'} of {dtype}{beside} cannot be written to "
            f"{suffix}; end it in {_one_of(able)}"
        )
    return kind


def _one_of(suffixes: list[str]) -> str:
    return " or ".join([", ".join(suffixes[:-1]), suffixes[-1]]) if len(suffixes) > 1 else "".join(suffixes)
