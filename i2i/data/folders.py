"""Finds the folders of a data set, and says what is near when they are not there."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from pathlib import Path

from i2i.core.errors import I2IError
from i2i.core.words import listed
from i2i.data.links import inside
from i2i.pictures.finding import natural_key

SHOWN = 8
"""So many folders are listed in a message."""


def check_root(root: Path) -> None:
    """Refuse a root that is no folder.

    Raises:
        I2IError: the message names the nearest folder that exists.
    """
    if root.is_dir():
        return
    if root.exists():
        raise I2IError(f"data.root: '{root}' is a file; give the folder that holds the pictures")
    above = next((parent for parent in root.parents if parent.is_dir()), Path())
    wanted = root.relative_to(above).parts[0]
    raise I2IError(f"data.root: there is no folder '{root}'; {nearby(above, [wanted])}")


def named(a: str, b: str) -> bool:
    """Whether the user named the folders or columns of the domains.

    Raises:
        I2IError: both have one name.
    """
    if a == b:
        raise I2IError(f"data.b: a and b are both '{a}'; give each domain its own folder or column")
    return (a, b) != ("a", "b")


def two_folders(root: Path, split: str, a: str, b: str) -> tuple[Path, Path] | None:
    """The folders of two domains, if `root` holds them in one of the known layouts.

    Raises:
        I2IError: a folder is there and its partner is not, or it is a link that leaves `root`.
    """
    candidates = _candidates(root, split, a, b)
    for one, other in candidates:
        if one.is_dir() and other.is_dir():
            return inside(root, one), inside(root, other)
    for one, other in candidates:
        if one.is_dir() or other.is_dir():
            raise _no_partner(*((one, other) if one.is_dir() else (other, one)))
    return None


def nothing_found(root: Path, split: str, a: str, b: str, also: Sequence[str] = ()) -> I2IError:
    """The error for a root that holds no known layout of this split; `also` says what else was looked for."""
    tried = [
        f"{one.relative_to(root).as_posix()} with {other.relative_to(root).as_posix()}"
        for one, other in _candidates(root, split, a, b)
    ]
    if (root / split).is_dir():
        near = nearby(root / split, [a, b])
    else:
        near = nearby(root, [split, f"{split}A", f"{split}B", a, b])
    looked = ", ".join([*tried, *also])
    return I2IError(f"data.root: '{root}' has no split '{split}'; looked for {looked}; {near}")


def nearby(folder: Path, wanted: Sequence[str], taken: Iterable[str] = ()) -> str:
    """What a folder holds, with the nearest of the wanted names in front."""
    held = folders_in(folder)
    names = sorted(held.keys() - set(taken), key=natural_key)
    if not names:
        return f"'{folder}' holds no {'other ' if held else ''}folders"
    close = [match for name in wanted for match in difflib.get_close_matches(name, names, n=1, cutoff=0.5)]
    near = f"the nearest is '{folder / close[0]}'; " if close else ""
    return f"{near}'{folder}' holds {listed(names, SHOWN)}"


def folders_in(folder: Path) -> dict[str, Path]:
    """The folders that a folder holds, by name; hidden ones are left out."""
    entries = (entry for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    return {entry.name: entry for entry in entries}


def _candidates(root: Path, split: str, a: str, b: str) -> list[tuple[Path, Path]]:
    by_letter = [] if named(a, b) else [(root / f"{split}A", root / f"{split}B")]
    return [(root / split / a, root / split / b), *by_letter, (root / a / split, root / b / split)]


def _no_partner(have: Path, lack: Path) -> I2IError:
    known = lack.parent.is_dir()
    near = nearby(lack.parent, [lack.name], [have.name]) if known else f"there is no folder '{lack.parent}'"
    return I2IError(f"data.root: '{have}' has no partner '{lack}'; {near}")
