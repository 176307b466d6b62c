"""Reads the headers of pictures in shards once, so that mixed ones are refused before training starts."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from i2i.core.errors import DataError, I2IError
from i2i.data.preprocess import Preprocess
from i2i.data.shard_files import at_once
from i2i.data.shard_set import ShardSet
from i2i.data.survey import sampled
from i2i.pictures.header import Header
from i2i.pictures.packed import header_of


def read_headers(shards: ShardSet, steps: Preprocess) -> dict[str, list[tuple[Path, Header]]]:
    """What the pictures of each field say about themselves: of a large set, evenly spaced ones.

    Raises:
        DataError: some cannot be read, do not suit each other, or are too small for the centre crop.
    """
    rows = list(sampled(len(shards)))
    with warnings.catch_warnings(action="ignore"):  # threads would restore each other's filters of warnings
        seen = at_once(lambda row: _look(shards, row, steps), rows)
    if faults := [each for each in seen if isinstance(each, str)]:
        raise DataError(faults)
    good = [(row, each) for row, each in zip(rows, seen, strict=True) if not isinstance(each, str)]
    return {field: [(shards.path(row, field), each[field]) for row, each in good] for field in shards.places}


@contextmanager
def under(option: str) -> Iterator[None]:
    """Errors that other data sets say of `data.root`, said of the option that named the shards."""
    try:
        yield
    except I2IError as error:
        text = str(error)
        raise I2IError(text.replace("data.root: ", f"data.{option}: ", 1)) from error


def _look(shards: ShardSet, row: int, steps: Preprocess) -> dict[str, Header] | str:
    """The headers of a sample, or why it cannot be used."""
    try:
        packed = shards.read(row)
        headers = {field: header_of(each) for field, each in packed.items()}
        for field, header in headers.items():
            steps.check(header, str(packed[field]))
    except I2IError as error:
        return str(error)
    if len({(header.width, header.height) for header in headers.values()}) > 1:
        found = ", ".join(f"{header.width}×{header.height}" for header in headers.values())
        what = f"the pictures of '{shards.name(row)}' differ in size ({found})"
        return f"data.{shards.option}: {what}; make them equal"
    return headers
