"""Pictures, each of one class or of none: what a search for them finds, whatever the files are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from i2i.pictures.images import Header, decode, read_header
from i2i.pictures.pixels import Pixels

Layout = Literal["idx", "splits", "whole"]


class Pictures(Protocol):
    """Pictures by their places, wherever they are stored."""

    def __len__(self) -> int: ...

    def path(self, place: int) -> Path:
        """The file that holds a picture."""
        ...

    def name(self, place: int) -> str:
        """A picture, for captions and messages."""
        ...

    def header(self, place: int) -> Header:
        """Size, channels and depth of a picture."""
        ...

    def decode(self, place: int, least: tuple[int, int] | None = None) -> Pixels:
        """A picture, (H, W, C), as it is stored; a JPEG at reduced scale if so many pixels are left each way."""
        ...


@dataclass(frozen=True)
class FilePictures:
    """A file for each picture."""

    root: Path
    files: tuple[Path, ...]

    def __len__(self) -> int:
        return len(self.files)

    def path(self, place: int) -> Path:
        """The picture's file."""
        return self.files[place]

    def name(self, place: int) -> str:
        """The picture's file, relative to the root."""
        return self.files[place].relative_to(self.root).as_posix()

    def header(self, place: int) -> Header:
        """Size, channels and depth of a picture."""
        return read_header(self.files[place])

    def decode(self, place: int, least: tuple[int, int] | None = None) -> Pixels:
        """A picture, (H, W, C); a JPEG at reduced scale if so many pixels are left each way."""
        return decode(self.files[place], least)


@dataclass(frozen=True)
class ImageSet:
    """Pictures, and the class of each.

    Attributes:
        source: the folder or file that says which classes there are.
        layout: IDX files, folders of splits, or a folder without splits.
        pictures: all that were found.
        places: of the pictures that count, among them.
        names: of the classes; none where pictures have no class.
        labels: the class of each place, a number of `names`; 0 where there are none.
    """

    source: Path
    layout: Layout
    pictures: Pictures
    places: NDArray[np.intp]
    names: tuple[str, ...]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.places)

    def rows(self, rows: Sequence[int]) -> ImageSet:
        """Some of the pictures, in this order."""
        return replace(self, places=self.places[rows], labels=self.labels[rows])

    def counts(self) -> Mapping[str, int]:
        """How many pictures each class has."""
        counts = np.bincount(self.labels, minlength=len(self.names))
        return {name: int(count) for name, count in zip(self.names, counts, strict=False)}


def plain_set(source: Path, layout: Layout, pictures: Pictures) -> ImageSet:
    """Pictures without classes."""
    count = len(pictures)
    return ImageSet(source, layout, pictures, np.arange(count), (), np.zeros(count, dtype=np.int64))
