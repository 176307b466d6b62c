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
from i2i.data.painting import Style, label, part_colours, render, render_at
from i2i.data.palettes import PARTS
from i2i.data.preprocess import Preprocess, settle_sizes, settled_load_size
from i2i.data.scenes import ATTRIBUTES, COLOURS, KINDS, Scene, attributes, draw_landscape, draw_single

Layout = Literal["unpaired", "paired", "domains", "masks", "images"]
Light = Literal["day", "any"]
View = Style | Literal["lit", "parts"]
CACHE_BYTES = 2**28
"""Drawn pictures are kept up to this much memory in each process."""


class Demo:
    """Landscapes drawn on the spot, with ground truth: by day and by night, maps of their parts, or with attributes.

    Layout `unpaired`: `a` is a scene by day and `b` another one by night; `true_b` and `true_a` show the same
    two in the other light. Layout `paired`: `a` is a map of the parts in flat colours, `b` the scene by day; with
    `light = "any"` at some hour between day and night, so that one map has many true pictures. Layout `domains`:
    `image` is a scene with one shape, `domain` says what it is: red, yellow or violet, large, striped. Layout `masks`:
    `image` is a scene by day, `label_map` (1, size, size) says which part of it each pixel shows.
    Layout `images`: `image` is a scene with one shape, `label` is its class: circle, square or triangle, in turn.

    Pictures are (3, size, size) in 0..255; a picture and its truth are cropped and flipped alike. The split "test"
    has a fifth as many scenes as "train", and none of them.
    """

    def __init__(
        self,
        *,
        layout: Annotated[Layout, Field(description="what a sample holds")] = "unpaired",
        light: Annotated[
            Light, Field(description="of the layout paired: by day, or at any hour from day to night")
        ] = "day",
        count: Annotated[int, Field(ge=1, le=10**6, description="samples of the training split")] = 200,
        seed: Annotated[int, Field(ge=0, description="each seed draws other scenes")] = 0,
        split: Annotated[Literal["train", "test"], Field(description="which scenes")] = "train",
        size: Size = 64,
        load_size: LoadSize = "auto",
        flip: Flip = True,
    ) -> None:
        self.layout: Layout = layout
        self.light: Light = light
        self.count, self.seed = count, seed
        self.split: Literal["train", "test"] = split
        self._preprocess = Preprocess(size=size, load_size=settled_load_size(load_size, size), flip=flip)
        self._in_order = False
        self._drawn: dict[tuple[int, View], NDArray[np.uint8]] = {}
        self.facts = _facts(layout, size)

    @staticmethod
    def settle(options: Mapping[str, Any], *, image_size: int) -> dict[str, Any]:
        """`load_size = "auto"` as a number: 72 for size 64, and in proportion.

        Raises:
            ValueError: an option that the layout would ignore.
        """
        if options.get("light", "day") != "day" and options.get("layout") != "paired":
            raise ValueError("light: only the layout 'paired' is shown in another light; leave it out")
        return settle_sizes(options, image_size)

    def __len__(self) -> int:
        return self.count if self.split == "train" else held_out_count(self.count)

    def load(self, index: int, rng: torch.Generator) -> Mapping[str, Tensor]:
        """The pictures of a sample; unpaired, `b` is drawn from `rng`, but held-out data keeps to `index`."""
        if self.layout in ("domains", "images"):
            image = self._preprocess(self._picture(index, "day"), self._preprocess.draw(rng))
            if self.layout == "images":
                return {"image": image, "label": torch.tensor(index % len(KINDS))}
            return {"image": image, "domain": self.domain(index, rng)}
        if self.layout == "masks":
            return self._both(("label_map", "parts"), ("image", "day"), 2 * index, rng)
        if self.layout == "paired":
            lit: View = "day" if self.light == "day" else "lit"
            return self._both(("a", "map"), ("b", lit), 2 * index, rng)
        partner = index if self._in_order else int(torch.randint(len(self), (), generator=rng))
        by_day = self._both(("a", "day"), ("true_b", "night"), 2 * index, rng)
        return by_day | self._both(("b", "night"), ("true_a", "day"), 2 * partner + 1, rng)

    def domain(self, index: int, rng: torch.Generator) -> Tensor:
        """What a scene of the layout `domains` is, 0 or 1 for each attribute."""
        held = attributes(self._scene(index))
        return torch.tensor([float(held[name]) for name in ATTRIBUTES])

    def group(self, index: int) -> int:
        """All samples exchange labels."""
        return 0

    def name(self, index: int) -> str:
        """The split and the number of the sample."""
        return f"demo {self.split} {index}"

    def held_out(self) -> Demo | None:
        """The split "test", in order, drawn at `size` and neither cropped nor flipped."""
        return None if self.split == "test" else self._in_split("test")

    def still(self) -> Demo:
        """The same scenes, in order, drawn at `size` and neither cropped nor flipped."""
        return self if self._in_order else self._in_split(self.split)

    def _in_split(self, split: Literal["train", "test"]) -> Demo:
        size = self.facts.image_size
        made = Demo(
            layout=self.layout, light=self.light, count=self.count, seed=self.seed,
            split=split, size=size, load_size=size, flip=False,
        )  # fmt: skip
        made._in_order = True
        return made

    def counts(self) -> Mapping[str, int]:
        """Nothing: pictures are drawn when they are asked for."""
        return {}

    def parts(self) -> Mapping[str, Demo]:
        """Nothing: pictures are drawn when they are asked for."""
        return {}

    def _both(
        self, first: tuple[str, View], second: tuple[str, View], number: int, rng: torch.Generator
    ) -> dict[str, Tensor]:
        """Two renderings of one scene, cropped and flipped alike."""
        draw = self._preprocess.draw(rng)
        return {field: self._preprocess(self._picture(number, view), draw) for field, view in (first, second)}

    def _picture(self, number: int, view: View) -> NDArray[np.uint8]:
        known = self._drawn.get((number, view))
        if known is not None:
            return known
        picture = self._render(number, view, self._preprocess.load_size)
        if (len(self._drawn) + 1) * picture.nbytes <= CACHE_BYTES:
            self._drawn[number, view] = picture
        return picture

    def _render(self, number: int, view: View, size: int) -> NDArray[np.uint8]:
        scene = self._scene(number)
        if view == "parts":
            return label(scene, size)[..., None]
        if view != "lit":
            return render(scene, size, view)
        return render_at(scene, size, hour(self.seed, self.split, number))

    def _scene(self, number: int) -> Scene:
        if self.layout == "domains":
            return single(self.seed, self.split, number)
        if self.layout == "images":
            return single(self.seed, self.split, number, KINDS[number % len(KINDS)])
        return landscape(self.seed, self.split, number)


