"""Samples from random numbers alone: a sheet, files, or pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from i2i.core.batch import Batch, Parts
from i2i.core.data import DataFacts
from i2i.core.errors import I2IError, SpecError
from i2i.core.strategy import Make, Phase, Strategy
from i2i.spec.spec import Spec
from i2i.translate.model import Model

CLASSES = ("dark", "bright")


@dataclass(frozen=True, kw_only=True)
class Dots(Strategy):
    """Noise around a level: a class is dark or bright."""

    def wants(self) -> tuple[str, ...]:
        return ("image",)

    def takes(self, controls: Mapping[str, Any]) -> tuple[str, ...]:
        return ("seed",)

    def build(self, make: Make, data: DataFacts) -> Mapping[str, Any]:
        return {}

    def phases(self) -> Sequence[Phase]:
        return []

    def captions(self, net: Parts, controls: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
        if controls["label"] is not None:
            return {controls["label"]: controls}
        return {name: {**controls, "label": name} for name in CLASSES}

    def translate(self, net: Parts, x: Batch, *, label: str | None = None) -> Tensor:
        if label not in CLASSES:
            raise ValueError(f"label: there is no '{label}'")
        noise = x.random.uniform(x.seed.new_empty(len(x.seed), 3, 8, 8, dtype=torch.float32))
        return (noise - 1) if label == "dark" else noise


@dataclass(frozen=True, kw_only=True)
class Copy(Dots):
    """Takes a picture."""

    def takes(self, controls: Mapping[str, Any]) -> tuple[str, ...]:
        return ("image",)


def model(strategy: Strategy | None = None, high: float = 255.0) -> Model:
    facts = DataFacts(
        fields=("image",), image_size=8, channels={"image": 3}, value_range={"image": (0.0, high)}
    )
    spec = cast(Spec, SimpleNamespace(strategy=SimpleNamespace(name="dots")))
    return Model(spec, strategy or Dots(), Parts({}), facts, torch.device("cpu"))


def pixels(pictures: Sequence[Image.Image]) -> list[np.ndarray]:
    return [np.asarray(picture) for picture in pictures]


def test_samples_depend_on_the_seed_and_their_number_alone() -> None:
    many, few = (pixels(model().sample(count, label="dark")) for count in (20, 3))
    assert len(many) == 20  # more than the networks see at a time
    assert all(np.array_equal(one, other) for one, other in zip(few, many, strict=False))
    assert len({one.tobytes() for one in many}) == 20
    assert not np.array_equal(few[0], pixels(model().sample(1, label="dark", seed=1))[0])


def test_every_setting_gets_the_same_random_numbers() -> None:
    rows = model().sample(2)
    assert list(rows) == ["dark", "bright"]
    dark, bright = (np.asarray(rows[name][0]).astype(int) for name in CLASSES)
    assert dark.max() <= 128 <= bright.min() + 1
    assert abs(bright - dark - 127.5).max() <= 1  # both are rounded


def test_deep_pictures_stay_deep() -> None:
    (sample,) = model(high=4095.0).sample(1, label="bright")
    assert sample.dtype == np.uint16
    assert sample.min() >= 2047 and 3900 < sample.max() <= 4095


def test_a_picture_is_a_sheet(tmp_path: Path) -> None:
    square = model().sample(5, label="dark", out=tmp_path / "square.png")
    rows = model().sample(5, out=tmp_path / "rows.png")
    assert (square, rows) == (tmp_path / "square.png", tmp_path / "rows.png")
    assert Image.open(square).size[0] < Image.open(rows).size[0]  # three columns, and five


def test_a_folder_holds_a_file_of_each(tmp_path: Path) -> None:
    model().sample(10, label="dark", out=tmp_path / "one")
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == [f"{n:02}.png" for n in range(1, 11)]
    model().sample(1, out=tmp_path / "two")
    assert sorted(path.name for path in (tmp_path / "two").iterdir()) == ["bright-1.png", "dark-1.png"]


def refused(make: Model, match: str, count: int | None = None, **controls: Any) -> None:
    with pytest.raises(I2IError, match=match):
        make.sample(count, **controls)


def test_what_is_refused_is_said(tmp_path: Path) -> None:
    refused(model(Copy()), "strategy 'dots' draws nothing from random numbers alone: it translates pictures")
    refused(model(), "0 samples are none; ask for one or more", 0)
    refused(model(), "no samples could be drawn: label: there is no 'grey'", label="grey")
    refused(model(), "control.lable", lable="dark")
    for control in ({"samples": 3}, {"sync": True}):
        with pytest.raises(SpecError, match="samples have no input that this could be about; leave it out"):
            model().sample(**control)  # type: ignore[arg-type]
    (tmp_path / "file").write_text("")
    refused(model(), "is a file; name a folder for the samples, or a picture", 1, out=tmp_path / "file")
    with pytest.raises(I2IError, match="strategy 'dots' takes no picture: it draws its own; use i2i sample"):
        model().translate(torch.zeros(3, 8, 8), label="dark")
