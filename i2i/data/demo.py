"""A small data set drawn on the spot, with ground truth: to try a method without any files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from i2i.core.batch import address
from i2i.core.data import DataFacts
from i2i.data.options import Flip, LoadSize, Size
from i2i.data.painting import Style, render
from i2i.data.preprocess import Preprocess, settle_sizes, settled_load_size
from i2i.data.scenes import Scene, draw_landscape

Layout = Literal["unpaired", "paired"]
CACHE_BYTES = 2**28
"""Drawn pictures are kept up to this much memory in each process."""


class Demo:
    """Landscapes drawn on the spot, with ground truth: by day and by night, or maps of their parts.

    Layout `unpaired`: `a` is a scene by day and `b` another one by night; `true_b` and `true_a` show the same
    two in the other light. Layout `paired`: `a` is a map of the parts in flat colours, `b` the scene by day.
    All are (3, size, size) in 0..255; a picture and its truth are cropped and flipped alike. The split "test"
    has a fifth as many scenes as "train", and none of them.
    """

    def __init__(
        self,
        *,
        layout: Annotated[Layout, Field(description="what a sample holds")] = "unpaired",
        count: Annotated[int, Field(ge=1, description="samples of the training split")] = 200,
        seed: Annotated[int, Field(ge=0, description="each seed draws other scenes")] = 0,
        split: Annotated[Literal["train", "test"], Field(description="which scenes")] = "train",
        size: Size = 64,
        load_size: LoadSize = "auto",
        flip: Flip = True,
    ) -> None:
        self.layout: Layout = layout
        self.count, self.seed, self.split = count, seed, split
        self._preprocess = Preprocess(size=size, load_size=settled_load_size(load_size, size), flip=flip)
        self._in_order = False
        self._drawn: dict[tuple[int, Style], NDArray[np.uint8]] = {}
        truth = {"a": "true_b", "b": "true_a"} if layout == "unpaired" else {"a": "b", "b": "a"}
        fields = tuple(dict.fromkeys(("a", "b", *truth.values())))
        self.facts = DataFacts(
            fields=fields,
            image_size=size,
            channels=dict.fromkeys(fields, 3),
            value_range=dict.fromkeys(fields, (0.0, 255.0)),
            truth=truth,
        )

    @staticmethod
    def settle(options: Mapping[str, Any], *, image_size: int) -> dict[str, Any]:
        """`load_size = "auto"` as a number: 72 for size 64, and in proportion."""
        return settle_sizes(options, image_size)

    def __len__(self) -> int:
        return self.count if self.split == "train" else held_out_count(self.count)

    def load(self, index: int, rng: torch.Generator) -> Mapping[str, Tensor]:
        """The pictures of a sample; unpaired, `b` is drawn from `rng`, but held-out data keeps to `index`."""
        if self.layout == "paired":
            return self._both(("a", "map"), ("b", "day"), 2 * index, rng)
        partner = index if self._in_order else int(torch.randint(len(self), (), generator=rng))
        by_day = self._both(("a", "day"), ("true_b", "night"), 2 * index, rng)
        return by_day | self._both(("b", "night"), ("true_a", "day"), 2 * partner + 1, rng)

    def name(self, index: int) -> str:
        """The split and the number of the sample."""
        return f"demo {self.split} {index}"

    def held_out(self) -> Demo | None:
        """The split "test", in order, drawn at `size` and neither cropped nor flipped."""
        if self.split == "test":
            return None
        of, size = (self.layout, self.count, self.seed), self.facts.image_size
        held = Demo(
            layout=of[0], count=of[1], seed=of[2], split="test", size=size, load_size=size, flip=False
        )
        held._in_order = True
        return held

    def _both(
        self, first: tuple[str, Style], second: tuple[str, Style], number: int, rng: torch.Generator
    ) -> dict[str, Tensor]:
        """Two renderings of one scene, cropped and flipped alike."""
        draw = self._preprocess.draw(rng)
        return {
            field: self._preprocess(self._picture(number, style), draw) for field, style in (first, second)
        }

    def _picture(self, number: int, style: Style) -> NDArray[np.uint8]:
        known = self._drawn.get((number, style))
        if known is not None:
            return known
        picture = render(landscape(self.seed, self.split, number), self._preprocess.load_size, style)
        if (len(self._drawn) + 1) * picture.nbytes <= CACHE_BYTES:
            self._drawn[number, style] = picture
        return picture


def landscape(seed: int, split: str, number: int) -> Scene:
    """A scene of the demo set; sample i of domain a is number 2i, of domain b number 2i + 1."""
    return draw_landscape(scene_rng(seed, split, number))


def scene_rng(seed: int, split: str, number: int) -> np.random.Generator:
    """The random numbers that a scene is drawn from; no two splits share any."""
    return np.random.default_rng(address("demo", seed, split, number))


def held_out_count(count: int) -> int:
    """Samples of the test split, given those of the training split."""
    return max(1, count // 5)
