"""Pairs of pictures that show the same thing in two domains."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from i2i.core.data import DataFacts
from i2i.core.errors import I2IError
from i2i.data.cache import Cache, Shelf, shelf_of
from i2i.data.options import (
    BitDepth,
    CacheFolder,
    CacheMode,
    CentreCrop,
    Channels,
    Flip,
    LoadSize,
    ReducedJpeg,
    Root,
    Size,
    Split,
    ValueRanges,
)
from i2i.data.pairs import Pairs, find_pairs, has_pairs
from i2i.data.preprocess import Preprocess, settle_sizes, settled_load_size
from i2i.data.reduced import Least, least_size, told_reduced
from i2i.data.stored import Stored, heard, told
from i2i.data.survey import check_held_out, every, sampled, survey
from i2i.pictures.images import Header, decode, read_header
from i2i.pictures.pixels import Pixels

Names = Annotated[str, Field(min_length=1, description="folder or CSV column of this domain")]
Direction = Annotated[Literal["a-to-b", "b-to-a"], Field(description="what the network translates into what")]

DOMAINS = ("a", "b")
"""The folders of these options hold them; `direction` may exchange the fields of a sample."""


class Paired:
    """Pairs of pictures: side-by-side files, two folders with equal names, or a CSV of paths.

    Layouts, the first that is found:

    - `root` or `root/<split>.csv` is a CSV whose columns `a` and `b` hold paths relative to it;
    - `root/<split>/<a>` and `root/<split>/<b>`, or `root/<split>A` and `root/<split>B` (while a and b are not
      given), or `root/<a>/<split>` and `root/<b>/<split>`: files match by their names without the ending;
    - `root/<split>` holds files with a in the left half and b in the right (Isola et al., CVPR 2017).

    Samples are `a` and `b`, (C, size, size) in the stored type; one draw of crop and flip serves both. The
    network translates from `a`; `direction = "b-to-a"` exchanges the two.

    Raises:
        I2IError: anything about the files that would fail later; the message names them and the remedy.
    """

    def __init__(
        self,
        *,
        root: Root,
        split: Split = "train",
        size: Size = 256,
        load_size: LoadSize = "auto",
        flip: Flip = True,
        centre_crop: CentreCrop = None,
        direction: Direction = "a-to-b",
        a: Names = "a",
        b: Names = "b",
        channels: Channels = None,
        value_range: ValueRanges = None,
        bit_depth: BitDepth = None,
        reduced_jpeg: ReducedJpeg = False,
        cache: CacheMode = "auto",
        cache_folder: CacheFolder = None,
    ) -> None:
        self._options: dict[str, Any] = {
            "root": root, "size": size, "flip": flip, "centre_crop": centre_crop, "direction": direction,
            "a": a, "b": b, "channels": channels, "value_range": value_range, "bit_depth": bit_depth,
            "cache": cache, "cache_folder": cache_folder,
        }  # fmt: skip
        self.root, self.split = Path(root), split
        self._preprocess = Preprocess(
            size=size, load_size=settled_load_size(load_size, size), flip=flip, centre_crop=centre_crop
        )
        self._pairs = find_pairs(self.root, split, a, b)
        says = heard(self._options, DOMAINS)
        both = self._read_headers()
        self._stored = tuple(
            survey(headers, says[domain]) for domain, headers in zip(DOMAINS, both, strict=True)
        )
        self._least = self._least_size(reduced_jpeg, [header for headers in both for _, header in headers])
        self.cache = Cache(cache, self._shelves(), cache_folder)
        self._fields = ("a", "b") if direction == "a-to-b" else ("b", "a")
        stored = dict(zip(self._fields, self._stored, strict=True))
        self.facts = DataFacts(
            fields=("a", "b"),
            image_size=size,
            channels={field: side.channels for field, side in stored.items()},
            value_range={field: side.value_range for field, side in stored.items()},
            stored={field: side.dtype for field, side in stored.items()},
            truth={"a": "b", "b": "a"},
        )

    @staticmethod
    def settle(options: Mapping[str, Any], *, image_size: int) -> dict[str, Any]:
        """`load_size = "auto"` as a number: 286 for size 256, and in proportion.

        Raises:
            ValueError: options that contradict each other.
        """
        told(options, DOMAINS)
        told_reduced(options)
        return settle_sizes(options, image_size)

    @property
    def filter(self) -> str:
        """How pictures are resized."""
        return self._preprocess.filter

    def __len__(self) -> int:
        return len(self._pairs.a)

    def load(self, index: int, rng: torch.Generator) -> Mapping[str, Tensor]:
        """The pair, cropped and flipped alike."""
        draw, paths = self._preprocess.draw(rng), (self._pairs.a[index], self._pairs.b[index])
        if self._pairs.layout == "halves":
            both = self.cache.take("halves", index, paths[0], lambda: self._halves(paths[0]))
            loaded = np.split(both, 2, axis=1)
        else:
            loaded = [
                self.cache.take(name, index, path, partial(self._alone, stored, path))
                for name, stored, path in zip(DOMAINS, self._stored, paths, strict=True)
            ]
        return {
            field: self._preprocess.cut(pixels, draw)
            for field, pixels in zip(self._fields, loaded, strict=True)
        }

    def name(self, index: int) -> str:
        """The file, or the two files, relative to the root."""
        folder = self.root if self.root.is_dir() else self.root.parent
        paths = dict.fromkeys((self._pairs.a[index], self._pairs.b[index]))
        return ", ".join(path.relative_to(folder).as_posix() for path in paths)

    def held_out(self) -> Paired | None:
        """The split "test", else "val", resized to `size` and neither cropped nor flipped."""
        for split in ("test", "val"):
            names = self._options["a"], self._options["b"]
            if split != self.split and has_pairs(self.root, split, *names, self._pairs.layout):
                size = self.facts.image_size
                held = Paired(**self._options | {"split": split, "load_size": size, "flip": False})
                check_held_out(self.facts, held.facts, split)
                return held
        return None

    def counts(self) -> Mapping[str, int]:
        """Nothing: pairs are of one kind."""
        return {}

    def parts(self) -> Mapping[str, Paired]:
        """The pairs, neither cropped nor flipped."""
        still = copy.copy(self)
        still._preprocess, still._least, still.cache = self._preprocess.still(), None, Cache()
        return {"": still}

    def _halves(self, path: Path) -> Pixels:
        """Both pictures of a side-by-side file, resized, side by side."""
        whole = decode(path)
        middle = whole.shape[1] // 2
        halves = whole[:, :middle], whole[:, middle:]
        both = zip(self._stored, halves, strict=True)
        return np.concatenate([self._resized(stored, half, path) for stored, half in both], axis=1)

    def _alone(self, stored: Stored, path: Path) -> Pixels:
        return self._resized(stored, decode(path, self._least), path)

    def _resized(self, stored: Stored, pixels: Pixels, path: Path) -> Pixels:
        return self._preprocess.resized(stored.accept(pixels, path), stored.value_range)

    def _shelves(self) -> dict[str, Shelf]:
        if self._pairs.layout == "halves":
            one, other = (shelf_of(self._pairs.a, self._preprocess, stored) for stored in self._stored)
            height, width, channels = one.shape
            return {
                "halves": replace(one, shape=(height, 2 * width, channels), recipe=one.recipe + other.recipe)
            }
        files = zip(DOMAINS, (self._pairs.a, self._pairs.b), self._stored, strict=True)
        return {name: shelf_of(paths, self._preprocess, stored, self._least) for name, paths, stored in files}

    def _least_size(self, reduced: bool, headers: Sequence[Header]) -> Least:
        if reduced and self._pairs.layout == "halves":
            raise I2IError(
                "data.reduced_jpeg: the halves of side-by-side files would run into each other; leave it out, or store "
                "a and b in files of their own"
            )
        return least_size(reduced, self._preprocess, headers)

    def _read_headers(self) -> tuple[Sequence[tuple[Path, Header]], ...]:
        both = every(sampled(len(self)), self._pair_headers)
        return [one for one, _ in both], [other for _, other in both]

    def _pair_headers(self, index: int) -> tuple[tuple[Path, Header], tuple[Path, Header]]:
        one, other = _pair_headers(self._pairs, index)
        self._preprocess.check(one, self.name(index))
        return (self._pairs.a[index], one), (self._pairs.b[index], other)


def _pair_headers(pairs: Pairs, index: int) -> tuple[Header, Header]:
    path = pairs.a[index]
    one = read_header(path)
    if pairs.layout == "halves":
        if one.width % 2:
            raise I2IError(
                f"data.root: '{path}' is {one.width} pixels wide, which does not split into two halves; "
                "side-by-side files hold a on the left and b on the right, equally wide"
            )
        half = replace(one, width=one.width // 2)
        return half, half
    other = read_header(pairs.b[index])
    if (one.width, one.height) != (other.width, other.height):
        raise I2IError(
            f"data.root: the pair '{path}' ({one.width}×{one.height}) and '{pairs.b[index]}' "
            f"({other.width}×{other.height}) differ in size; make them equal"
        )
    return one, other
