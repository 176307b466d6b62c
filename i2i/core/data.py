"""What a data source promises, and what it tells the networks about itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class DataFacts:
    """What the pictures are: told to the strategy before any network is built.

    Attributes:
        fields: names of the tensors in a sample, for example ("a", "b").
        image_size: width, in pixels, of what the network sees while training: squares, unless `aspect` says otherwise.
        channels: channels of each picture field.
        value_range: for each picture field, the stored values that stand for -1 and +1 ((0, 255) for 8 bits).
        stored: for each picture field, numpy's name of the type that its files hold ("uint16"); of a field that is not
            in it nobody knows, or nothing is stored.
        truth: for each picture field that has one, the field that holds its true translation.
        vectors: length of each field that is a vector of numbers.
        domains: names of the entries of the field `domain`: 1 if the picture has it, else 0.
        exclusive: groups of domains of which a picture has one at a time.
        sets: where several sets with labels of their own are joined, the domains of each; the field `mask` then
            says which set a sample is from.
        labels: for each field that is one whole number (the class of a picture), how many values it can have.
        maps: for each field that is a map of whole numbers, (1, H, W), how many values it can have; 0 where they only
            tell things apart. Don't-care is the value that follows those of the classes.
        classes: their names.
        palette: the colour of each class: what label maps are shown in, and stored in where they are colour pictures.
        ignore: the stored value that means don't-care, if there is one.
        aspect: width / height of what the network sees; `image_size` is its width.
    """

    fields: tuple[str, ...]
    image_size: int
    channels: Mapping[str, int]
    value_range: Mapping[str, tuple[float, float]]
    truth: Mapping[str, str] = field(default_factory=dict)
    vectors: Mapping[str, int] = field(default_factory=dict)
    domains: tuple[str, ...] = ()
    exclusive: tuple[tuple[str, ...], ...] = ()
    sets: tuple[tuple[str, ...], ...] = ()
    labels: Mapping[str, int] = field(default_factory=dict)
    maps: Mapping[str, int] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    palette: tuple[tuple[int, int, int], ...] = ()
    ignore: int | None = None
    aspect: float = 1.0
    stored: Mapping[str, str] = field(default_factory=dict)

    @property
    def height(self) -> int:
        """Height of what the network sees, in pixels."""
        return round(self.image_size / self.aspect)


@runtime_checkable
class Source(Protocol):
    """A data set: a sample is a pure function of its index and its random numbers."""

    @property
    def facts(self) -> DataFacts: ...

    def __len__(self) -> int: ...

    def load(self, index: int, rng: torch.Generator) -> Mapping[str, Tensor]:
        """One sample, pictures as (C, H, W) in the type they are stored in, whatever it is."""
        ...

    def name(self, index: int) -> str:
        """The files of a sample, for captions and messages."""
        ...

    def held_out(self) -> Source | None:
        """The part kept for looking and judging (test split, no augmentation); None if there is none."""
        ...


@runtime_checkable
class Labelled(Source, Protocol):
    """A data set whose samples hold the vector `domain`; its fields include `target`, which the stream adds.

    The samples of a step exchange their labels: `target` is the `domain` of another one, by a permutation of the whole
    batch within each group.
    """

    def domain(self, index: int, rng: torch.Generator) -> Tensor:
        """The field `domain` of the sample that `load` gives for the same index and numbers; reads no file."""
        ...

    def group(self, index: int) -> int:
        """Samples exchange labels with their own group only: the sets that are joined."""
        ...


@runtime_checkable
class Ordered(Source, Protocol):
    """A data set that is read quickly in some orders only: it says in which one an epoch goes through it."""

    def order(self, rng: torch.Generator) -> Tensor:
        """A permutation of all indices, a pure function of the random numbers; others are drawn evenly."""
        ...


@runtime_checkable
class Listed(Source, Protocol):
    """A data set that can be read through from end to end, as `i2i check` does; other sources are read by `load`."""

    def counts(self) -> Mapping[str, int]:
        """How many pictures there are of each domain, class or attribute; empty where there is but one kind."""
        ...

    def parts(self) -> Mapping[str, Source]:
        """The folders or sets that samples are drawn from, by name ("" of a single one), each as a source of its own.

        There every picture is a sample once: nothing is drawn at random, neither cropped nor flipped. Empty where
        pictures are drawn on the spot.
        """
        ...


@runtime_checkable
class Still(Source, Protocol):
    """A data set whose pictures are no files to list, but can be shown without anything drawn at random."""

    def still(self) -> Source:
        """The same samples in order, neither cropped nor flipped."""
        ...
