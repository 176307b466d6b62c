"""What the values of a label map mean: the classes, their colours, and the value for don't-care."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from i2i.core.data import DataFacts
from i2i.core.errors import I2IError
from i2i.core.words import counted
from i2i.data.map_files import Colour, Numbers, read_map
from i2i.data.tables import words_of

CLASSES = "classes.txt"
"""The file that names the classes, beside the splits."""


@dataclass(frozen=True)
class Legend:
    """The classes of a label map: what is stored is the number of a class, from 0 on, or its colour.

    Attributes:
        classes: their names, by number.
        palette: their colours.
        ignore: the stored number that means don't-care; it becomes the one that follows the classes.

    Raises:
        ValueError: these cannot go together; the sentence starts with the option to change.
    """

    classes: tuple[str, ...]
    palette: tuple[Colour, ...] = ()
    ignore: int | None = None

    def __post_init__(self) -> None:
        if message := next(_wrong(self), ""):
            raise ValueError(message)

    @property
    def count(self) -> int:
        """How many values a map can have."""
        return len(self.classes) + (self.ignore is not None)

    @property
    def dtype(self) -> str:
        """The smallest whole-number type that holds every class."""
        sizes = ((256, "uint8"), (2**15, "int16"), (2**31, "int32"))
        return next(name for most, name in sizes if self.count <= most)

    def read(self, path: Path) -> Numbers:
        """The classes of a file's pixels, as `classes_of` gives them.

        Raises:
            I2IError: the file cannot be read, or holds what is none of the classes.
        """
        stored = read_map(path)
        classes = self.classes_of(stored.numbers, f"'{path}'")
        if stored.palette and self.palette:
            self._check_own(stored.palette, classes, path)
        return classes

    def classes_of(self, stored: Numbers, name: str) -> Numbers:
        """The class of every pixel, (H, W), in the smallest whole-number type.

        Args:
            stored: numbers, (H, W), or colours, (H, W, 3).
            name: the map, in messages.

        Raises:
            I2IError: a number or colour stands for no class.
        """
        found = self._of_colours(stored, name) if stored.ndim == 3 else self._of_numbers(stored, name)
        return found.astype(self.dtype)

    def _of_numbers(self, stored: Numbers, name: str) -> Numbers:
        last = len(self.classes)
        free = np.zeros(stored.shape, bool) if self.ignore is None else stored == self.ignore
        wrong = ~free & ((stored < 0) | (stored >= last))
        if wrong.any():
            row, column = np.argwhere(wrong)[0]
            also = "" if self.ignore is None else f", and {self.ignore} for don't-care"
            remedy = "name all classes" + (
                "" if also else ", or set ignore to the number that means don't-care"
            )
            raise I2IError(
                f"{name} holds the number {stored[row, column]} (column {column}, row {row}), but there are {last} "
                f"classes, 0 to {last - 1}{also}; {remedy}"
            )
        return np.where(free, last, stored)

    def _of_colours(self, stored: Numbers, name: str) -> Numbers:
        if not self.palette:
            raise I2IError(
                f"{name} is in colour, and no palette says which colour is which class; list the colours of the "
                "classes in data.palette, or save the numbers of the classes in grey"
            )
        codes, known = _codes(stored), _codes(np.array(self.palette))
        order = np.argsort(known)
        place = np.searchsorted(known[order], codes).clip(max=len(known) - 1)
        found: Numbers = order[place]
        wrong = known[found] != codes
        if wrong.any():
            row, column = np.argwhere(wrong)[0]
            raise self._unknown(stored[row, column], f"column {column}, row {row}", name)
        return found

    def _unknown(self, colour: Numbers, place: str, name: str) -> I2IError:
        distance = np.square(np.array(self.palette) - colour.astype(int)).sum(1)
        near = int(distance.argmin())
        return I2IError(
            f"{name} has the colour {colour.tolist()} ({place}), which is none of the palette's; the nearest is "
            f"{list(self.palette[near])}, '{self.classes[near]}'; save the map without smooth edges, or add the colour"
        )

    def _check_own(self, palette: tuple[Colour, ...], classes: Numbers, path: Path) -> None:
        """Refuse a file that holds numbers whose own colours say otherwise: they would be the wrong classes."""
        for number in np.unique(classes).tolist():
            if number < min(len(palette), len(self.palette)) and palette[number] != self.palette[number]:
                raise I2IError(
                    f"'{path}' stores numbers with colours of its own, of which the numbers count: its {number} is "
                    f"{list(palette[number])}, but in data.palette '{self.classes[number]}' is "
                    f"{list(self.palette[number])}; save it as RGB, or correct the palette"
                )


def legend_of(facts: DataFacts, field: str) -> Legend:
    """What the values of a field mean; classes without a name are called by their numbers."""
    count = facts.maps[field] - (facts.ignore is not None)
    return Legend(facts.classes or numbered(count), facts.palette, facts.ignore)


def numbered(count: int) -> tuple[str, ...]:
    """Names for so many classes that have none."""
    return tuple(map(str, range(count)))


def read_classes(source: Path) -> tuple[str, ...]:
    """The names of a list, one a line.

    Raises:
        I2IError: it is empty, has a gap, or is not in UTF-8.
    """
    names: list[str] = []
    for line, words in words_of(source):
        if line != len(names) + 1:
            raise I2IError(
                f"data.classes: '{source}', line {len(names) + 1} is empty; write the name of class {len(names)}"
            )
        names.append(" ".join(words))
    if not names:
        raise I2IError(f"data.classes: '{source}' is empty; write the names of the classes, one a line")
    return tuple(names)


def _wrong(legend: Legend) -> Iterator[str]:
    last = len(legend.classes) - 1
    if legend.ignore is not None and legend.ignore <= last:
        yield (
            f"ignore: {legend.ignore} is the number of class '{legend.classes[legend.ignore]}'; use {last + 1} or "
            "more, or leave ignore out: such a class is learned like the others"
        )
    if legend.palette and len(legend.palette) != len(legend.classes):
        yield (
            f"palette: it has {counted(len(legend.palette), 'colour')} for {len(legend.classes)} classes; give each "
            "class one"
        )
    for number, colour in enumerate(legend.palette):
        if (first := legend.palette.index(colour)) != number:
            one, other = legend.classes[first], legend.classes[number]
            yield f"palette: '{one}' and '{other}' are both {list(colour)}; give each class a colour of its own"


def _codes(colours: Numbers) -> Numbers:
    """One number for each colour of (…, 3)."""
    wide = colours.astype(np.int32)
    codes: Numbers = (wide[..., 0] << 16) | (wide[..., 1] << 8) | wide[..., 2]
    return codes
