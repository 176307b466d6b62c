"""One set of pictures with labels, alone or joined with others: found, read, and its held-out part."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from i2i.core.data import DataFacts
from i2i.core.errors import I2IError, nearest
from i2i.core.words import some
from i2i.data.cache import Cache, Shelf, shelf_of
from i2i.data.domain_options import DomainSet
from i2i.data.hold_out import set_aside
from i2i.data.label_layouts import find_labels, other_split
from i2i.data.labels import Labels
from i2i.data.preprocess import Preprocess
from i2i.data.reduced import Least, least_size
from i2i.data.stored import Stored, Told
from i2i.data.survey import check_held_out, every, sampled, survey
from i2i.pictures.images import Header, decode, read_header
from i2i.pictures.pixels import Pixels


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How the pictures of all sets are read: resized with the bilinear filter, as the published StarGAN does."""

    size: int
    load_size: int
    flip: bool
    told: Told
    reduced: bool = False

    def __post_init__(self) -> None:
        self.steps(None)  # refuses sizes that do not fit

    @property
    def filter(self) -> str:
        """How pictures are resized."""
        return self.steps(None).filter

    def steps(self, centre_crop: int | None) -> Preprocess:
        """From a stored picture to what the network sees."""
        return Preprocess(
            size=self.size,
            load_size=self.load_size,
            flip=self.flip,
            centre_crop=centre_crop,
            filter="bilinear",
        )

    def still(self) -> Reading:
        """Neither cropped nor flipped."""
        return replace(self, load_size=self.size, flip=False, reduced=False)


@dataclass(frozen=True)
class LabelledSet:
    """A set that was found: its pictures and labels.

    Attributes:
        options: where it lies, and which attributes count.
        reading: how its pictures are read.
        split: which part of it this is.
        labels: of its pictures.
        aside: of the pictures that were taken out of it for looking, if any.
        stored: how its pictures are stored.
        least: width and height that decoding may not go below; None for whole pictures.
    """

    options: DomainSet
    reading: Reading
    split: str
    labels: Labels
    aside: Labels | None
    stored: Stored
    least: Least = None

    def __len__(self) -> int:
        return len(self.labels)

    def load(self, row: int, rng: torch.Generator, cache: Cache, name: str) -> Tensor:
        """The picture of a row, cropped and flipped; kept on the shelf of this name."""
        loaded = cache.take(name, row, self.labels.path(row), lambda: self._resized(row))
        return self._steps.cut(loaded, self._steps.draw(rng))

    def shelf(self) -> Shelf:
        """What may be kept of its pictures."""
        files = [self.labels.path(row) for row in range(len(self))]
        return shelf_of(files, self._steps, self.stored, self.least)

    def still(self) -> LabelledSet:
        """The same pictures, whole, neither cropped nor flipped."""
        return replace(self, reading=self.reading.still(), least=None)

    def _resized(self, row: int) -> Pixels:
        path = self.labels.path(row)
        return self._steps.resized(
            self.stored.accept(decode(path, self.least), path), self.stored.value_range
        )

    @property
    def _steps(self) -> Preprocess:
        return self.reading.steps(self.options.centre_crop)

    def facts(self) -> DataFacts:
        """What the set alone is."""
        count = len(self.labels.names)
        return DataFacts(
            fields=("image", "domain", "target"),
            image_size=self.reading.size,
            channels={"image": self.stored.channels},
            value_range={"image": self.stored.value_range},
            stored={"image": self.stored.dtype},
            vectors={"domain": count, "target": count},
            domains=self.labels.names,
            exclusive=_exclusive(self.options, self.labels),
        )

    def held_out(self) -> LabelledSet | None:
        """Its split "test", else "val", else the pictures taken out of it; resized, neither cropped nor flipped.

        Raises:
            I2IError: the split has other domains, or is stored differently.
        """
        split = other_split(self.options.root, self.split, self.labels.layout)
        if split is None:
            return replace(self.still(), labels=self.aside, aside=None) if self.aside else None
        held = open_set(self.options, self.reading.still(), split)
        if apart := sorted(set(held.labels.names) ^ set(self.labels.names)):
            verb = "is" if len(apart) == 1 else "are"
            raise I2IError(
                f"data.root: {some(apart, 'domain')} {verb} in only one of the splits '{self.split}' and '{split}'; "
                "make them equal, or name in attributes those to use"
            )
        held = replace(held, labels=held.labels.columns(self.labels.names))
        check_held_out(self.facts(), held.facts(), split)
        return held


def open_set(options: DomainSet, reading: Reading, split: str) -> LabelledSet:
    """Find the pictures and labels of a set.

    Raises:
        I2IError: anything about the files that would fail later; the message names them and the remedy.
    """
    labels = find_labels(options.root, split, options.attributes)
    _check_one_each(labels, _exclusive(options, labels))
    headers = _headers(labels, options, reading)
    stored = survey(headers, reading.told)
    steps = reading.steps(options.centre_crop)
    least = least_size(reading.reduced, steps, (header for _, header in headers))
    if not options.hold_out:
        return LabelledSet(options, reading, split, labels, None, stored, least)
    other = other_split(options.root, split, labels.layout)
    aside, kept = set_aside(options.hold_out, len(labels), labels.source, options.root, other)
    return LabelledSet(options, reading, split, labels.rows(kept), labels.rows(aside), stored, least)


def _headers(labels: Labels, options: DomainSet, reading: Reading) -> list[tuple[Path, Header]]:
    steps = reading.steps(options.centre_crop)

    def read(row: int) -> tuple[Path, Header]:
        path = labels.path(row)
        header = read_header(path)
        steps.check(header, str(path))
        return path, header

    return every(sampled(len(labels)), read)


def _exclusive(options: DomainSet, labels: Labels) -> tuple[tuple[str, ...], ...]:
    """The groups of domains of which a picture has one: those that the user names, or all folders."""
    if labels.layout == "folders":
        if options.exclusive:
            raise I2IError(
                f"data.exclusive: a picture is in one folder of '{labels.source}', so its domains are one group "
                "already; leave exclusive out"
            )
        return (labels.names,)
    for name, times in Counter(name for group in options.exclusive for name in group).items():
        if name not in labels.names:
            raise I2IError(f"data.exclusive: '{name}' is none of the domains; {nearest(name, labels.names)}")
        if times > 1:
            raise I2IError(f"data.exclusive: '{name}' is there twice; an attribute is in one group at most")
    return options.exclusive


def _check_one_each(labels: Labels, groups: Sequence[tuple[str, ...]]) -> None:
    """Where all domains are one group, each picture must have one: it is judged as a choice among them."""
    if labels.layout == "folders" or len(groups) != 1 or set(groups[0]) != set(labels.names):
        return
    for row in np.flatnonzero(labels.has.sum(axis=1) != 1)[:1]:
        has = [name for name, value in zip(labels.names, labels.has[row], strict=True) if value]
        raise I2IError(
            f"data.exclusive: '{labels.files[row]}' of '{labels.source}' has {' and '.join(has) or 'none'} of "
            f"{', '.join(groups[0])}, which are all the domains; each picture must have one of them: correct its "
            "row, or leave exclusive out"
        )
