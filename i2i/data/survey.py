"""Reads the headers of a domain once, so that a mixed one is refused before training starts."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

from i2i.core.data import DataFacts
from i2i.core.errors import DataError, I2IError
from i2i.core.words import and_more
from i2i.data.stored import CONVERTIBLE, OWN_RANGE, Range, Stored, Told, can_convert, colour, depth
from i2i.pictures.images import Header

Place = TypeVar("Place")
Result = TypeVar("Result")

LIMIT = 2000
"""So many headers are read at most; of larger sets, evenly spaced ones."""


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


def survey(headers: Sequence[tuple[Path, Header]], told: Told) -> Stored:
    """How the pictures of a domain are stored; `told` is what the user says about it.

    Raises:
        I2IError: types or channels are mixed, or are not what the user says, or nobody says which values stand for -1
            and +1.
    """
    _agreed(headers, lambda h: depth(h.dtype), "convert the files to one depth")
    bits = _bits(headers, told)
    first = headers[0][1]
    value_range = told.value_range or _own_range(headers[0][0], first.dtype, bits)
    if told.channels is None:
        channels = _agreed(
            headers, lambda h: colour(h.channels), choose(h.channels for _, h in headers)
        ).channels
        return Stored(channels, first.dtype, value_range, bits=bits)
    _check_channels(headers, told.channels)
    return Stored(told.channels, first.dtype, value_range, convert=True, bits=bits)


def check_held_out(train: DataFacts, held: DataFacts, split: str) -> None:
    """Refuse a held-out split that is stored differently from the training pictures.

    Raises:
        I2IError: the channels, the type or the value range of a field differ.
    """
    for name, channels in train.channels.items():
        if channels != held.channels[name]:
            raise I2IError(
                f"data.root: '{name}' is {colour(held.channels[name])} in split '{split}' and "
                f"{colour(channels)} in the training split; {choose([channels, held.channels[name]])}"
            )
        if (train.stored[name], train.value_range[name]) != (held.stored[name], held.value_range[name]):
            raise I2IError(
                f"data.root: '{name}' has another depth in split '{split}' than in the training split; "
                "convert the files to one depth"
            )


def choose(channels: Iterable[int]) -> str:
    """What to do about pictures that have not the same channels."""
    if set(channels) <= set(CONVERTIBLE):
        return "set channels = 1 or channels = 3"
    return "keep files of one kind (only grey and RGB are made of each other)"


def _bits(headers: Sequence[tuple[Path, Header]], told: Told) -> int | None:
    """The bits that whole numbers may use, where the user says it, or the files do."""
    path, header = headers[0]
    if told.value_range is not None:
        return None
    if told.bit_depth is None:
        say = "set bit_depth or value_range"
        return _agreed(headers, lambda h: depth(h.dtype, h.declared_bits), say).declared_bits
    if np.dtype(header.dtype).kind != "u":
        raise I2IError(
            f"data.bit_depth: '{path}' stores {header.dtype} numbers, of which bits do not tell the range; set "
            "value_range instead"
        )
    if told.bit_depth > header.bits:
        raise I2IError(
            f"data.bit_depth: {told.bit_depth} is more than '{path}' has, which is {depth(header.dtype)}; use "
            f"{header.bits} or less, or leave it out"
        )
    return told.bit_depth


def _own_range(path: Path, dtype: str, bits: int | None) -> Range:
    """The range of a type, or of so many of its bits."""
    if bits is None and dtype not in OWN_RANGE:
        raise I2IError(
            f"data.value_range: '{path}' stores {dtype} numbers; say which stand for -1 and +1, for example "
            "value_range = [0.0, 1.0] (i2i check reports the values that there are)"
        )
    return (0.0, float(2 ** (bits or np.dtype(dtype).itemsize * 8) - 1))


def _check_channels(headers: Sequence[tuple[Path, Header]], wanted: int) -> None:
    """Refuse pictures that cannot be handed out with so many channels."""
    odd = [(path, header.channels) for path, header in headers if not can_convert(header.channels, wanted)]
    if odd:
        path, channels = odd[0]
        remedy = f"set channels = {channels}" if len({count for _, count in odd}) == 1 else "leave it out"
        raise I2IError(
            f"data.channels: '{path}'{and_more(len(odd) - 1)} is {colour(channels)}, of which no {wanted} are made "
            f"(only grey and RGB are made of each other); {remedy}"
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
