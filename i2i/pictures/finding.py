"""Finding the picture files of a folder."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from i2i.core.errors import I2IError
from i2i.core.paths import link_leads_out
from i2i.core.words import and_more
from i2i.pictures.kinds import KINDS

EXTENSIONS = frozenset(suffix for kind in KINDS for suffix in kind.suffixes)
"""The endings of picture files."""


def find_images(folder: Path, also: Callable[[str], bool] | None = None) -> list[Path]:
    """The image files below a folder, in natural order (2 before 10).

    Hidden files and folders are left out.

    Args:
        folder: where to look.
        also: tells by its name whether a file counts that is no picture: a video.

    Raises:
        I2IError: there are none, or one is a link that leaves `folder`, or a folder in it is a link.
    """
    home, found = folder.resolve(), list(_images_below(folder, also))
    if strange := [path for path in found if link_leads_out(path, home)]:
        raise I2IError(
            f"'{strange[0]}'{and_more(len(strange) - 1)} is a link to a place outside '{folder}', which is not "
            "followed; copy the file in, or remove the link"
        )
    if not found:
        raise I2IError(_why_empty(folder))
    return sorted(found, key=lambda path: natural_key(path.relative_to(folder).as_posix()))


def is_image(name: str) -> bool:
    """Whether a file's name ends like a picture's and is not hidden."""
    return Path(name).suffix.lower() in EXTENSIONS and not name.startswith(".")


def natural_key(name: str) -> tuple[list[str | int], str]:
    """A sorting key that reads numbers as numbers."""
    pieces = re.split(r"([0-9]+)", name.casefold())
    return [int(piece) if i % 2 else piece for i, piece in enumerate(pieces)], name


def _images_below(folder: Path, also: Callable[[str], bool] | None) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        if linked := [path for name in folders if (path := Path(place, name)).is_symlink()]:
            raise I2IError(
                f"'{linked[0]}' is a link to a folder, which is not followed; move the folder here, or remove the link"
            )
        yield from (Path(place, name) for name in names if is_image(name) or (also and also(name)))


def _why_empty(folder: Path) -> str:
    known = ", ".join(sorted(extension[1:] for extension in EXTENSIONS))
    endings = sorted({path.suffix or "nothing" for path in folder.rglob("*") if path.is_file()})[:5]
    what = f"its files end in {', '.join(endings)}" if endings else "it is empty"
    return f"'{folder}' holds no pictures: {what}; pictures end in {known}"
