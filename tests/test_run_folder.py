"""The run folder: made once, never overwritten, and read again."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers import registry, tiny_spec

from i2i.core.errors import I2IError
from i2i.engine import lines
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


def test_lines_go_into_the_metrics(tmp_path: Path) -> None:
    folder = created(tmp_path / "run")
    folder.append({"step": 1})
    folder.append({"step": 2})
    assert [line["step"] for line in lines.read(folder.metrics)] == [1, 2]


def test_pointers_name_checkpoints(tmp_path: Path) -> None:
    folder = created(tmp_path / "run")
    folder.point("best", 5)
    assert folder.named("best") == folder.checkpoints / "step-000005"
    assert folder.named("latest") is None and folder.newest() is None


def test_what_a_killed_process_left_is_tidied(tmp_path: Path) -> None:
    folder = created(tmp_path / "run")
    folder.append({"step": 1})
    for name in ("metrics.jsonl", "watch.jsonl"):
        with (folder.path / name).open("a", encoding="utf-8") as file:
            file.write('{"step": 2, "l')
    drafts = [folder.path / ".spec.toml.draft", folder.samples / ".step-000002.png.draft"]
    for draft in drafts:
        draft.write_text("half", encoding="utf-8")
    (folder.checkpoints / ".step-000002.draft").mkdir()
    folder.tidy()
    assert [line["step"] for line in lines.read(folder.metrics)] == [1]
    assert (folder.path / "watch.jsonl").read_bytes() == b""
    assert not any(path.name.startswith(".") for path in folder.path.rglob("*"))


def test_versions_name_the_owner_of_every_used_component() -> None:
    spec = tiny_spec("cyclegan", loggers=["tensorboard"], validate={"metric": "l1"})
    owners = set(versions(spec, registry()))
    assert {"i2i_cyclegan", "i2i.metrics", "i2i.run.loggers", "i2i.spec.builtin", "torch", "python"} <= owners
    assert "i2i_pix2pix" not in owners


def test_what_is_no_run_folder_names_the_run_that_was_meant(tmp_path: Path) -> None:
    folder = created(tmp_path / "run")
    with pytest.raises(I2IError, match=r"environment\.json\); it belongs to the run .*run$"):
        Folder.open(folder.checkpoints / "step-000005")
    folder.environment.unlink()
    with pytest.raises(I2IError, match=r"run: this is not a run folder \(it has no environment\.json\)$"):
        Folder.open(folder.path)
