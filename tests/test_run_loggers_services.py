"""Weights & Biases and MLflow, read back with their own readers; nothing here needs a network."""

from __future__ import annotations

import json
import struct
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from helpers import everything, registry, unequal
from logging_runs import logged, steps_of
from PIL import Image
from trained import train_told

import i2i
from i2i.core.errors import I2IError
from i2i.run.loggers.mlflow import MLflow
from i2i.run.loggers.record import Record
from i2i.run.loggers.wandb import WeightsAndBiases

EXPECTED = {"generator/pixel", "lr/G", "images_per_second", "validate/l1"}


def pixels(files: Iterable[Path]) -> set[bytes]:
    return {Image.open(file).convert("RGB").tobytes() for file in files}


# Weights & Biases


BLOCK, HEAD = 2**15, 7  # the log format of LevelDB, after a head of seven bytes


def entries(data: bytes) -> Iterator[bytes]:
    """The entries of a file of Weights & Biases, which has no reader in Python."""
    at, entry = HEAD, b""
    while at + HEAD <= len(data):
        if BLOCK - at % BLOCK < HEAD:  # too little for a head
            at += BLOCK - at % BLOCK
            continue
        length, kind = struct.unpack("<HB", data[at + 4 : at + HEAD])
        entry += data[at + HEAD : at + HEAD + length]
        at += HEAD + length
        if kind in (1, 4):  # whole, or its last part
            yield entry
            entry = b""


def records(folder: Path, kind: str) -> list[Any]:
    """What Weights & Biases keeps of a kind, in order of time."""
    proto = pytest.importorskip("wandb.proto.wandb_internal_pb2")
    files = sorted(folder.glob("wandb/offline-run-*/*.wandb"))
    found = [proto.Record.FromString(entry) for file in files for entry in entries(file.read_bytes())]
    return [getattr(record, kind) for record in found if record.WhichOneof("record_type") == kind]


def history(folder: Path) -> list[dict[str, Any]]:
    """The rows that Weights & Biases keeps."""
    rows = [record.item for record in records(folder, "history")]
    return [{(i.key or "/".join(i.nested_key)): json.loads(i.value_json) for i in row} for row in rows]


def test_wandb_has_numbers_pictures_and_the_spec(tmp_path: Path) -> None:
    pytest.importorskip("wandb")
    run = logged(tmp_path / "run", {"name": "wandb", "project": "mine", "run_name": "first"})
    for _ in run.steps():
        (tmp_path / "run/report.html").write_text("<html>", encoding="utf-8")
    rows = history(tmp_path / "run")
    assert [row["_step"] for row in rows] == [1, 2, 3, 4]
    assert set(rows[1]) >= EXPECTED
    assert rows[1]["samples/_type"] == "image-file"
    pictures = pixels(tmp_path.glob("run/wandb/offline-run-*/files/media/images/samples*.png"))
    assert pictures == pixels(tmp_path.glob("run/samples/*.png"))
    assert len(list(tmp_path.glob("run/wandb/offline-run-*/files/report.html"))) == 1
    (told, *_) = records(tmp_path / "run", "run")
    assert (told.project, told.display_name) == ("mine", "first")
    updates = records(tmp_path / "run", "config")
    config = {u.key: json.loads(u.value_json) for update in updates for u in update.update}
    assert (config["strategy"]["name"], config["train"]["steps"]) == ("pix2pix", 4)


def test_a_resumed_run_is_the_same_one_and_repeats_nothing_in_wandb(tmp_path: Path) -> None:
    pytest.importorskip("wandb")
    steps_of(logged(tmp_path / "run", "wandb", steps=6), 3)
    i2i.Run.open(tmp_path / "run", registry=registry()).train()
    assert [row["_step"] for row in history(tmp_path / "run")] == [1, 2, 3, 4, 5, 6]
    told = records(tmp_path / "run", "run")
    assert len({run.run_id for run in told}) == 1
    assert {run.display_name for run in told} == {"run"}


def test_wandb_sends_nothing_about_its_use(tmp_path: Path) -> None:
    wandb = pytest.importorskip("wandb")
    wandb.setup(settings=wandb.Settings(mode="online"))
    logger = WeightsAndBiases()
    logger.open(tmp_path)
    logger.close()
    assert wandb.setup().settings.mode == "offline"  # of the process: what decides whether it reports its use


def test_wandb_asks_nobody_on_the_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wandb = pytest.importorskip("wandb")
    monkeypatch.setattr(wandb, "login", lambda *, prompt: prompt)
    with pytest.raises(I2IError, match=r"nobody is logged in; run: wandb login, or set mode"):
        WeightsAndBiases(mode="online").open(tmp_path)


def test_wandb_names_a_wrong_option(tmp_path: Path) -> None:
    pytest.importorskip("wandb")
    with pytest.raises(I2IError, match=r"logger 'wandb': .*project"):
        WeightsAndBiases(project="a/b").open(tmp_path)


