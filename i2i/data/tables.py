"""Tables that list pictures: rows with the lines they stand on, and paths that stay below a folder."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from i2i.core.errors import I2IError

IMAGE = "image"
"""The column that holds the pictures' paths where a table holds one picture in a row."""
ENCODING = "utf-8-sig"
"""UTF-8, with or without the mark that some programs put in front."""


def rows_of(table: Path) -> Iterator[tuple[int, list[str]]]:
    """Line and cells of every row of a CSV, its header first; empty lines are left out.

    Raises:
        I2IError: it is not in UTF-8, or a row cannot be told from the next.
    """
    with table.open(encoding=ENCODING, newline="") as file:
        rows = csv.reader(file)
        try:
            for row in rows:
                cells = [cell.strip() for cell in row]
                if cells and cells != [""]:
                    yield rows.line_num, cells
        except UnicodeDecodeError as error:
            raise _not_in_utf8(table) from error
        except csv.Error as error:
            raise I2IError(
                f"data.root: '{table}', line {rows.line_num}: {error}; write one row a line"
            ) from error


def words_of(source: Path) -> Iterator[tuple[int, list[str]]]:
    """Line and words of every line of a list; empty lines are left out.

    Raises:
        I2IError: it is not in UTF-8.
    """
    with source.open(encoding=ENCODING) as file:
        try:
            for line, text in enumerate(file, start=1):
                if words := text.split():
                    yield line, words
        except UnicodeDecodeError as error:
            raise _not_in_utf8(source) from error


def paths_below(
    folder: Path,
    table: Path,
    column: str,
    cells: Iterable[tuple[int, str]],
    where: str = "the folder of the CSV",
) -> tuple[str, ...]:
    """The paths that a column lists, relative to a folder and all written alike; `cells` are lines and paths.

    `where` names the folder in messages.

    Raises:
        I2IError: a cell is empty, or leads out of the folder.
    """
    home, known, paths = folder.resolve(), dict[str, bool](), []
    for line, cell in cells:
        if not cell:
            raise I2IError(
                f"data.root: '{table}', line {line}: column '{column}' is empty; give a picture's path"
            )
        path = os.path.normpath(cell)
        place = os.path.dirname(path)  # noqa: PTH120 - some tables list a million files
        if place not in known:  # the folders are looked up once, not for each of their files
            known[place] = (folder / place).resolve().is_relative_to(home)
        if not known[place] or _leaves(folder / path, home):
            raise I2IError(
                f"data.root: '{table}', line {line}: '{cell}' is outside {where}; "
                "move the pictures below it and write relative paths"
            )
        paths.append(path.replace(os.sep, "/"))
    return tuple(paths)


def some(names: Sequence[str], noun: str) -> str:
    """Up to three names, and how many there are."""
    shown = ", ".join(f"'{name}'" for name in names[:3])
    return f"{len(names)} {noun}{'' if len(names) == 1 else 's'} ({shown}{', …' if len(names) > 3 else ''})"


def _not_in_utf8(table: Path) -> I2IError:
    return I2IError(f"data.root: '{table}' is not in UTF-8; save it again in that encoding")


def _leaves(path: Path, home: Path) -> bool:
    return path.is_symlink() and not path.resolve().is_relative_to(home)
