"""Tables that list pictures: their rows, the paths in them, and whether rows and pictures match."""

from __future__ import annotations

import csv
import os
import posixpath
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from i2i.core.errors import I2IError
from i2i.core.paths import leads_out, link_leads_out
from i2i.core.words import short, some
from i2i.data.links import is_below, is_file, is_folder
from i2i.pictures.finding import is_image, natural_key

IMAGE = "image"
"""The column that holds the pictures' paths where a table holds one picture in a row."""
ENCODING = "utf-8-sig"
"""UTF-8, with or without the mark that some programs put in front."""
LONGEST = 2**20
"""Characters of a line: what has more is no table."""


def rows_of(table: Path) -> Iterator[tuple[int, list[str]]]:
    """Line and cells of every row of a CSV, its header first; empty lines are left out.

    Raises:
        I2IError: it cannot be read, is not in UTF-8, or a row cannot be told from the next.
    """
    rows = csv.reader(_lines_of(table, newline=""))
    try:
        for row in rows:
            cells = [cell.strip() for cell in row]
            if cells and cells != [""]:
                yield rows.line_num, cells
    except csv.Error as error:
        raise I2IError(
            f"data.root: '{table}', line {rows.line_num}: {error}; write one row a line"
        ) from error


def words_of(source: Path) -> Iterator[tuple[int, list[str]]]:
    """Line and words of every line of a list; empty lines are left out.

    Raises:
        I2IError: it cannot be read, or is not in UTF-8.
    """
    for line, text in enumerate(_lines_of(source), start=1):
        if words := text.split():
            yield line, words


def _lines_of(source: Path, newline: str | None = None) -> Iterator[str]:
    """The lines of a text, of which none may fill the memory."""
    try:
        with source.open(encoding=ENCODING, newline=newline) as file:
            number = 0
            while text := file.readline(LONGEST + 1):
                number += 1
                if len(text) > LONGEST:
                    raise I2IError(
                        f"data.root: '{source}', line {number} is longer than {LONGEST:,} characters; write one row a "
                        "line"
                    )
                yield text
    except UnicodeDecodeError as error:
        raise I2IError(f"data.root: '{source}' is not in UTF-8; save it again in that encoding") from error
    except OSError as error:
        raise I2IError(f"data.root: '{source}' cannot be read: {error.strerror}") from error


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
            known[place] = is_below(place) and not leads_out(folder / place, home)
        if not known[place] or not is_below(path) or link_leads_out(folder / path, home):
            raise I2IError(
                f"data.root: '{table}', line {line}: '{short(cell)}' is outside {where}; "
                "move the pictures below it and write relative paths"
            )
        paths.append(path.replace(os.sep, "/"))
    return tuple(paths)


def check_pictures(source: Path, folder: Path, files: Sequence[str], lines: Sequence[int]) -> None:
    """Hold the files that a table or list names, relative to a folder, against the pictures on disk: one for one.

    Raises:
        I2IError: a picture is listed twice, is not there, or lies beside the listed ones and has no row.
    """
    rows = _by_file(source, files, lines)
    there = set(_pictures_beside(folder, files))
    missing = [file for file in files if file not in there and not is_file(folder / file)]
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        raise I2IError(
            f"data.root: '{source}', {_lines([rows[file] for file in missing])}: {some(missing, 'picture')} {verb} "
            f"not in '{folder}'; put the files there or remove their rows{_alike(missing[0], there)}"
        )
    alone = there - rows.keys()
    if alone and (alone := alone - set(_listed_elsewhere(source))):
        verb = "has" if len(alone) == 1 else "have"
        raise I2IError(
            f"data.root: {some(sorted(alone, key=natural_key), 'picture')} in '{folder}' {verb} no row in "
            f"'{source.name}'; add the rows or move the files elsewhere"
        )


def _alike(file: str, there: Iterable[str]) -> str:
    """A picture that a row may mean, which writes its name otherwise: in capitals, or with an ending."""
    wanted = {file.casefold(), file.casefold().replace("\\", "/")}
    found = [
        name
        for name in there
        if not wanted.isdisjoint({name.casefold(), posixpath.splitext(name.casefold())[0]})
    ]
    return f" (there is '{short(min(found))}')" if found else ""


def _by_file(source: Path, files: Sequence[str], lines: Sequence[int]) -> dict[str, int]:
    """The line of each file."""
    rows: dict[str, int] = {}
    for file, line in zip(files, lines, strict=True):
        if file in rows:
            raise I2IError(
                f"data.root: '{source}', lines {rows[file]} and {line}: both list '{short(file)}'; remove one"
            )
        rows[file] = line
    return rows


def _pictures_beside(folder: Path, files: Sequence[str]) -> Iterator[str]:
    """Every picture in the folders that the files lie in, written as they are."""
    for place in dict.fromkeys(posixpath.dirname(file) for file in files):
        if is_folder(folder / place):
            with os.scandir(folder / place) as entries:
                names = [entry.name for entry in entries if is_image(entry.name) and entry.is_file()]
            yield from (posixpath.join(place, name) for name in names)


def _listed_elsewhere(source: Path) -> Iterator[str]:
    """The pictures that the other tables beside this one list: those of the other splits."""
    for other in source.parent.glob(f"*{source.suffix}"):
        if other != source and other.is_file():
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