def _facts(layout: Layout, size: int) -> DataFacts:
    if layout == "domains":
        count = len(ATTRIBUTES)
        return DataFacts(
            fields=("image", "domain", "target"),
            image_size=size,
            channels={"image": 3},
            value_range={"image": (0.0, 255.0)},
            stored={"image": "uint8"},
            vectors={"domain": count, "target": count},
            domains=ATTRIBUTES,
            exclusive=(COLOURS,),
        )
    if layout == "images":
        return DataFacts(
            fields=("image", "label"),
            image_size=size,
            channels={"image": 3},
            value_range={"image": (0.0, 255.0)},
            stored={"image": "uint8"},
            labels={"label": len(KINDS)},
            classes=KINDS,
        )
    if layout == "masks":
        return DataFacts(
            fields=("label_map", "image"),
            image_size=size,
            channels={"image": 3},
            value_range={"image": (0.0, 255.0)},
            stored={"image": "uint8"},
            truth={"label_map": "image"},
            maps={"label_map": len(PARTS)},
            classes=PARTS,
            palette=part_colours(),
        )
    truth = {"a": "true_b", "b": "true_a"} if layout == "unpaired" else {"a": "b", "b": "a"}
    fields = tuple(dict.fromkeys(("a", "b", *truth.values())))
    return DataFacts(
        fields=fields,
        image_size=size,
        channels=dict.fromkeys(fields, 3),
        value_range=dict.fromkeys(fields, (0.0, 255.0)),
        stored=dict.fromkeys(fields, "uint8"),
        truth=truth,
    )


def landscape(seed: int, split: str, number: int) -> Scene:
    """A scene of the demo set; sample i of domain a is number 2i, of domain b number 2i + 1."""
    return draw_landscape(scene_rng(seed, split, number))


def single(seed: int, split: str, index: int, kind: str | None = None) -> Scene:
    """The scene of a sample of the layouts `domains` and `images`."""
    return draw_single(scene_rng(seed, split, index), kind)


def hour(seed: int, split: str, number: int) -> float:
    """When a scene of the layout `paired` is seen: 0 is day, 1 is night."""
    return float(np.random.default_rng(address("hour", seed, split, number)).random())


def scene_rng(seed: int, split: str, number: int) -> np.random.Generator:
    """The random numbers that a scene is drawn from; no two splits share any."""
    return np.random.default_rng(address("demo", seed, split, number))


def held_out_count(count: int) -> int:
    """Samples of the test split, given those of the training split."""
    return max(1, count // 5)
