"""JPEG files that are decoded at a half, a quarter or an eighth of their size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from i2i.core.errors import I2IError
from i2i.core.words import counted
from i2i.data.cache import Shelf
from i2i.data.preprocess import Preprocess
from i2i.data.survey import sampled
from i2i.pictures.images import Header, read_header

Least = tuple[int, int] | None
"""Width and height that decoding may not go below; None for whole pictures."""


def told_reduced(options: Mapping[str, Any]) -> None:
    """Refuse what cannot stand beside it.

    Raises:
        ValueError: a centre crop, which is cut from pictures as they are stored.
    """
    if options.get("reduced_jpeg") and options.get("centre_crop") is not None:
        raise ValueError("reduced_jpeg: centre_crop is cut from whole pictures; leave one of the two out")


def least_size(reduced: bool, preprocess: Preprocess, headers: Iterable[Header]) -> Least:
    """What decoding may not go below; `headers` are those of the pictures.

    Raises:
        I2IError: none of them would be decoded sooner, or all have to be whole.
    """
    if not reduced:
        return None
    if preprocess.centre_crop is not None:
        raise I2IError("data.reduced_jpeg: centre_crop is cut from whole pictures; leave one of the two out")
    width, height = preprocess.loaded
    if not any(is_reducible(header, (width, height)) for header in headers):
        raise I2IError(
            f"data.reduced_jpeg: no picture is a JPEG of {2 * width}×{2 * height} pixels or more, twice load_size, so "
            "it would change nothing; leave it out"
        )
    return width, height


def is_reducible(header: Header, least: tuple[int, int]) -> bool:
    """Whether a picture is decoded at a smaller scale."""
    return header.jpeg and header.width >= 2 * least[0] and header.height >= 2 * least[1]


def helped(shelves: Iterable[Shelf]) -> Iterator[str]:
    """How many pictures are decoded at a smaller scale, where that is asked for; of large sets, of an even sample."""
    for shelf in shelves:
        if shelf.least is None:
            continue
        seen = sampled(len(shelf.files))
        count = sum(is_reducible(read_header(shelf.files[i]), shelf.least) for i in seen)
        yield f"reduced_jpeg: {count:,} of {counted(len(seen), 'picture')} are decoded at a smaller scale"
