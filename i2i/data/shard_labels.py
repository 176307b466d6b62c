"""What the samples of shards are labelled with: a class each, or attributes that each has or has not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from i2i.core.errors import I2IError, nearest
from i2i.core.words import some
from i2i.data.shard_contents import ATTRIBUTES, CLASS
from i2i.data.shard_index import Index
from i2i.data.shard_set import ShardSet
from i2i.pictures.finding import natural_key


@dataclass(frozen=True, eq=False)
class ShardLabels:
    """Labels by row: one class of each sample, or attributes of which it has any number.

    Attributes:
        names: of the classes or attributes.
        classes: the number of each row's class; empty where there are none.
        has: (rows, attributes), 1 or 0; empty where there are none.
        exclusive: groups of names of which a sample has one at a time: all classes are one.
    """

    names: tuple[str, ...]
    classes: NDArray[np.int64]
    has: NDArray[np.uint8]
    exclusive: tuple[tuple[str, ...], ...] = ()

    def row(self, row: int) -> NDArray[np.float32]:
        """1 for each class or attribute of a sample, else 0."""
        if len(self.classes):
            return np.asarray(np.arange(len(self.names)) == self.classes[row], np.float32)
        return np.asarray(self.has[row], np.float32)

    def counts(self) -> Mapping[str, int]:
        """How many samples have each."""
        counts = (
            np.bincount(self.classes, minlength=len(self.names))
            if len(self.classes)
            else self.has.sum(axis=0)
        )
        return {name: int(count) for name, count in zip(self.names, counts, strict=True)}


NO_LABELS = ShardLabels((), np.zeros(0, np.int64), np.zeros((0, 0), np.uint8))


class Wanted(NamedTuple):
    """What the user says of the labels.

    Attributes:
        attributes: those to use; None for all.
        exclusive: groups of them.
        known: the names of the training set, where this is another one.
    """

    attributes: Sequence[str] | None
    exclusive: tuple[tuple[str, ...], ...]
    known: tuple[str, ...] | None


def find_labels(layout: str, shards: ShardSet, indices: Sequence[Index], wanted: Wanted) -> ShardLabels:
    """The labels that a layout takes: of images their class if they have one, of domains a class or attributes.

    Raises:
        I2IError: samples lack them, or have others than the training set.
    """
    known, has_classes = wanted.known, _any(indices, CLASS)
    if layout == "images" and (known or (known is None and has_classes)):
        return _class_labels(indices, shards, known)
    if layout != "domains":
        return NO_LABELS
    if wanted.attributes is None and has_classes:
        if wanted.exclusive:
            raise I2IError("data.exclusive: a picture is of one class, KEY.cls, anyway; leave exclusive out")
        return _check_several(_class_labels(indices, shards, known), shards)
    if not _any(indices, ATTRIBUTES):
        raise I2IError(
            f"data.{shards.option}: '{shards.shards[0].name}' holds no labels; give each sample its domain, KEY.cls, "
            "or attributes, KEY.json with 1 or 0 for each"
        )
    labels = _attribute_labels(indices, shards, known or wanted.attributes)
    _check_groups(wanted.exclusive, labels, shards)
    return replace(labels, exclusive=wanted.exclusive)


def _any(indices: Sequence[Index], ending: str) -> bool:
    return any(ending in index.offsets for index in indices)


def _check_several(labels: ShardLabels, shards: ShardSet) -> ShardLabels:
    if len(labels.names) < 2:
        raise I2IError(
            f"data.{shards.option}: '{labels.names[0]}' is the only domain; there must be two or more in KEY.cls"
        )
    return labels


def _class_labels(indices: Sequence[Index], shards: ShardSet, known: Sequence[str] | None) -> ShardLabels:
    without = [shard.name for shard, index in zip(shards.shards, indices, strict=True) if not index.classes]
    if without:
        where = some(without, "shard")
        raise I2IError(
            f"data.{shards.option}: in {where} not every sample has a class; give each a member KEY.cls"
        )
    found = sorted({text for index in indices for text in index.classes}, key=natural_key)
    names = tuple(found if known is None else known)
    if strange := [name for name in found if name not in names]:
        near = nearest(strange[0], names)
        raise I2IError(f"data.{shards.option}: no sample of train has class '{strange[0]}'; {near}")
    numbers = {name: number for number, name in enumerate(names)}
    classes = np.array([numbers[text] for index in indices for text in index.classes], np.int64)
    return ShardLabels(names, classes, NO_LABELS.has, (names,))


def _attribute_labels(
    indices: Sequence[Index], shards: ShardSet, wanted: Sequence[str] | None
) -> ShardLabels:
    names = tuple(wanted or dict.fromkeys(name for index in indices for name in index.attributes))
    for shard, index in zip(shards.shards, indices, strict=True):
        if lacking := [name for name in names or ("",) if name not in index.attributes]:
            known = nearest(lacking[0], index.attributes)
            what = f"'{lacking[0]}'" if names else "anything"
            raise I2IError(
                f"data.attributes: in '{shard.name}' not every member KEY.json says of {what} 1, 0, -1, true or "
                f"false; {known}"
            )
    has = [np.stack([index.attributes[name] for name in names], axis=1) for index in indices]
    return ShardLabels(names, NO_LABELS.classes, np.concatenate(has))


def _check_groups(groups: Sequence[tuple[str, ...]], labels: ShardLabels, shards: ShardSet) -> None:
    """Refuse groups that are none, and of a group that is all there is, samples that have not one of it."""
    for name, times in Counter(chain.from_iterable(groups)).items():
        if name not in labels.names:
            raise I2IError(f"data.exclusive: '{name}' is none of the domains; {nearest(name, labels.names)}")
        if times > 1:
            raise I2IError(f"data.exclusive: '{name}' is there twice; an attribute is in one group at most")
    if len(groups) == 1 and set(groups[0]) == set(labels.names):
        for row in np.flatnonzero(labels.has.sum(axis=1) != 1).tolist()[:1]:
            count, names = labels.has[row].sum(), ", ".join(groups[0])
            raise I2IError(
                f"data.exclusive: '{shards.name(row)}' has {count} of {names}, which are all the domains; each picture "
                "must have one of them: correct it, or leave exclusive out"
            )
