"""How pictures are stored: their channels, their type, and which of its values stand for -1 and +1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np

from i2i.core.errors import I2IError
from i2i.pictures.pixels import Pixels, to_channels

Range = tuple[float, float]
OWN_RANGE = ("uint8", "uint16")
"""The types of which everybody knows which values are black and white: the lowest and the highest."""
CONVERTIBLE = (1, 3)
"""Grey and RGB, which can be made of each other."""


@dataclass(frozen=True)
class Told:
    """What the user says about how the pictures of a domain are stored; None where the files say it.

    Attributes:
        channels: what pictures are handed out with.
        value_range: the stored values that stand for -1 and +1.
        bit_depth: bits that whole numbers use.

    Raises:
        ValueError: they contradict each other, or themselves.
    """

    channels: int | None = None
    value_range: Range | None = None
    bit_depth: int | None = None

    def __post_init__(self) -> None:
        if self.value_range is None:
            return
        if self.bit_depth is not None:
            values = f"[0, {2**self.bit_depth - 1}]"
            raise ValueError(
                f"bit_depth: it and value_range both say which values stand for -1 and +1; leave one of them out "
                f"({self.bit_depth} bits are value_range = {values})"
            )
        low, high = self.value_range
        if not isfinite(high - low):
            raise ValueError(f"value_range: both values must be finite numbers, got {[low, high]}")
        if not low < high:
            raise ValueError(f"value_range: the first value must be the lower one, got {[low, high]}")


def told(options: Mapping[str, Any], domains: Sequence[str] = ("",)) -> dict[str, Told]:
    """What the options of a data set say about each of its domains.

    `value_range` may be a table of domains; `bit_depth` is that of the others.

    Raises:
        ValueError: options that contradict each other, or a domain that there is not.
    """
    given, bits = options.get("value_range"), options.get("bit_depth")
    if not isinstance(given, Mapping):
        return dict.fromkeys(domains, Told(options.get("channels"), given, bits))
    if strange := [name for name in given if name not in domains]:
        raise ValueError(f"value_range: there is no domain '{strange[0]}'; name {' or '.join(domains)}")
    if bits is not None and set(given) == set(domains):
        raise ValueError(
            "bit_depth: value_range says of every domain which values stand for -1 and +1; leave it out"
        )
    return {
        domain: Told(options.get("channels"), given.get(domain), None if domain in given else bits)
        for domain in domains
    }


def heard(options: Mapping[str, Any], domains: Sequence[str] = ("",)) -> dict[str, Told]:
    """`told`, where a data set is opened.

    Raises:
        I2IError: as `told`.
    """
    try:
        return told(options, domains)
    except ValueError as error:
        raise I2IError(f"data.{error}") from error


@dataclass(frozen=True)
class Stored:
    """How all pictures of a domain are stored, and how they are handed out.

    Attributes:
        channels: that they are handed out with.
        dtype: numpy's name of the type that they are stored in, and handed out in.
        value_range: the stored values that stand for -1 and +1.
        convert: grey is made RGB, or RGB grey, where a file needs it.
        bits: that whole numbers may use; None for all of the type's.
    """

    channels: int
    dtype: str
    value_range: Range
    convert: bool = False
    bits: int | None = None

    def accept(self, pixels: Pixels, path: Path) -> Pixels:
        """A decoded picture with the domain's channels.

        Raises:
            I2IError: it is stored differently from the rest, holds what is no number, or more than its bits allow.
        """
        channels = pixels.shape[2]
        other = channels != self.channels and not (self.convert and can_convert(channels, self.channels))
        if other or pixels.dtype != self.dtype:
            rest = form(self.dtype, self.channels)
            raise I2IError(
                f"'{path}' is {form(pixels.dtype.name, channels)}, the other pictures are {rest}; convert the file"
            )
        check_finite(pixels, path)
        if self.bits is not None and (most := int(pixels.max())) > 2**self.bits - 1:
            raise I2IError(
                f"'{path}' holds {most:,}, and {self.bits} bits are {2**self.bits - 1:,} at most; set "
                f"bit_depth = {most.bit_length()}, or remove the file"
            )
        return to_channels(pixels, self.channels)


def check_finite(pixels: Pixels, path: Path) -> None:
    """Refuse a picture with values that are no numbers.

    Raises:
        I2IError: it has some.
    """
    if pixels.dtype.kind == "f" and not np.isfinite(pixels).all():
        raise I2IError(f"'{path}' holds values that are not finite; replace or remove it")


def full_range(dtype: str) -> Range:
    """The values of a type of whole numbers."""
    limits = np.iinfo(dtype)
    return float(limits.min), float(limits.max)


def can_convert(channels: int, wanted: int) -> bool:
    """Whether pictures of so many channels can be handed out with others."""
    return channels == wanted or (channels in CONVERTIBLE and wanted in CONVERTIBLE)


def form(dtype: str, channels: int, bits: int | None = None) -> str:
    """How a picture is stored, in words: "16-bit grey", "signed 16-bit of 4 channels"."""
    words = colour(channels)
    return f"{depth(dtype, bits)} {words}"


def depth(dtype: str, bits: int | None = None) -> str:
    """A type in words: "8-bit", "signed 16-bit", "32-bit float"; `bits` are those that whole numbers use."""
    kind = np.dtype(dtype)
    number = f"{bits or kind.itemsize * 8}-bit"
    return {"i": f"signed {number}", "f": f"{number} float"}.get(kind.kind, number)


def colour(channels: int) -> str:
    """Channels in words: "grey", "colour", "of 4 channels"."""
    return {1: "grey", 3: "colour"}.get(channels, f"of {channels} channels")
