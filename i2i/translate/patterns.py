"""Inputs that are named otherwise than by their paths: patterns such as `photos/**/*.png`, and lists."""

from __future__ import annotations

import codecs
import glob
import os
from pathlib import Path

from i2i.core.errors import I2IError, nearest
from i2i.core.paths import leads_out
from i2i.core.words import some
from i2i.pictures.finding import is_image, natural_key
from i2i.pictures.video import is_video


def is_input(name: str) -> bool:
    """Whether a file's name ends like a picture's or a video's."""
    return is_image(name) or is_video(name)


def listed_paths(data: bytes) -> list[Path]:
    """The paths of a list: one a line, or separated by the byte 0 as `find -print0` does.

    Empty lines, and lines that start with #, are left out.

    Raises:
        I2IError: there are none.
    """
    if b"\0" in data:
        names = data.split(b"\0")
    else:
        lines = data.removeprefix(codecs.BOM_UTF8).splitlines()
        names = [line for line in lines if line.strip() and not line.startswith(b"#")]
    paths = [Path(os.fsdecode(name)) for name in names if name]
    if not paths:
        raise I2IError("-: the list on the standard input names no file; give one path on each line")
    return paths


def is_pattern(path: Path) -> bool:
    """Whether a path that is none as it stands can stand for several."""
    return glob.has_magic(str(path))


def matching(pattern: Path) -> list[tuple[Path, Path]]:
    """The pictures and videos that a pattern stands for, each with its place below the part without wildcards.

    Hidden files and folders match only where the pattern has the dot.

    Raises:
        I2IError: there are none, or one is behind a link that leads out of that part.
    """
    parts = pattern.parts
    fixed = next(n for n, part in enumerate(parts) if glob.has_magic(part))
    home, wild = Path(*parts[:fixed]), Path(*parts[fixed:])
    names = glob.glob(str(wild), root_dir=home, recursive=True)  # noqa: PTH207 - leaves hidden files out
    names.sort(key=natural_key)
    files = [Path(name) for name in names if (home / name).is_file()]
    pictures = [place for place in files if is_input(place.name)]
    if not pictures:
        raise I2IError(_why_nothing(pattern, home, parts[fixed], files))
    top = home.resolve()
    for place in pictures:
        if leads_out(home / place, top):
            raise I2IError(
                f"'{home / place}' is a link to a place outside '{home}', which is not followed; copy the file in"
            )
    once = {
        (home / place).resolve(): place for place in reversed(pictures)
    }  # links can lead round in a circle
    return [(home / place, place) for place in reversed(once.values())]


def names_in(folder: Path) -> list[str]:
    """What a folder holds that can be an input, as it would be named."""
    there = (path for path in folder.iterdir() if not path.name.startswith("."))
    return [path.name for path in there if path.is_dir() or is_input(path.name)]


def _why_nothing(pattern: Path, home: Path, wild: str, files: list[Path]) -> str:
    if not home.is_dir():
        return f"{pattern}: there is no folder '{home}'"
    if files:
        found = some([file.as_posix() for file in files], "file")
        return f"{pattern}: this matches {found}, and none is a picture or a video by its ending"
    return f"{pattern}: nothing matches this pattern\n    {nearest(wild, names_in(home))}"
