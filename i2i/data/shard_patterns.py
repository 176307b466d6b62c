"""The addresses that a pattern of shards stands for."""

from __future__ import annotations

import re
from itertools import islice
from math import prod
from pathlib import Path
from urllib.parse import urlsplit

from i2i.core.errors import I2IError
from i2i.core.extras import needs

MOST_SHARDS = 1_000_000


def is_remote(address: str) -> bool:
    """Whether it is an address, and no path."""
    return "://" in address


def shown(address: str) -> str:
    """An address for messages: without what may be a key to it."""
    return urlsplit(address)._replace(query="", fragment="").geturl() if is_remote(address) else address


def expand(pattern: str, folder: Path, option: str) -> list[str]:
    """The addresses that a pattern stands for: `train-{000000..000127}.tar`; paths count from `folder`.

    Raises:
        I2IError: it cannot be expanded, or holds a password.
    """
    braces = needs("braceexpand", "shards", "to read tar shards")
    _check(pattern, option)
    try:
        names = list(islice(braces.braceexpand(pattern, escape=False), MOST_SHARDS))
    except ValueError:
        raise I2IError(f"data.{option}: '{shown(pattern)}' has a brace without its partner") from None
    return [name if is_remote(name) else (folder / name).as_posix() for name in names]


def _check(pattern: str, option: str) -> None:
    if is_remote(pattern) and urlsplit(pattern).password is not None:
        raise I2IError(
            f"data.{option}: the address holds a password, which would be kept in the run; give it to the file "
            "system by its own settings (fsspec's configuration, or variables of the environment)"
        )
    if "::" in pattern:
        raise I2IError(f"data.{option}: '{shown(pattern)}' is a chain of addresses; name one")
    if "*" in pattern or "?" in pattern.partition("://")[0]:
        raise I2IError(
            f"data.{option}: '{shown(pattern)}' does not say how many shards there are, so none could be missed; count "
            "them in braces: train-{000000..000127}.tar"
        )
    counts = [abs(int(last) - int(first)) + 1 for first, last in re.findall(r"\{(\d+)\.\.(\d+)", pattern)]
    if prod(counts) > MOST_SHARDS:
        raise I2IError(f"data.{option}: '{shown(pattern)}' are more than {MOST_SHARDS:,} shards")
