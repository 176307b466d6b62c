"""Looks at every sample of a data set: can it be loaded, is it what the data promises, and does it show anything."""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import torch
from torch import Tensor

from i2i.core.data import DataFacts, Source
from i2i.core.errors import I2IError
from i2i.core.words import by_shape

MOST_THREADS = 16
AHEAD = 64
"""Samples that are under way at one time."""


@dataclass(frozen=True)
class Seen:
    """What a look at a sample showed.

    Attributes:
        name: its files.
        refusal: why it cannot be used; empty if it can.
        contents: of each picture that is not flat, a digest of its values.
        flat: the pictures that have one colour everywhere.
        forms: of each picture, its type (numpy's name) and its channels.
        extremes: of each picture, its lowest and its highest value.
    """

    name: str
    refusal: str = ""
    contents: Mapping[str, bytes] = field(default_factory=dict)
    flat: tuple[str, ...] = ()
    forms: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    extremes: Mapping[str, tuple[float, float]] = field(default_factory=dict)


def look_at(source: Source, indices: Sequence[int], done: Callable[[], None]) -> list[Seen]:
    """Load samples of a source in several threads; `done` is called after each.

    The random numbers of all samples are the same: pictures of equal content stay equal.
    """
    threads = min(MOST_THREADS, os.cpu_count() or 1)
    # threads would restore each other's filters of warnings
    with warnings.catch_warnings(action="ignore"), ThreadPoolExecutor(threads) as pool:
        return list(_each(source, indices, pool, done))


def _each(
    source: Source, indices: Sequence[int], pool: ThreadPoolExecutor, done: Callable[[], None]
) -> Iterator[Seen]:
    for start in range(0, len(indices), AHEAD):
        for seen in pool.map(lambda index: _look(source, index), indices[start : start + AHEAD]):
            done()
            yield seen


def _look(source: Source, index: int) -> Seen:
    name = source.name(index)
    try:
        sample = source.load(index, torch.Generator().manual_seed(0))
    except I2IError as error:
        return Seen(name, str(error))
    except OSError as error:
        return Seen(name, f"cannot be read: {error}; replace or remove it")
    if wrong := next(_broken_promises(sample, source.facts), ""):
        return Seen(name, wrong)
    pictures = {key: tensor for key, tensor in sample.items() if key in source.facts.value_range}
    flat = tuple(key for key, tensor in pictures.items() if _is_flat(tensor))
    return Seen(
        name,
        contents={key: _digest(tensor) for key, tensor in pictures.items() if key not in flat},
        flat=flat,
        forms={key: _form(tensor) for key, tensor in pictures.items()},
        extremes={key: _extremes(tensor) for key, tensor in pictures.items()},
    )


def _broken_promises(sample: Mapping[str, Tensor], facts: DataFacts) -> Iterator[str]:
    """Where a sample is not what the facts of the data say."""
    for name, channels in facts.channels.items():
        shape, promised = tuple(sample[name].shape), (channels, facts.height, facts.image_size)
        if shape != promised:
            yield f"{name} is {by_shape(shape)}, and the data says {by_shape(promised)}"
    for name, count in {**facts.labels, **facts.maps}.items():
        values = sample[name]
        if count and (int(values.min()) < 0 or int(values.max()) >= count):
            wrong = int(values.max()) if int(values.max()) >= count else int(values.min())
            yield f"{name} holds {wrong}, and the data says 0 to {count - 1}"


def _is_flat(picture: Tensor) -> bool:
    values = picture.numpy()  # torch compares no unsigned 16-bit numbers
    return bool((values == values[:, :1, :1]).all())


def _digest(picture: Tensor) -> bytes:
    head = f"{picture.dtype}{tuple(picture.shape)}".encode()
    return hashlib.blake2b(head + picture.numpy().tobytes(), digest_size=16).digest()


def _form(picture: Tensor) -> tuple[str, int]:
    return picture.numpy().dtype.name, picture.shape[0]


def _extremes(picture: Tensor) -> tuple[float, float]:
    values = picture.numpy()
    return float(values.min()), float(values.max())
