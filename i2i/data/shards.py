"""Pictures in tar shards: for sets too large for a folder, here or in a store of objects."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor

from i2i.core.errors import I2IError
from i2i.data.options import BitDepth, CentreCrop, Channels, Size, ValueRanges
from i2i.data.preprocess import Draw, Preprocess
from i2i.data.shard_facts import DOMAINS, FIELDS, described, of_one_field
from i2i.data.shard_finding import open_shards
from i2i.data.shard_labels import NO_LABELS, Wanted, find_labels
from i2i.data.shard_options import (
    Attributes,
    Direction,
    Exclusive,
    Flip,
    Folder,
    Layout,
    LoadSize,
    Member,
    Patterns,
    TestPatterns,
    Window,
    settle_shards,
)
from i2i.data.shard_survey import read_headers, under
from i2i.data.stored import heard
from i2i.data.survey import check_held_out, survey
from i2i.pictures.packed import Packed, decode_packed

Value = TypeVar("Value")


class Shards:
    """Tar shards, here or at any address that fsspec reads: `train-{000000..000127}.tar`, `s3://bucket/…`.

    Members of one sample share a key, the name up to its first dot, as webdataset has it. Layouts:

    - `paired`: `KEY.a.jpg` and `KEY.b.png`; samples are `a` and `b`, cropped and flipped alike;
    - `unpaired`: `KEY.jpg`, and patterns `train.a` and `train.b` for the shards of the two domains;
    - `images`: `KEY.jpg`, and `KEY.cls` where pictures have a class, a number or a name;
    - `domains`: `KEY.jpg`, and `KEY.cls` of the domain or `KEY.json` with 1 or 0 for each attribute.

    Pictures may be of any kind that is read from files, and are read, cut, resized and mirrored as those of the data
    sets `paired`, `unpaired`, `images` and `domains`. Nothing is unpacked: each picture is read at its place, which an
    index tells that is made once, beside a local shard or in the user's cache.

    Raises:
        I2IError: anything about the shards that would fail later; the message names shard and member.
    """

    def __init__(
        self,
        *,
        train: Patterns,
        test: TestPatterns = None,
        folder: Folder = Path(),
        layout: Layout = "paired",
        size: Size = 256,
        load_size: LoadSize = "auto",
        flip: Flip = None,
        centre_crop: CentreCrop = None,
        direction: Direction = "a-to-b",
        a: Member = "a",
        b: Member = "b",
        attributes: Attributes = None,
        exclusive: Exclusive = (),
        window: Window = 32,
        channels: Channels = None,
        value_range: ValueRanges = None,
        bit_depth: BitDepth = None,
    ) -> None:
        options: dict[str, Any] = {
            "train": train, "test": test, "folder": Path(folder), "layout": layout, "size": size,
            "load_size": load_size, "flip": flip, "direction": direction, "a": a, "b": b,
            "attributes": attributes, "exclusive": exclusive,
            "channels": channels, "value_range": value_range, "bit_depth": bit_depth,
        }  # fmt: skip
        try:
            options = settle_shards(options, size)
        except ValueError as error:
            raise I2IError(f"data.{error}") from error
        self.layout, self.window, self._options = layout, window, options
        self._in_order = False
        self._preprocess = Preprocess(
            size=size,
            load_size=options["load_size"],
            flip=options["flip"],
            centre_crop=centre_crop,
            filter="bicubic" if layout in ("paired", "unpaired") else "bilinear",
        )
        self._open("train", options["train"], None)

    @staticmethod
    def settle(options: Mapping[str, Any], *, image_size: int) -> dict[str, Any]:
        """`load_size` and `flip` as the data set has them that the layout is called after.

        Raises:
            ValueError: options that contradict each other, or that the layout would ignore.
        """
        return settle_shards(options, image_size)

    @property
    def filter(self) -> str:
        """How pictures are resized."""
        return self._preprocess.filter

    def __len__(self) -> int:
        return max(len(shards) for shards in self._sets.values())

    def load(self, index: int, rng: torch.Generator) -> Mapping[str, Tensor]:
        """The pictures of a sample, with its class or labels; unpaired, `b` is drawn from `rng` unless held out."""
        if self.layout == "paired":
            draw, packed = self._preprocess.draw(rng), self._sets["a"].read(index)
            return {field: self._picture(field, packed[field], draw) for field in DOMAINS}
        rows = {field: index % len(shards) for field, shards in self._sets.items()}
        if self.layout == "unpaired" and not self._in_order:
            rows["b"] = int(torch.randint(len(self._sets["b"]), (), generator=rng))
        sample = {field: self._drawn(field, row, rng) for field, row in rows.items()}
        if self.layout == "domains":
            sample["domain"] = self.domain(index, rng)
        elif self._labels.names:
            sample["label"] = torch.tensor(int(self._labels.classes[index]))
        return sample

    def domain(self, index: int, rng: torch.Generator) -> Tensor:
        """The labels of a sample of the layout `domains`; reads no shard."""
        return torch.from_numpy(self._labels.row(index))

    def group(self, index: int) -> int:
        """All samples exchange labels."""
        return 0

    def order(self, rng: torch.Generator) -> Tensor:
        """All samples once: of the shards in a random order, `window` at a time, their samples mixed."""
        first = next(iter(self._sets.values()))
        if len(first) < len(self):  # its rows come again
            return torch.randperm(len(self), generator=rng)
        return first.order(self.window, rng)

    def name(self, index: int) -> str:
        """The shard and the members; unpaired, those of `a` alone where `b` is drawn at random."""
        sets = (
            list(dict.fromkeys(self._sets.values())) if self._in_order else [next(iter(self._sets.values()))]
        )
        return ", ".join(shards.name(index % len(shards)) for shards in sets)

    def held_out(self) -> Shards | None:
        """The shards of `test`, in order, resized to `size` and neither cropped nor flipped; None if there are none.

        Raises:
            I2IError: they hold other classes, or are stored differently.
        """
        if self._options["test"] is None:
            return None
        held = copy.copy(self)
        held._options = self._options | {"test": None}
        held._preprocess = replace(self._preprocess, load_size=self._preprocess.size, flip=False)
        held._in_order = True
        held._open("test", self._options["test"], self._labels.names)
        with under("test"):
            check_held_out(self.facts, held.facts, "test")
        return held

    def counts(self) -> Mapping[str, int]:
        """How many pictures each class, attribute or domain has."""
        if self.layout == "unpaired":
            return {field: len(shards) for field, shards in self._sets.items()}
        return self._labels.counts()

    def parts(self) -> Mapping[str, Shards]:
        """The shards of each domain of unpaired ones, else all: in order, neither cropped nor flipped."""
        still = copy.copy(self)
        still._preprocess, still._in_order = self._preprocess.still(), True
        return {field: still._alone(field) for field in DOMAINS} if self.layout == "unpaired" else {"": still}

    def _alone(self, field: str) -> Shards:
        alone = copy.copy(self)
        alone._sets = {field: self._sets[field]}
        alone.facts = of_one_field(self.facts, field)
        return alone

    def _open(self, option: str, patterns: str | Mapping[str, str], known: tuple[str, ...] | None) -> None:
        """Find the shards of an option, and read how their pictures are stored."""
        options, fields = self._options, FIELDS[self.layout]
        names = {name: options[name] for name in DOMAINS} if self.layout == "paired" else {}
        says = heard(options, fields) if len(fields) > 1 else {"image": heard(options)[""]}
        if options["direction"] == "b-to-a":
            names, says = _exchanged(names), _exchanged(says)
        if isinstance(patterns, str):
            members = {field: names.get(field, "") for field in fields}
            shards, indices = open_shards(patterns, options["folder"], option, members)
            self._sets = dict.fromkeys(fields, shards)
            wanted = Wanted(options["attributes"], options["exclusive"], known)
            self._labels = find_labels(self.layout, shards, indices, wanted)
            headers = read_headers(shards, self._preprocess)
        else:
            opened = {f: open_shards(patterns[f], options["folder"], option, {f: ""})[0] for f in fields}
            self._sets, self._labels = opened, NO_LABELS
            headers = {
                field: read_headers(shards, self._preprocess)[field] for field, shards in opened.items()
            }
        with under(option):
            self._stored = {field: survey(headers[field], says[field]) for field in fields}
        self.facts = described(self.layout, self._preprocess.size, self._stored, self._labels)

    def _drawn(self, field: str, row: int, rng: torch.Generator) -> Tensor:
        packed = self._sets[field].read(row)[field]
        return self._picture(field, packed, self._preprocess.draw(rng))

    def _picture(self, field: str, packed: Packed, draw: Draw) -> Tensor:
        stored = self._stored[field]
        pixels = stored.accept(decode_packed(packed), Path(packed.name))
        return self._preprocess(pixels, draw, stored.value_range)


def _exchanged(table: Mapping[str, Value]) -> dict[str, Value]:
    return {"a": table["b"], "b": table["a"]}
