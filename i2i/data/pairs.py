"""Finds the pairs of a paired data set: side-by-side files, two folders of equal names, or a CSV of paths."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from i2i.core.errors import I2IError, nearest
from i2i.core.words import some
from i2i.data.folders import check_root, named, nearby, nothing_found, two_folders
from i2i.data.links import check_names, inside, is_file
from i2i.data.tables import paths_below, rows_of
from i2i.pictures.finding import find_images, is_image

Layout = Literal["table", "folders", "halves"]


@dataclass(frozen=True)
class Pairs:
    """The files of both domains, place by place; the same file twice where it holds both halves."""

    a: tuple[Path, ...]
    b: tuple[Path, ...]
    layout: Layout


def find_pairs(root: Path, split: str, a: str, b: str) -> Pairs:
    """The pairs of a split.

    Raises:
        I2IError: there are none, or some lack their partner.
    """
    if root.suffix.lower() == ".csv" and root.is_file():
        return _read_table(root, a, b)
    check_root(root)
    check_names({"split": split})
    if (root / f"{split}.csv").is_file():
        return _read_table(inside(root, root / f"{split}.csv"), a, b)
    check_names({"a": a, "b": b})
    if folders := two_folders(root, split, a, b):
        return _match(*folders)
    files = _side_by_side(root, split, a, b)
    return Pairs(files, files, "halves")


def has_pairs(root: Path, split: str, a: str, b: str, layout: Layout) -> bool:
    """Whether `root` holds another split in the same layout."""
    if layout == "table":
        return (root / f"{split}.csv").is_file()
    if layout == "folders":
        return two_folders(root, split, a, b) is not None
    return (root / split).is_dir()


def _side_by_side(root: Path, split: str, a: str, b: str) -> tuple[Path, ...]:
    folder = root / split
    if not folder.is_dir() or named(a, b):
        also = [f"{split}.csv"] if named(a, b) else [f"{split}.csv", f"side-by-side files in {split}"]
        raise nothing_found(root, split, a, b, also)
    entries = [entry for entry in folder.iterdir() if not entry.name.startswith(".")]
    if any(entry.is_dir() for entry in entries) and not any(is_image(entry.name) for entry in entries):
        raise I2IError(
            f"data.root: '{folder}' holds neither side-by-side files nor folders 'a' and 'b'; "
            f'{nearby(folder, [a, b])}; name the two folders, for example a = "photos" and b = "maps"'
        )
    return tuple(find_images(inside(root, folder)))


def _match(folder_a: Path, folder_b: Path) -> Pairs:
    first, second = by_stem(folder_a), by_stem(folder_b)
    problems = [*alone(first, second, folder_a, folder_b), *alone(second, first, folder_b, folder_a)]
    if problems:
        raise I2IError(
            f"data.root: {'; '.join(problems)}; files are paired by their names without the ending "
            '(a CSV can pair other names; for pictures without partners there is name = "unpaired")'
        )
    return Pairs(tuple(first.values()), tuple(second[stem] for stem in first), "folders")


def by_stem(folder: Path) -> dict[str, Path]:
    """The pictures of a folder by their names without ending."""
    found: dict[str, Path] = {}
    for path in find_images(folder):
        stem = path.relative_to(folder).with_suffix("").as_posix()
        if stem in found:
            raise I2IError(
                f"data.root: '{folder}' holds both '{found[stem].name}' and '{path.name}', "
                "which name the same pair; remove one"
            )
        found[stem] = path
    return found


def alone(these: Mapping[str, Path], others: Mapping[str, Path], here: Path, there: Path) -> Iterator[str]:
    """A sentence about the pictures here that have no partner there."""
    missing = [stem for stem in these if stem not in others]
    if missing:
        verb = "has" if len(missing) == 1 else "have"
        yield f"{some([these[s].name for s in missing], 'file')} of '{here}' {verb} no partner in '{there}'"


def _read_table(table: Path, a: str, b: str) -> Pairs:
    rows = rows_of(table)
    _, columns = next(rows, (1, []))
    for column in (a, b):
        _check_column(table, column, columns)
    listed = list(rows)
    if not listed:
        raise I2IError(f"data.root: '{table}' has no rows below its header")
    first, second = (_files(table, column, columns.index(column), listed) for column in (a, b))
    _check_present(table, [*first, *second])
    return Pairs(first, second, "table")


def _files(table: Path, column: str, place: int, rows: Sequence[tuple[int, list[str]]]) -> tuple[Path, ...]:
    cells = ((line, row[place] if place < len(row) else "") for line, row in rows)
    return tuple(table.parent / path for path in paths_below(table.parent, table, column, cells))


def _check_column(table: Path, column: str, columns: Sequence[str]) -> None:
    if column not in columns:
        raise I2IError(f"data.root: '{table}' has no column '{column}'; {nearest(column, columns)}")


def _check_present(table: Path, paths: Sequence[Path]) -> None:
    missing = [
        path.relative_to(table.parent).as_posix() for path in dict.fromkeys(paths) if not is_file(path)
    ]
    if missing:
        verb = "does" if len(missing) == 1 else "do"
        listed = f"{some(missing, 'file')} listed in '{table}'"
        raise I2IError(f"data.root: {listed} {verb} not exist; paths are relative to the CSV")
