"""Sample grids: a labelled column for each picture of the preview, a row for each sample."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from helpers import registry, tiny_engine, tiny_spec
from numpy.typing import NDArray
from PIL import Image

from i2i.data.demo import Demo
from i2i.run.samples import columns, grid, preview_batch
from i2i.spec.assemble import build_source
from i2i.translate.grid import GAP

LABELS = 20
"""Pixels above the pictures."""


def cell(sheet: NDArray[np.uint8], row: int, column: int, side: int) -> NDArray[np.uint8]:
    top, left = LABELS + GAP + row * (side + GAP), GAP + column * (side + GAP)
    return sheet[top : top + side, left : left + side]


def label(sheet: NDArray[np.uint8], column: int, side: int) -> NDArray[np.uint8]:
    return sheet[:LABELS, GAP + column * (side + GAP) :][:, :side]


def test_every_picture_stands_in_its_cell_below_its_label() -> None:
    shown = {
        "a": torch.full((2, 3, 128, 128), -1.0),
        "a to b": torch.stack([torch.full((3, 128, 128), 1.0), torch.zeros(3, 128, 128)]),
    }
    sheet = np.asarray(grid(shown))
    assert sheet.shape == (LABELS + GAP + 2 * (128 + GAP), GAP + 2 * (128 + GAP), 3)
    assert [int(cell(sheet, r, 0, 128).max()) for r in range(2)] == [0, 0]
    assert [int(cell(sheet, r, 1, 128).mean()) for r in range(2)] == [255, 128]
    # both labels are written, the longer one with more ink, and nothing else is above the pictures
    ink = [(label(sheet, c, 128) < 128).sum() for c in range(2)]
    assert 0 < ink[0] < ink[1]
    assert (sheet[LABELS : LABELS + GAP] == 255).all()


def test_small_pictures_are_enlarged_without_a_blur() -> None:
    shown = {"a": torch.tensor([[[[-1.0, 1.0], [1.0, -1.0]]]])}
    sheet = np.asarray(grid(shown))
    upper, lower = [0] * 64 + [255] * 64, [255] * 64 + [0] * 64
    assert cell(sheet, 0, 0, 128)[:, :, 0].tolist() == [upper] * 64 + [lower] * 64


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_pictures_of_every_depth_are_shown_as_colours(channels: int) -> None:
    assert grid({"a": torch.zeros(1, channels, 128, 128)}).mode == "RGB"


def test_what_is_out_of_range_is_clipped() -> None:
    shown = {"a": torch.full((1, 3, 128, 128), 9.0), "b": torch.full((1, 3, 128, 128), -9.0)}
    sheet = np.asarray(grid(shown))
    assert cell(sheet, 0, 0, 128).min() == 255
    assert cell(sheet, 0, 1, 128).max() == 0


@pytest.mark.parametrize(
    ("strategy", "labels"),
    [
        ("pix2pix", ["input", "output", "target"]),
        ("cyclegan", ["a", "a to b", "target", "and back to a", "b", "b to a", "and back to b"]),
    ],
)
def test_a_method_shows_its_columns_and_the_truth(strategy: str, labels: list[str]) -> None:
    spec = tiny_spec(strategy)
    source = build_source(spec, registry())
    fields = preview_batch(source, torch.device("cpu"), seed=0)
    shown = columns(tiny_engine(spec), fields, source.facts.truth)
    assert list(shown) == labels
    truth = fields["b"] if strategy == "pix2pix" else fields["true_b"]
    assert torch.equal(shown["target"], truth)


def test_the_preview_is_held_out_and_always_the_same() -> None:
    source = Demo(count=30, size=16)
    held = source.held_out()
    assert held is not None
    one, other = (preview_batch(source, torch.device("cpu"), seed=0) for _ in range(2))
    assert len(one["a"]) == 4
    assert torch.equal(one["a"], other["a"])
    first = held.load(0, torch.Generator().manual_seed(5))["a"]
    assert torch.allclose(one["a"][0], first / 127.5 - 1, atol=1e-6)  # float32 rounding


def test_the_grids_of_a_run_can_be_opened(paired_run: Path) -> None:
    pictures = sorted((paired_run / "samples").iterdir())
    assert [path.name for path in pictures] == ["step-000002.png", "step-000004.png"]
    sheets = []
    for path in pictures:
        with Image.open(path) as image:
            sheets.append(np.asarray(image.convert("RGB")))
    rows = (sheets[0].shape[0] - LABELS - GAP) // (128 + GAP)
    assert sheets[0].shape == (LABELS + GAP + rows * (128 + GAP), GAP + 3 * (128 + GAP), 3)
    assert all((label(sheets[0], column, 128) < 128).any() for column in range(3))
    inputs, outputs, targets = ([cell(sheet, 0, column, 128) for sheet in sheets] for column in range(3))
    assert np.array_equal(*inputs)
    assert np.array_equal(*targets)
    assert not np.array_equal(*outputs)
