"""Rows of a table held against the pictures on disk: each must have the other, once."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from i2i.core.errors import I2IError
from i2i.data.images import is_image, natural_key
from i2i.data.tables import IMAGE, rows_of, some, words_of


def check_pictures(source: Path, folder: Path, files: Sequence[str], lines: Sequence[int]) -> None:
    """Hold the files that a table or list names, relative to a folder, against the folders that they lie in.

    Raises:
        I2IError: a picture is listed twice, is not there, or lies beside the listed ones and has no row.
    """
    rows = _by_file(source, files, lines)
    there = set(_pictures_beside(folder, files))
    missing = [file for file in files if file not in there and not (folder / file).is_file()]
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        raise I2IError(
            f"data.root: '{source}', {_lines([rows[file] for file in missing])}: {some(missing, 'picture')} {verb} "
            f"not in '{folder}'; put the files there or remove their rows"
        )
    alone = there - rows.keys()
    if alone and (alone := alone - set(_listed_elsewhere(source))):
        verb = "has" if len(alone) == 1 else "have"
        raise I2IError(
            f"data.root: {some(sorted(alone, key=natural_key), 'picture')} in '{folder}' {verb} no row in "
            f"'{source.name}'; add the rows or move the files elsewhere"
        )


def _by_file(source: Path, files: Sequence[str], lines: Sequence[int]) -> dict[str, int]:
    """The line of each file."""
    rows: dict[str, int] = {}
    for file, line in zip(files, lines, strict=True):
        if file in rows:
            raise I2IError(
                f"data.root: '{source}', lines {rows[file]} and {line}: both list '{file}'; remove one"
            )
        rows[file] = line
    return rows


def _pictures_beside(folder: Path, files: Sequence[str]) -> Iterator[str]:
    """Every picture in the folders that the files lie in, written as they are."""
    for place in dict.fromkeys(posixpath.dirname(file) for file in files):
        if (folder / place).is_dir():
            with os.scandir(folder / place) as entries:
                names = [entry.name for entry in entries if is_image(entry.name) and entry.is_file()]
            yield from (posixpath.join(place, name) for name in names)


def _listed_elsewhere(source: Path) -> Iterator[str]:
    """The pictures that the other tables beside this one list: those of the other splits."""
    for other in source.parent.glob(f"*{source.suffix}"):
        if other != source:
            with suppress(I2IError):  # what is wrong with it is said when it is used
                yield from _first_words(other) if source.suffix == ".txt" else _paths(other)


def _first_words(source: Path) -> Iterator[str]:
    return (words[0] for _, words in words_of(source))


def _paths(table: Path) -> Iterator[str]:
    rows = rows_of(table)
    _, header = next(rows, (1, []))
    if IMAGE in header:
        place = header.index(IMAGE)
        yield from (posixpath.normpath(row[place]) for _, row in rows if place < len(row))


def _lines(numbers: Sequence[int]) -> str:
    shown = ", ".join(str(number) for number in numbers[:3])
    return f"line{'' if len(numbers) == 1 else 's'} {shown}{', …' if len(numbers) > 3 else ''}"