def test_wandb_can_be_disabled(tmp_path: Path) -> None:
    pytest.importorskip("wandb")
    folder = logged(tmp_path / "run", {"name": "wandb", "mode": "disabled"}, steps=1).train()
    assert not list(folder.glob("wandb/*run-*"))


# MLflow


def client(folder: Path) -> Any:
    mlflow = pytest.importorskip("mlflow")
    return mlflow.MlflowClient(tracking_uri=f"sqlite:///{(folder / 'mlflow/mlflow.db').as_posix()}")


def test_mlflow_has_numbers_pictures_and_the_spec_and_a_resumed_run_repeats_nothing(tmp_path: Path) -> None:
    pytest.importorskip("mlflow")
    pytest.importorskip("alembic")
    folder = tmp_path / "run"
    steps_of(logged(folder, {"name": "mlflow", "experiment": "mine"}, steps=6), 3)
    again = i2i.Run.open(folder, registry=registry(), settings=["train.steps=7"])
    (folder / "report.html").write_text("<html>", encoding="utf-8")
    again.train()
    reader = client(folder)
    experiment = reader.get_experiment_by_name("mine")
    (run,) = reader.search_runs([experiment.experiment_id])
    assert (run.info.run_name, run.info.status) == ("run", "FINISHED")
    assert set(run.data.metrics) >= EXPECTED
    number = run.info.run_id
    assert [m.step for m in reader.get_metric_history(number, "generator/pixel")] == [1, 2, 3, 4, 5, 6, 7]
    assert [m.step for m in reader.get_metric_history(number, "validate/l1")] == [2, 4, 6, 7]
    assert (run.data.params["strategy.name"], run.data.params["train.steps"]) == ("pix2pix", "6")
    assert {file.path for file in reader.list_artifacts(number)} == {"spec.toml", "images", "report.html"}
    spec = folder / "mlflow/files" / number / "artifacts/spec.toml"
    assert "steps = 7" in spec.read_text(encoding="utf-8")
    files = folder.glob(f"mlflow/files/{number}/artifacts/images/*.png")
    assert pixels(files) == pixels(folder.glob("samples/*.png"))
    pictures = [file.path for file in reader.list_artifacts(number, "images") if file.path.endswith(".png")]
    assert [name for step in (2, 4, 6, 7) for name in pictures if f"+step+{step}+" in name] == sorted(
        pictures
    )


def test_mlflow_sends_nothing_about_its_use(tmp_path: Path) -> None:
    mlflow = pytest.importorskip("mlflow")
    pytest.importorskip("alembic")
    mlflow.environment_variables.MLFLOW_DISABLE_TELEMETRY.set(False)
    logger = MLflow()
    logger.open(tmp_path)
    logger.close()
    assert mlflow.environment_variables.MLFLOW_DISABLE_TELEMETRY.get()
    assert mlflow.telemetry.get_telemetry_client() is None


def test_mlflow_names_what_it_refuses(tmp_path: Path) -> None:
    pytest.importorskip("mlflow")
    with pytest.raises(I2IError, match="logger 'mlflow': "):
        MLflow(tracking_uri=(tmp_path / "here").as_uri()).open(tmp_path)


def test_mlflow_without_a_server_needs_its_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("mlflow")
    monkeypatch.setitem(sys.modules, "alembic", None)
    monkeypatch.setitem(sys.modules, "sqlalchemy", ModuleType("sqlalchemy"))
    with pytest.raises(I2IError) as error:
        MLflow().open(tmp_path)
    assert str(error.value) == (
        "alembic is needed for logger 'mlflow' without a server: pip install 'i2i-toolkit[mlflow]'"
    )


# Both


@pytest.mark.parametrize("names", [["wandb"], ["mlflow", "tensorboard"]], ids=str)
def test_they_change_nothing(tmp_path: Path, names: list[str]) -> None:
    for module in ("wandb", "mlflow", "alembic", "tensorboard"):
        pytest.importorskip(module)
    run, plain = logged(tmp_path / "run", *names, steps=2), logged(tmp_path / "plain", steps=2)
    assert not [note for note in train_told(run) if "switched off" in note]
    plain.train()
    assert not unequal(everything(run.engine), everything(plain.engine))


def test_a_record_takes_each_step_once(tmp_path: Path) -> None:
    record = Record(tmp_path / "service/i2i.json", "abc")
    assert [record.takes(step) for step in (1, 1, 2, 1, 2, 3)] == [True, True, True, False, True, True]
    again = Record.read(record.path)
    assert again.name == "abc"
    assert [again.takes(step) for step in (2, 3, 4, 4, 3)] == [False, False, True, True, False]


def test_a_damaged_record_is_named(tmp_path: Path) -> None:
    (tmp_path / "i2i.json").write_text("{", encoding="utf-8")
    with pytest.raises(I2IError, match=r"i2i.json is damaged .*; remove it, and the logger starts a new run"):
        Record.read(tmp_path / "i2i.json")
