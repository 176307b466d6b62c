"""Which pictures have which attributes, as a CSV or CelebA's list file says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from i2i.core.errors import I2IError
from i2i.core.words import counted, listed, short
from i2i.data.labels import Labels, chosen
from i2i.data.links import inside, is_file
from i2i.data.tables import IMAGE, check_pictures, paths_below, rows_of, words_of

VALUES: Mapping[str, int] = MappingProxyType({"1": 1, "0": 0, "-1": 0})
BESIDE = ("images", "img_align_celeba", ".")
"""Where the pictures of a list are looked for, from the folder that it lies in."""
DIGITS = 18
"""The longest number of pictures that a list may give."""
SHOWN = 8
"""So many columns are listed in a message."""


def read_table(table: Path, attributes: Sequence[str] | None) -> Labels:
    """A CSV with a column `image`, whose paths are relative to it, and a column of 1, -1 or 0 for each attribute.

    Raises:
        I2IError: it cannot be used, or its rows and the pictures beside them do not match.
    """
    rows = rows_of(table)
    line, header = next(rows, (1, []))
    _check_header(table, header)
    known = [column for column in header if column != IMAGE]
    _check_names(table, line, known)
    names = chosen(table, known, attributes)
    read = _read(table, header, names, rows, "a picture's path")
    files = paths_below(table.parent, table, IMAGE, zip(read.lines, read.cells, strict=True))
    check_pictures(table, table.parent, files, read.lines)
    return Labels(table, "table", table.parent, files, names, read.has)


def read_list(source: Path, attributes: Sequence[str] | None) -> Labels:
    """CelebA's form: a line with the count, one with the names, and then for each picture its file and ±1 ±1 ….

    The pictures lie in the folder `images` or `img_align_celeba` beside the list, or beside it themselves.

    Raises:
        I2IError: it cannot be used, or its rows and the pictures do not match.
    """
    rows = words_of(source)
    count = _count(source, *next(rows, (1, [])))
    line, known = next(rows, (2, []))
    _check_names(source, line, known)
    names = chosen(source, known, attributes)
    read = _read(source, [IMAGE, *known], names, rows, "a picture's path without blanks")
    if len(read.lines) != count:
        raise I2IError(
            f"data.root: '{source}', line 1: it counts {count:,} pictures, and {len(read.lines):,} rows follow; "
            "restore the missing rows or correct the number"
        )
    folder = _folder_of(source, read)
    files = paths_below(folder, source, IMAGE, zip(read.lines, read.cells, strict=True), f"'{folder}'")
    check_pictures(source, folder, files, read.lines)
    return Labels(source, "list", folder, files, names, read.has)


class _Rows(NamedTuple):
    lines: list[int]
    cells: list[str]
    has: NDArray[np.uint8]


def _read(
    source: Path,
    columns: Sequence[str],
    names: Sequence[str],
    rows: Iterable[tuple[int, list[str]]],
    path: str,
) -> _Rows:
    """The rows below a header; `path` says what stands for the picture in each."""
    image, places = columns.index(IMAGE), [columns.index(name) for name in names]
    lines, cells, values = [], [], bytearray()
    for line, row in rows:
        if len(row) != len(columns):
            raise I2IError(
                f"data.root: '{source}', line {line}: {counted(len(row) - 1, 'value')} for "
                f"{counted(len(columns) - 1, 'attribute')}; a row holds {path} and one value for each attribute"
            )
        try:
            values.extend([VALUES[row[place]] for place in places])
        except KeyError:
            raise _no_label(source, line, columns, row, places) from None
        lines.append(line)
        cells.append(row[image])
    if not lines:
        raise I2IError(f"data.root: '{source}' has no rows below its header")
    return _Rows(lines, cells, np.frombuffer(values, np.uint8).reshape(len(lines), len(names)))


def _no_label(
    source: Path, line: int, columns: Sequence[str], row: Sequence[str], places: Sequence[int]
) -> I2IError:
    wrong = next(place for place in places if row[place] not in VALUES)
    value = f"is '{short(row[wrong])}'" if row[wrong] else "is empty"
    others = "" if len(places) < len(columns) - 1 else " (attributes can name the columns that count)"
    return I2IError(
        f"data.root: '{source}', line {line}: attribute '{columns[wrong]}' {value}; "
        f"write 1 for yes, -1 or 0 for no{others}"
    )


def _check_header(table: Path, header: Sequence[str]) -> None:
    if IMAGE in header:
        return
    if not header:
        raise _empty(table)
    if len(header) == 1 and (mark := next((mark for mark in ";\t" if mark in header[0]), "")):
        shown = "tabs" if mark == "\t" else f"'{mark}'"
        raise I2IError(f"data.root: '{table}' separates its columns with {shown}; save it with commas")
    raise I2IError(
        f"data.root: '{table}' has no column '{IMAGE}'; call the one so that holds the pictures' paths, "
        f"of {listed(header, SHOWN)}"
    )


def _check_names(source: Path, line: int, names: Sequence[str]) -> None:
    at = f"data.root: '{source}', line {line}"
    if not names:
        raise I2IError(f"{at}: no attribute is named here; there must be at least one")
    if "" in names:
        raise I2IError(f"{at}: a column has no name; give it one or remove it")
    name, times = Counter(names).most_common(1)[0]
    if times > 1:
        raise I2IError(f"{at}: '{short(name)}' is there twice; rename or remove one")


def _count(source: Path, line: int, words: Sequence[str]) -> int:
    if len(words) == 1 and words[0].isdecimal() and len(words[0]) <= DIGITS:
        return int(words[0])
    if not words:
        raise _empty(source)
    raise I2IError(
        f"data.root: '{source}', line {line}: this should be the number of pictures, got '{' '.join(words)[:40]}'; "
        "a list begins with a line for their number and one for the names of the attributes"
    )


def _empty(source: Path) -> I2IError:
    return I2IError(
        f"data.root: '{source}' is empty; it should name attributes, then pictures with their values"
    )


def _folder_of(source: Path, read: _Rows) -> Path:
    for folder in (source.parent / name for name in BESIDE):
        if folder.is_dir() and any(is_file(folder / cell) for cell in read.cells):
            return inside(source.parent, folder)
    looked = ", ".join(f"'{source.parent / name}'" for name in BESIDE)
    raise I2IError(
        f"data.root: '{source}', line {read.lines[0]}: neither '{short(read.cells[0])}' nor any other picture of "
        f"the list is in {looked}; move them into one of these folders"
    )
