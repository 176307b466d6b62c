"""TensorBoard gets every number and every grid."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from helpers import registry
from trained import run_tables

from i2i.core.errors import I2IError
from i2i.run.loggers import TensorBoard
from i2i.run.run import build


@pytest.fixture
def reader() -> object:
    return pytest.importorskip("tensorboard.backend.event_processing.event_accumulator").EventAccumulator


def test_a_run_writes_numbers_and_pictures(tmp_path: Path, reader: object) -> None:
    tables = {**run_tables("pix2pix"), "loggers": [{"name": "tensorboard", "folder": "events"}]}
    folder = build(tables, registry=registry(), out=tmp_path / "run").train()
    events = reader(str(folder / "events"))  # type: ignore[operator]
    events.Reload()
    assert [event.step for event in events.Scalars("generator/pixel")] == [1, 2, 3, 4]
    assert [event.step for event in events.Scalars("validate/l1")] == [2, 4]
    assert [event.step for event in events.Images("samples")] == [2, 4]
    assert {"lr/G", "images_per_second", "discriminator/real"} <= set(events.Tags()["scalars"])


def test_it_is_written_out_when_the_run_is_left_early(tmp_path: Path, reader: object) -> None:
    tables = {**run_tables("pix2pix"), "loggers": ["tensorboard"]}
    steps = build(tables, registry=registry(), out=tmp_path / "run").steps()
    next(steps)
    steps.close()  # type: ignore[attr-defined]
    events = reader(str(tmp_path / "run/tensorboard"))  # type: ignore[operator]
    events.Reload()
    assert [event.step for event in events.Scalars("generator/pixel")] == [1]


@pytest.mark.parametrize("folder", ["../outside", "/outside", "a/../../outside"])
def test_it_stays_inside_the_run_folder(tmp_path: Path, folder: str) -> None:
    with pytest.raises(I2IError, match=f"loggers: folder '{folder}' lies outside the run folder"):
        TensorBoard(folder=folder).open(tmp_path / "run")


def test_without_tensorboard_the_install_command_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "torch.utils.tensorboard", None)
    with pytest.raises(I2IError) as error:
        TensorBoard().open(tmp_path)
    assert str(error.value) == (
        "logger 'tensorboard' needs TensorBoard: pip install 'i2i-toolkit[tensorboard]'"
    )


def test_any_object_with_the_four_methods_is_a_logger(tmp_path: Path) -> None:
    told: list[str] = []

    class Mine:
        """Remembers."""

        def open(self, folder: Path) -> None:
            told.append(f"open {folder.name}")

        def scalars(self, step: int, values: dict[str, float]) -> None:
            told.append(f"{step} {len(values) > 0}")

        def picture(self, step: int, name: str, picture: torch.Tensor) -> None:
            told.append(f"{step} {name} {picture.dtype} {picture.shape[0]}")

        def close(self) -> None:
            told.append("close")

    mine = type(registry())("mine")
    mine.merge(registry())
    mine.add("logger", "mine", Mine)
    tables = {**run_tables("pix2pix", steps=1), "loggers": ["mine"]}
    build(tables, registry=mine, out=tmp_path / "run").train()
    assert told == ["open run", "1 True", "1 True", "1 samples torch.uint8 3", "close"]
