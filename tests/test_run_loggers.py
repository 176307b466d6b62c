"""Numbers, pictures and the spec of a run arrive where its loggers write."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import registry
from logging_runs import Quiet, logged, steps_of, with_logger
from PIL import Image
from trained import train_told

import i2i
from i2i.core.errors import I2IError
from i2i.engine import lines
from i2i.run.loggers.csv import Csv
from i2i.run.loggers.opening import flat
from i2i.run.loggers.tensorboard import TensorBoard


@pytest.fixture
def reader() -> Any:
    return pytest.importorskip("tensorboard.backend.event_processing.event_accumulator").EventAccumulator


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


# What every logger is told


def test_a_logger_is_told_numbers_and_pictures_in_order(tmp_path: Path) -> None:
    logged(tmp_path / "run", "mine", components=with_logger(Quiet), steps=1).train()
    start, numbers, judged, picture, end = Quiet.told
    assert (start, end) == (("open", "run"), ("close",))
    assert {"generator/pixel", "lr/G", "images_per_second", "waiting_for_data"} <= set(numbers)
    assert judged[:2] == (1, "validate/l1")
    assert picture == (1, "samples", torch.uint8, 3)


def test_spec_and_report_are_told_to_whoever_wants_them(tmp_path: Path) -> None:
    class Curious(Quiet):
        def spec(self, text: str, values: dict[str, Any]) -> None:
            self.told.append(("spec", text, values))

        def file(self, path: Path) -> None:
            self.told.append(("file", path))

    run = logged(tmp_path / "run", "mine", components=with_logger(Curious), steps=1)
    for _ in run.steps():
        (tmp_path / "run/report.html").write_text("<html>", encoding="utf-8")
    _, (_, text, values), *_, file, _ = Curious.told
    assert text == (tmp_path / "run/spec.toml").read_text(encoding="utf-8")
    assert (values["strategy.name"], values["train.steps"], values["loggers.0.name"]) == (
        "pix2pix",
        1,
        "mine",
    )
    assert file == ("file", tmp_path / "run/report.html")


def test_keys_are_dotted_and_lists_of_tables_are_counted() -> None:
    tables = {"a": {"b": {"c": 1}, "d": [1, 2]}, "e": [{"f": 2}, {"f": 3}], "g": []}
    assert dict(flat(tables)) == {"a.b.c": 1, "a.d": [1, 2], "e.0.f": 2, "e.1.f": 3, "g": []}


# CSV


def test_csv_holds_what_the_metrics_hold(tmp_path: Path) -> None:
    folder = logged(tmp_path / "run", "csv").train()
    rows: dict[int, dict[str, Any]] = {}
    for line in lines.read(folder / "metrics.jsonl"):
        rows.setdefault(line["step"], {}).update(line)
    written = table(folder / "metrics.csv")
    assert [int(row["step"]) for row in written] == [1, 2, 3, 4]
    assert [row["validate/l1"] != "" for row in written] == [False, True, False, True]
    for row in written:
        numbers = {name: float(value) for name, value in row.items() if value}
        assert numbers == {name: value for name, value in rows[int(row["step"])].items() if name != "time"}


@pytest.mark.parametrize("left", [3, 4])
def test_a_resumed_run_repeats_no_row(tmp_path: Path, left: int) -> None:
    run = logged(tmp_path / "run", "csv", steps=6, checkpoint_every=2)
    steps_of(run, left)
    i2i.Run.open(tmp_path / "run", registry=registry()).train()
    whole = table(logged(tmp_path / "whole", "csv", steps=6).train() / "metrics.csv")
    written = table(tmp_path / "run/metrics.csv")
    assert [row["step"] for row in written] == ["1", "2", "3", "4", "5", "6"]
    pace = ("images_per_second", "waiting_for_data", "memory/peak")
    for one, other in zip(written, whole, strict=True):
        assert {k: v for k, v in one.items() if k not in pace} == {
            k: v for k, v in other.items() if k not in pace
        }


def test_a_step_that_comes_again_replaces_what_followed(tmp_path: Path) -> None:
    logger = Csv()
    logger.open(tmp_path)
    for step, values in ((1, {"a": 1.0}), (2, {"a": 2.0}), (2, {"a": 2.5}), (3, {"b": 3.0}), (2, {"a": 9.0})):
        logger.scalars(step, values)
    assert (tmp_path / "metrics.csv").read_bytes() == b"step,a,b\n1,1,\n2,9,\n"


def test_numbers_have_six_digits_and_what_is_not_finite_is_empty(tmp_path: Path) -> None:
    logger = Csv(file="numbers.csv")
    logger.open(tmp_path)
    logger.scalars(1, {"a": 1 / 3, "b": float("nan"), "c": float("inf"), "d": 123456789.0})
    assert table(tmp_path / "numbers.csv") == [
        {"step": "1", "a": "0.333333", "b": "", "c": "", "d": "1.23457e+08"}
    ]


def test_a_torn_row_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "metrics.csv").write_bytes(b"step,a,b\n1,1,1\n2,2")
    logger = Csv()
    logger.open(tmp_path)
    logger.scalars(2, {"a": 3.0, "b": 4.0})
    assert (tmp_path / "metrics.csv").read_bytes() == b"step,a,b\n1,1,1\n2,3,4\n"


# TensorBoard


def test_tensorboard_has_numbers_pictures_and_the_spec(tmp_path: Path, reader: Any) -> None:
    folder = logged(tmp_path / "run", {"name": "tensorboard", "folder": "events"}).train()
    events = reader(str(folder / "events"))
    events.Reload()
    assert [event.step for event in events.Scalars("generator/pixel")] == [1, 2, 3, 4]
    assert [event.step for event in events.Scalars("validate/l1")] == [2, 4]
    assert [event.step for event in events.Images("samples")] == [2, 4]
    for event in events.Images("samples"):
        with Image.open(folder / f"samples/step-{event.step:06}.png") as sample:
            picture = Image.open(io.BytesIO(event.encoded_image_string))
            assert picture.tobytes() == sample.convert("RGB").tobytes()
    assert {"lr/G", "images_per_second", "discriminator/real"} <= set(events.Tags()["scalars"])
    (text,) = events.Tensors("spec/text_summary")
    assert b'name = "pix2pix"' in text.tensor_proto.string_val[0]


def test_a_resumed_run_hides_in_tensorboard_what_it_repeats(tmp_path: Path, reader: Any) -> None:
    steps_of(logged(tmp_path / "run", "tensorboard", steps=6), 3)
    events = reader(str(tmp_path / "run/tensorboard"))
    events.Reload()
    assert [event.step for event in events.Scalars("generator/pixel")] == [1, 2, 3]  # left early, and written
    i2i.Run.open(tmp_path / "run", registry=registry()).train()
    events = reader(str(tmp_path / "run/tensorboard"))
    events.Reload()
    assert [event.step for event in events.Scalars("generator/pixel")] == [1, 2, 3, 4, 5, 6]
    assert [event.step for event in events.Images("samples")] == [2, 4, 6]
    assert len(events.Tensors("spec/text_summary")) == 1


def test_without_tensorboard_the_install_command_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "torch.utils.tensorboard", None)
    with pytest.raises(I2IError) as error:
        train_told(logged(tmp_path / "run", "tensorboard"))
    assert str(error.value) == (
        "logger 'tensorboard' needs TensorBoard: pip install 'i2i-toolkit[tensorboard]'"
    )


@pytest.mark.parametrize("name", ["../outside", "/outside", "a/../../outside", "."])
def test_they_stay_inside_the_run_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(I2IError, match=f"loggers: folder '{name}' lies outside the run folder"):
        TensorBoard(folder=name).open(tmp_path / "run")
    with pytest.raises(I2IError, match=f"loggers: file '{name}' lies outside the run folder"):
        Csv(file=name).open(tmp_path / "run")


def test_a_link_does_not_lead_them_out(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run/link").symlink_to(tmp_path)
    with pytest.raises(I2IError, match="lies outside"):
        Csv(file="link/metrics.csv").open(tmp_path / "run")
