"""Reads the headers of a domain once, so that a mixed one is refused before training starts."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import TypeVar

import numpy as np

from i2i.core.data import DataFacts
from i2i.core.errors import DataError, I2IError
from i2i.core.words import and_more
from i2i.pictures.images import Header
from i2i.pictures.pixels import Pixels, to_channels

Place = TypeVar("Place")
Result = TypeVar("Result")

LIMIT = 2000
"""So many headers are read at most; of larger sets, evenly spaced ones."""
CHOOSE = "set channels = 1 or channels = 3"


@dataclass(frozen=True)
class Stored:
    """How all pictures of a domain are stored, and the channels they are handed out with."""

    channels: int
    bits: int
    convert: bool = False

    def value_range(self, given: tuple[float, float] | None) -> tuple[float, float]:
        """The stored values that stand for -1 and +1."""
        return given or (0.0, float(2**self.bits - 1))

    def accept(self, pixels: Pixels, path: Path) -> Pixels:
        """A decoded picture with the domain's channels.

        Raises:
            I2IError: it is stored differently from the rest, or holds what is no number.
        """
        bits, channels = pixels.dtype.itemsize * 8, pixels.shape[2]
        if bits != self.bits or (channels != self.channels and not self.convert):
            rest = f"{self.bits}-bit {_colour(self.channels)}"
            raise I2IError(
                f"'{path}' is {bits}-bit {_colour(channels)}, the other pictures are {rest}; convert the file"
            )
        if pixels.dtype.kind == "f" and not np.isfinite(pixels).all():
            raise I2IError(f"'{path}' holds values that are not finite; replace or remove it")
        return to_channels(pixels, self.channels)


def sampled(count: int) -> Sequence[int]:
    """All indices, or of a large set evenly spaced ones."""
    return range(count) if count <= LIMIT else [i * count // LIMIT for i in range(LIMIT)]


def every(places: Iterable[Place], read: Callable[[Place], Result]) -> list[Result]:
    """Something of each place, or all that is wrong at once.

    Raises:
        DataError: some of them cannot be read.
    """
    results, faults = [], []
    for place in places:
        try:
            results.append(read(place))
        except I2IError as error:
            faults.append(str(error))
    if faults:
        raise DataError(faults)
    return results


def survey(
    headers: Sequence[tuple[Path, Header]], channels: int | None, value_range: tuple[float, float] | None
) -> Stored:
    """How the pictures of a domain are stored; `channels` and `value_range` are the user's options.

    Raises:
        I2IError: depths or colours are mixed, the range is upside down or endless, or 32-bit numbers have none.
    """
    if value_range is not None and not isfinite(value_range[1] - value_range[0]):
        raise I2IError(f"data.value_range: both values must be finite numbers, got {list(value_range)}")
    if value_range is not None and not value_range[0] < value_range[1]:
        raise I2IError(f"data.value_range: the first value must be the lower one, got {list(value_range)}")
    bits = _agreed(headers, lambda h: f"{h.bits}-bit", "convert the files to one depth").bits
    if bits == 32 and value_range is None:
        raise I2IError(
            f"data.value_range: '{headers[0][0]}' stores 32-bit numbers; say which stand for -1 and +1, "
            "for example value_range = [0.0, 1.0]"
        )
    if channels is not None:
        return Stored(channels, bits, convert=True)
    return Stored(_agreed(headers, lambda h: _colour(h.channels), CHOOSE).channels, bits)


def check_held_out(train: DataFacts, held: DataFacts, split: str) -> None:
    """Refuse a held-out split that is stored differently from the training pictures.

    Raises:
        I2IError: the channels or the value range of a field differ.
    """
    for name, channels in train.channels.items():
        if channels != held.channels[name]:
            raise I2IError(
                f"data.root: '{name}' is {_colour(held.channels[name])} in split '{split}' and "
                f"{_colour(channels)} in the training split; {CHOOSE}"
            )
        if train.value_range[name] != held.value_range[name]:
            raise I2IError(
                f"data.root: '{name}' has another depth in split '{split}' than in the training split; "
                "convert the files to one depth"
            )


def _agreed(headers: Sequence[tuple[Path, Header]], say: Callable[[Header], str], remedy: str) -> Header:
    path, header = headers[0]
    others = [(other, h) for other, h in headers if say(h) != say(header)]
    if others:
        odd, other = others[0]
        folder = Path(os.path.commonpath((path.parent, odd.parent)))
        first, second = (each.relative_to(folder).as_posix() for each in (path, odd))
        more = and_more(len(others) - 1)
        raise I2IError(
            f"data.root: '{folder}' is mixed: '{first}' is {say(header)}, '{second}'{more} is {say(other)}; {remedy}"
        )
    return header


def _colour(channels: int) -> str:
    return "grey" if channels == 1 else "colour"
