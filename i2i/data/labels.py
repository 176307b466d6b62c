"""Pictures with labels: which of the named domains each of them has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from i2i.core.errors import I2IError, nearest

Layout = Literal["table", "list", "folders"]


@dataclass(frozen=True)
class Labels:
    """Pictures, and which of the named domains each of them has.

    Attributes:
        source: the CSV, list or folder that says so.
        layout: which of these it is.
        folder: what the files are relative to.
        files: the pictures.
        names: of the domains.
        has: (files, names), 1 or 0.
    """

    source: Path
    layout: Layout
    folder: Path
    files: tuple[str, ...]
    names: tuple[str, ...]
    has: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.files)

    def path(self, row: int) -> Path:
        """The file of a row."""
        return self.folder / self.files[row]

    def rows(self, rows: Sequence[int]) -> Labels:
        """Some of the pictures, in this order."""
        return replace(self, files=tuple(self.files[row] for row in rows), has=self.has[list(rows)])

    def columns(self, names: Sequence[str]) -> Labels:
        """The same pictures, with their domains in this order."""
        places = [self.names.index(name) for name in names]
        return replace(self, names=tuple(names), has=self.has[:, places])


def chosen(
    source: Path,
    known: Sequence[str],
    wanted: Sequence[str] | None,
    option: str = "attributes",
    noun: str = "attribute",
) -> tuple[str, ...]:
    """The attributes that the user wants, in that order, or all; `option` and `noun` say what else they are.

    Raises:
        I2IError: one is unknown or wanted twice.
    """
    for name, times in Counter(wanted or ()).items():
        if times > 1:
            raise I2IError(f"data.{option}: '{name}' is there twice; name each {noun} once")
        if name not in known:
            raise I2IError(f"data.{option}: '{source}' has no {noun} '{name}'; {nearest(name, known)}")
    return tuple(known if wanted is None else wanted)
