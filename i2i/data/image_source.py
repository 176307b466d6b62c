"""Pictures that stand alone, each of one class or of none: what a method learns to draw."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from i2i.core.data import DataFacts
from i2i.core.errors import I2IError
from i2i.data.cache import Cache, shelf_of
from i2i.data.domain_options import HoldOut, LoadSize, Names
from i2i.data.hold_out import set_aside
from i2i.data.image_layouts import Wanted, find_set, other_split
from i2i.data.image_set import ImageSet
from i2i.data.labelled_set import Reading
from i2i.data.options import (
    BitDepth,
    CacheFolder,
    CacheMode,
    CentreCrop,
    Channels,
    Flip,
    ReducedJpeg,
    Root,
    Size,
    Split,
    ValueRange,
)
from i2i.data.preprocess import Preprocess, settle_sizes
from i2i.data.reduced import least_size, told_reduced
from i2i.data.stored import Stored, heard, told
from i2i.data.survey import check_held_out, every, sampled, survey
from i2i.pictures.images import Header
from i2i.pictures.pixels import Pixels

Classes = Annotated[
    Annotated[tuple[Names, ...], Field(min_length=1)] | None,
    Field(description="the classes to use, in this order; by default all"),
]
Balanced = Annotated[bool, Field(description="show each class equally often")]


class Images:
    """Pictures that stand alone: a plain folder, a folder for each class, or the IDX files of MNIST.

    Layouts, the first that is found:

    - `root/<split>-images-idx3-ubyte` and `root/<split>-labels-idx1-ubyte`, packed (`.gz`) or not, where the test
      split is called `t10k` (LeCun et al., 1998); without the second file, pictures have no class;
    - `root/<split>` holds pictures, or a folder of pictures for each class; `root/<class>/<split>` likewise;
    - `root` itself holds pictures, or a folder for each class, and no splits; `hold_out` keeps some for looking.

    Samples are `image`, (C, size, size) in the stored type, and, where there are classes, `label`, the number of the
    picture's class: folders count in natural order, labels of IDX files by their value, `classes` in its own order.
    With `balanced` the classes take turns, and a picture of the class is drawn at random.

    Raises:
        I2IError: anything about the files that would fail later; the message names them and the remedy.
    """

    def __init__(
        self,
        *,
        root: Root,
        split: Split = "train",
        size: Size = 64,
        load_size: LoadSize = "auto",
        flip: Flip = False,
        centre_crop: CentreCrop = None,
        classes: Classes = None,
        hold_out: HoldOut = 0,
        balanced: Balanced = False,
        channels: Channels = None,
        value_range: ValueRange = None,
        bit_depth: BitDepth = None,
        reduced_jpeg: ReducedJpeg = False,
        cache: CacheMode = "auto",
        cache_folder: CacheFolder = None,
    ) -> None:
        self.root, self.split = Path(root), split
        self._classes, self._centre_crop = classes, centre_crop
        values = {"channels": channels, "value_range": value_range, "bit_depth": bit_depth}
        self._reading = Reading(
            size=size,
            load_size=size if load_size == "auto" else load_size,
            flip=flip,
            told=heard(values)[""],
        )
        self._set = find_set(self.root, split, Wanted(classes))
        self._aside: ImageSet | None = None
        headers = _headers(self._set, self._steps)
        self._stored = survey(headers, self._reading.told)
        self._least = least_size(reduced_jpeg, self._steps, (header for _, header in headers))
        if hold_out:
            other = other_split(self.root, split, self._set.layout)
            aside, kept = set_aside(hold_out, len(self._set), self._set.source, self.root, other)
            self._set, self._aside = self._set.rows(kept), self._set.rows(aside)
        self._members = _members(self._set) if balanced else None
        self._keep(Cache(cache, folder=cache_folder))
        self.facts = _facts(self._set, self._stored, self._reading)

    @staticmethod
    def settle(options: Mapping[str, Any], *, image_size: int) -> dict[str, Any]:
        """`load_size = "auto"` as a number: that of `size`.

        Raises:
            ValueError: options that contradict each other.
        """
        told(options)
        told_reduced(options)
        size, load_size = options.get("size", image_size), options.get("load_size", "auto")
        return settle_sizes({**options, "load_size": size if load_size == "auto" else load_size}, image_size)

    @property
    def filter(self) -> str:
        """How pictures are resized."""
        return self._steps.filter

    def __len__(self) -> int:
        return len(self._set)

    def counts(self) -> Mapping[str, int]:
        """How many pictures each class has."""
        return self._set.counts()

    def parts(self) -> Mapping[str, Images]:
        """The pictures in order, neither cropped nor flipped."""
        still = copy.copy(self)
        still._reading, still._members = self._reading.still(), None
        still._least, still.cache = None, Cache()
        return {"": still}

    def load(self, index: int, rng: torch.Generator) -> Mapping[str, Tensor]:
        """The picture, and its class if it has one."""
        row, found, steps = self._row(index, rng), self._set, self._steps
        path = found.pictures.path(int(found.places[row]))
        loaded = self.cache.take("image", row, path, lambda: self._resized(row, path))
        sample = {"image": steps.cut(loaded, steps.draw(rng))}
        return sample | {"label": torch.tensor(int(found.labels[row]))} if found.names else sample

    def name(self, index: int) -> str:
        """The picture's file; where pictures are drawn at random, the class that is drawn from."""
        if self._members is not None:
            return f"a picture of class '{self._set.names[index % len(self._set.names)]}'"
        return self._set.pictures.name(int(self._set.places[index]))

    def held_out(self) -> Images | None:
        """The split "test", else "val", else what is held out: in order, resized, neither cropped nor flipped.

        Raises:
            I2IError: the split has other classes, or is stored differently.
        """
        held = copy.copy(self)
        held._reading, held._members, held._aside, held._least = self._reading.still(), None, None, None
        if self._aside is not None:
            held._set = self._aside
            held._keep(self.cache)
            return held
        split = other_split(self.root, self.split, self._set.layout)
        if split is None:
            return None
        wanted = Wanted(self._classes, known=self._set.names)
        held.split, held._set = split, find_set(self.root, split, wanted)
        held._stored = survey(_headers(held._set, held._steps), held._reading.told)
        held._keep(self.cache)
        held.facts = _facts(held._set, held._stored, held._reading)
        check_held_out(self.facts, held.facts, split)
        return held

    def _resized(self, row: int, path: Path) -> Pixels:
        pixels = self._set.pictures.decode(int(self._set.places[row]), self._least)
        return self._steps.resized(self._stored.accept(pixels, path), self._stored.value_range)

    def _keep(self, like: Cache) -> None:
        """Keep the pictures of this set, as they are read now."""
        places = self._set.places
        files = [self._set.pictures.path(int(place)) for place in places]
        shelf = shelf_of(files, self._steps, self._stored, self._least)
        chosen = hashlib.sha256(places.tobytes()).hexdigest()  # of an IDX file all pictures have one path
        self.cache = like.over({"image": replace(shelf, recipe=f"{shelf.recipe} {chosen}")})

    @property
    def _steps(self) -> Preprocess:
        return self._reading.steps(self._centre_crop)

    def _row(self, index: int, rng: torch.Generator) -> int:
        """The row of a sample; of balanced classes, the first number drawn says which picture it is."""
        if self._members is None:
            return index
        rows = self._members[index % len(self._members)]
        return int(rows[int(torch.randint(len(rows), (), generator=rng))])


def _headers(found: ImageSet, steps: Preprocess) -> list[tuple[Path, Header]]:
    places = [int(found.places[row]) for row in sampled(len(found))]

    def read(place: int) -> tuple[Path, Header]:
        header = found.pictures.header(place)
        steps.check(header, found.pictures.name(place))
        return found.pictures.path(place), header

    return every(places, read)


def _facts(found: ImageSet, stored: Stored, reading: Reading) -> DataFacts:
    return DataFacts(
        fields=("image", "label") if found.names else ("image",),
        image_size=reading.size,
        channels={"image": stored.channels},
        value_range={"image": stored.value_range},
        stored={"image": stored.dtype},
        labels={"label": len(found.names)} if found.names else {},
        classes=found.names,
    )


def _members(found: ImageSet) -> tuple[NDArray[np.intp], ...]:
    """The rows of each class."""
    if not found.names:
        raise I2IError(f"data.balanced: the pictures of '{found.source}' have no classes; leave balanced out")
    for name, count in found.counts().items():
        if not count:
            raise I2IError(
                f"data.balanced: no picture of class '{name}' is left beside those held out of '{found.source}'; "
                "lower hold_out"
            )
    return tuple(np.flatnonzero(found.labels == number) for number in range(len(found.names)))
