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
from click.testing import CliRunner
from PIL import Image
from torch import Tensor

from i2i.cli.main import cli
from i2i.core.batch import Batch, Parts
from i2i.core.data import DataFacts
from i2i.core.errors import I2IError, SpecError
from i2i.core.strategy import Make, Phase, Strategy
from i2i.spec.spec import Spec
from i2i.translate import sampling
from i2i.translate.grid import GAP
from i2i.translate.model import Model
from i2i.translate.sampling import sheet

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


def test_how_many_there_are_by_default() -> None:
    assert len(model().sample(label="dark")) == 16
    assert [len(row) for row in model().sample().values()] == [8, 8]


def test_a_square_is_read_like_a_page() -> None:
    levels = torch.linspace(-1, 1, 5)
    page = np.asarray(sheet({"output": levels.view(5, 1, 1, 1).expand(-1, 3, 8, 8)}))
    assert page.shape == (GAP + 2 * (128 + GAP), GAP + 3 * (128 + GAP), 3)  # no band: there is nothing to say
    corners = [(row, column) for row in (0, 1) for column in (0, 1, 2)][:5]
    shown = [int(page[GAP + row * (128 + GAP), GAP + column * (128 + GAP), 0]) for row, column in corners]
    assert shown == [0, 64, 128, 191, 255]


def test_columns_are_numbered_from_one(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Any] = []
    monkeypatch.setattr(sampling, "draw_grid", lambda columns, names: drawn.append(([*columns], names)))
    sheet({"dark": torch.zeros(3, 3, 8, 8), "bright": torch.zeros(3, 3, 8, 8)})
    ((columns, names),) = drawn
    assert [label for label, _ in columns] == ["1", "2", "3"]
    assert [len(column) for _, column in columns] == [2, 2, 2]
    assert names == ["dark", "bright"]


def test_the_command_hands_everything_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(
        "i2i.translate.loading.load", lambda run, **how: asked.append((run, how["device"])) or model()
    )
    line = ["sample", "RUN@4", "-n", "3", "-c", "label=dark", "--seed", "7", "--device", "cpu"]
    result = CliRunner().invoke(cli, [*line, "-o", str(tmp_path / "files")])
    assert result.exit_code == 0, result.output
    assert asked == [("RUN@4", "cpu")]
    made = [np.asarray(Image.open(tmp_path / "files" / f"{n}.png")) for n in (1, 2, 3)]
    assert len([*(tmp_path / "files").iterdir()]) == 3
    expected = pixels(model().sample(3, label="dark", seed=7))
    assert all(np.array_equal(one, other) for one, other in zip(made, expected, strict=True))


def test_a_folder_holds_a_file_of_each(tmp_path: Path) -> None:
    model().sample(10, label="dark", out=tmp_path / "one")
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == [f"{n:02}.png" for n in range(1, 11)]
    model().sample(1, out=tmp_path / "two")
    assert sorted(path.name for path in (tmp_path / "two").iterdir()) == ["bright-1.png", "dark-1.png"]


def test_a_sheet_that_no_file_could_hold_is_refused(tmp_path: Path) -> None:
    refused(model(), "a grid of 2 rows and 251 columns is too large", 251, out=tmp_path / "large.png")


def test_methods_with_a_prior_need_no_input() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Prior(Copy):
        prior = True

    assert len(model(Prior()).sample(2, label="dark")) == 2


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
    refused(
        model(), r"s\.txt: samples cannot be written as text/plain; name a picture", 1, out=tmp_path / "s.txt"
    )
    assert not (tmp_path / "s.txt").exists()
    with pytest.raises(I2IError, match="strategy 'dots' takes no picture: it draws its own; use i2i sample"):
        model().translate(torch.zeros(3, 8, 8), label="dark")
