"""Pictures with labels: several domains, or attributes that a picture has or has not."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from i2i.core.errors import I2IError
from i2i.data.cache import Cache
from i2i.data.domain_options import (
    Attributes,
    Balanced,
    DomainSet,
    Exclusive,
    HoldOut,
    LoadSize,
    OptionalRoot,
    Sets,
)
from i2i.data.joined_sets import joined_facts, under
from i2i.data.labelled_set import LabelledSet, Reading, open_set
from i2i.data.options import (
    BitDepth,
    CacheFolder,
    CacheMode,
    CentreCrop,
    Channels,
    Flip,
    ReducedJpeg,
    Size,
    Split,
    ValueRange,
)
from i2i.data.preprocess import settle_sizes
from i2i.data.reduced import told_reduced
from i2i.data.stored import heard, told


class Domains:
    """Pictures with labels: a folder for each domain, a CSV of attributes, or CelebA's list; sets can be joined.

    Layouts, the first that is found:

    - `root` or `root/<split>.csv` is a CSV: a column `image` with paths relative to it, and one for each attribute
      with 1, -1 or 0 (-1 and 0 both mean that the picture has it not);
    - `root`, a `.txt`, or `root/list_attr_*.txt` is a list as CelebA's (Liu et al., ICCV 2015), its pictures in
      `images` or `img_align_celeba` beside it, or beside it themselves;
    - `root/<split>/<domain>` or `root/<domain>/<split>` are folders: a picture is of one domain.

    Samples are `image`, (C, size, size) in the stored type, and `domain`, 1 or 0 for each domain. Of joined sets each
    has its own domains, the others' are 0, and `mask` is 1 at the set that a sample is from; the sets take turns.
    With `balanced` the domains of a set take turns, and a picture that has it is drawn at random.

    Pictures are cut, resized and mirrored as the published StarGAN does (Choi et al., CVPR 2018).

    Raises:
        I2IError: anything about the files that would fail later; the message names them and the remedy.
    """

    def __init__(
        self,
        *,
        root: OptionalRoot = None,
        sets: Sets = None,
        split: Split = "train",
        size: Size = 256,
        load_size: LoadSize = "auto",
        flip: Flip = True,
        centre_crop: CentreCrop = None,
        attributes: Attributes = None,
        exclusive: Exclusive = (),
        hold_out: HoldOut = 0,
        balanced: Balanced = False,
        channels: Channels = None,
        value_range: ValueRange = None,
        bit_depth: BitDepth = None,
        reduced_jpeg: ReducedJpeg = False,
        cache: CacheMode = "auto",
        cache_folder: CacheFolder = None,
    ) -> None:
        alone: dict[str, Any] = {
            "root": root, "attributes": attributes, "exclusive": exclusive, "centre_crop": centre_crop,
            "hold_out": hold_out,
        }  # fmt: skip
        if message := _contradiction({**alone, "sets": sets}):
            raise I2IError(f"data.{message}")
        values = {"channels": channels, "value_range": value_range, "bit_depth": bit_depth}
        reading = Reading(
            size=size,
            load_size=size if load_size == "auto" else load_size,
            flip=flip,
            told=heard(values)[""],
            reduced=reduced_jpeg,
        )
        self.joined = sets is not None
        self._sets: dict[str, LabelledSet] = {}
        for name, options in (sets or {"": DomainSet(**alone)}).items():
            with under(name):
                self._sets[name] = open_set(options, reading, split)
        self._holders = _holders(self._sets) if balanced else None
        self._is_held_out = False
        self._keep(Cache(cache, folder=cache_folder))
        self.facts = joined_facts(self._sets) if self.joined else self._sets[""].facts()

    @staticmethod
    def settle(options: Mapping[str, Any], *, image_size: int) -> dict[str, Any]:
        """`load_size = "auto"` as a number: that of `size`.

        Raises:
            ValueError: options that contradict each other.
        """
        if message := _contradiction(options):
            raise ValueError(message)
        told(options)
        told_reduced(options)
        size, load_size = options.get("size", image_size), options.get("load_size", "auto")
        return settle_sizes({**options, "load_size": size if load_size == "auto" else load_size}, image_size)

    @property
    def filter(self) -> str:
        """How pictures are resized."""
        return self._members[0].reading.filter

    def __len__(self) -> int:
        return len(self._sets) * max(len(each) for each in self._sets.values())

    def counts(self) -> Mapping[str, int]:
        """How many pictures have each of the domains."""
        every = [member.labels for member in self._members]
        return {
            name: int(count)
            for labels in every
            for name, count in zip(labels.names, labels.has.sum(axis=0), strict=True)
        }

    def parts(self) -> Mapping[str, Domains]:
        """Each set alone: its pictures in order, neither cropped nor flipped."""
        return {name: self._alone(name, member) for name, member in self._sets.items()}

    def load(self, index: int, rng: torch.Generator) -> Mapping[str, Tensor]:
        """The picture, its labels, and the set that it is from if several are joined."""
        number, row = self._place(index, rng)
        name, member = tuple(self._sets.items())[number]
        sample = {"image": member.load(row, rng, self.cache, name), "domain": self._labels(number, row)}
        if self.joined:
            sample["mask"] = torch.eye(len(self._sets))[number]
        return sample

    def domain(self, index: int, rng: torch.Generator) -> Tensor:
        """The labels that `load` gives for the same index and numbers."""
        return self._labels(*self._place(index, rng))

    def group(self, index: int) -> int:
        """The joined set that a sample is from: they take turns."""
        return index % len(self._sets)

    def name(self, index: int) -> str:
        """The file, relative to its folder; where pictures are drawn at random, the domain that is drawn from."""
        place, number = divmod(index, len(self._sets))
        labels = self._members[number].labels
        if self._holders is not None:
            return f"a picture that has '{labels.names[place % len(labels.names)]}'"
        file = labels.files[place % len(labels)]
        return f"{tuple(self._sets)[number]}: {file}" if self.joined else file

    def held_out(self) -> Domains | None:
        """The split "test", else "val", else what is held out: in order, resized, neither cropped nor flipped.

        Raises:
            I2IError: of joined sets, some hold pictures out and others none; or training pictures are unlike these.
        """
        if self._is_held_out:
            return None
        found = {}
        for name, member in self._sets.items():
            with under(name):
                found[name] = member.held_out()
        kept = {name: member for name, member in found.items() if member is not None}
        if not kept:
            return None
        if lacking := sorted(found.keys() - kept.keys()):
            raise I2IError(
                f"data.sets.{lacking[0]}: this set holds no pictures out, and '{next(iter(kept))}' does; "
                "set hold_out or add a split 'test'"
            )
        held = copy.copy(self)
        held._sets, held._holders, held._is_held_out = kept, None, True
        held._keep(self.cache)
        return held

    def _keep(self, like: Cache) -> None:
        """Keep the pictures of these sets, as they are read now."""
        self.cache = like.over({name: member.shelf() for name, member in self._sets.items()})

    @property
    def _members(self) -> Sequence[LabelledSet]:
        return tuple(self._sets.values())

    def _alone(self, name: str, member: LabelledSet) -> Domains:
        alone = copy.copy(self)
        alone._sets, alone.cache = {name: member.still()}, Cache()
        alone._holders, alone.joined, alone.facts = None, False, member.facts()
        return alone

    def _place(self, index: int, rng: torch.Generator) -> tuple[int, int]:
        """The set and the row of a sample; the first number drawn says which of the pictures with a domain it is."""
        place, number = divmod(index, len(self._sets))
        if self._holders is None:
            return number, place % len(self._members[number])
        holders = self._holders[number]
        rows = holders[place % len(holders)]
        return number, int(rows[int(torch.randint(len(rows), (), generator=rng))])

    def _labels(self, number: int, row: int) -> Tensor:
        """The labels of a row among those of all sets."""
        parts = [torch.zeros(len(member.labels.names)) for member in self._members]
        parts[number] += torch.from_numpy(self._members[number].labels.has[row])
        return torch.cat(parts)


def _contradiction(options: Mapping[str, Any]) -> str:
    """Why these options cannot stand together, with the one to change in front; "" if they can."""
    given = [name for name in DomainSet.model_fields if options.get(name)]
    if options.get("sets") is None:
        return "" if "root" in given else "root: where are the pictures? name their folder, CSV or list"
    if len(options["sets"]) < 2:
        return "sets: two or more can be joined; of one set, the options stand under [data] itself"
    return (
        f"{given[0]}: each of the joined sets has its own; move this one to [data.sets.NAME]" if given else ""
    )


def _holders(sets: Mapping[str, LabelledSet]) -> tuple[tuple[NDArray[np.intp], ...], ...]:
    """For each domain of each set, the rows of the pictures that have it."""
    for member in sets.values():
        labels = member.labels
        for name, count in zip(labels.names, labels.has.sum(axis=0), strict=True):
            if not count:
                raise I2IError(
                    f"data.balanced: no picture of '{labels.source}' has '{name}'; leave it out of attributes, "
                    "or set balanced = false"
                )
    return tuple(tuple(np.flatnonzero(column) for column in member.labels.has.T) for member in sets.values())
