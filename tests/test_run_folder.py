"""The run folder: made once, never overwritten, and read again."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from helpers import registry, tiny_spec

from i2i.core.errors import I2IError
from i2i.run.folder import Folder, versions


def created(path: Path) -> Folder:
    return Folder.create(path, "spec", {"precision": "fp32"})


def test_a_new_folder_holds_spec_and_environment(tmp_path: Path) -> None:
    folder = created(tmp_path / "deep" / "run")
    assert folder.spec.read_text(encoding="utf-8") == "spec"
    assert folder.facts() == {"precision": "fp32"}
    assert Folder.open(folder.path) == folder


def test_what_exists_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file", encoding="utf-8")
    (tmp_path / "run-2").mkdir()
    assert created(tmp_path / "run").path == tmp_path / "run-3"
    assert (tmp_path / "run").read_text(encoding="utf-8") == "a file"


def test_a_place_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(I2IError, match="the run folder cannot be made"):
        created(tmp_path / "file" / "run")


def test_lines_are_appended_and_numbers_shortened(tmp_path: Path) -> None:
    folder = created(tmp_path / "run")
    folder.append({"step": 1, "x": 1 / 3, "bad": math.nan, "worse": -math.inf})
    folder.append({"step": 2, "x": 123456789.0})
    first, second = (json.loads(line) for line in folder.metrics.read_text(encoding="utf-8").splitlines())
    assert (first["step"], first["x"], first["bad"], first["worse"]) == (1, 0.333333, None, None)
    assert second["x"] == 123457000.0
    assert first["time"] <= second["time"]


def test_the_newest_stay_also_beyond_a_million_steps(tmp_path: Path) -> None:
    folder = created(tmp_path / "run")
    for step in (5, 999_999, 1_000_000, 2_000_000):
        (folder.checkpoints / f"step-{step:06d}").mkdir()
    folder.point("best", 5)
    folder.retain(2)
    assert {path.name for path in folder.checkpoints.glob("step-*")} == {
        "step-000005",
        "step-1000000",
        "step-2000000",
    }
    assert folder.named("best") == folder.checkpoints / "step-000005"
    assert folder.named("latest") is None


def test_versions_name_the_owner_of_every_used_component() -> None:
    spec = tiny_spec("cyclegan", loggers=["tensorboard"], validate={"metric": "l1"})
    owners = set(versions(spec, registry()))
    assert {"i2i_cyclegan", "i2i.metrics", "i2i.run.loggers", "i2i.spec.builtin", "torch", "python"} <= owners
    assert "i2i_pix2pix" not in owners
