"""Runs on pictures with labels: what a label means stays the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from data_helpers import fill, table
from helpers import registry
from trained import PERIODS

from i2i.core.errors import I2IError
from i2i.run.run import Run, build

ROWS = [f"{number}.png,{number % 2},{number % 3 % 2}" for number in range(1, 7)]


def faces(root: Path, header: str) -> Path:
    """Six pictures with two labels."""
    fill(root, [f"{number}.png" for number in range(1, 7)])
    table(root, ROWS, header)
    return root


def tables(root: Path, **train: Any) -> dict[str, Any]:
    return {
        "strategy": {
            "name": "stargan",
            "generator": {"width": 2, "blocks": 0},
            "discriminator": {"width": 2, "layers": 2},
            "n_critic": 1,
        },
        "data": {"root": str(root), "size": 8, "workers": 0},
        "train": {**PERIODS, "steps": 1, "batch": 2, "device": "cpu", **train},
    }


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """One step with the labels red and large."""
    source = faces(tmp_path / "faces", "image,red,large")
    return build(tables(source), registry=registry(), out=tmp_path / "run").train()


def resumed(run: Path, root: Path) -> Path:
    return Run.open(run, registry=registry(), settings=[f"data.root={root}", "train.steps=2"]).train()


@pytest.mark.parametrize("header", ["image,large,red", "image,red,huge"])
def test_a_run_does_not_go_on_with_other_labels(run: Path, tmp_path: Path, header: str) -> None:
    other = faces(tmp_path / "other", header)
    with pytest.raises(I2IError) as error:
        resumed(run, other)
    now = header.removeprefix("image,").replace(",", ", ")
    assert str(error.value).startswith(
        f"data.root: the labels of this data are {now}, and the run was trained with red, large; "
    )


def test_a_run_goes_on_where_its_pictures_were_moved_to(run: Path, tmp_path: Path) -> None:
    assert resumed(run, faces(tmp_path / "moved", "image,red,large")) == run


def test_a_start_with_other_labels_says_so(run: Path, tmp_path: Path) -> None:
    def start(header: str) -> str:
        made = tables(faces(tmp_path / header[6:], header), init_from=str(run))
        return build(made, registry=registry(), out=tmp_path / "new").start

    note = "the labels are large, red here, red, large there"
    assert start("image,large,red").splitlines()[-1] == note
    assert "the labels are" not in start("image,red,large")


def test_a_batch_of_one_has_no_labels_to_exchange(tmp_path: Path) -> None:
    with pytest.raises(I2IError, match=r"train\.batch: 1 is too small"):
        build(tables(faces(tmp_path / "faces", "image,red,large"), batch=1), registry=registry())
