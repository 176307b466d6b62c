"""The checkpoints of a run: the newest whole one is found, whatever happened to the others."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

import pytest
import torch

from i2i.core.errors import I2IError
from i2i.engine import checkpoint, checkpoints, checksums
from i2i.engine.disk import DiskError


def written(folder: Path, *steps: int) -> Path:
    for step in steps:
        tensors = {"G": {"weight": torch.full((2,), float(step))}}
        checkpoint.write(folder / checkpoint.folder_name(step), tensors, {"step": step}, {})
    return folder


def damage(folder: Path, *steps: int) -> None:
    for step in steps:
        (folder / checkpoint.folder_name(step) / "G.safetensors").write_bytes(b"torn")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_newest_is_found_by_its_step(tmp_path: Path) -> None:
    found = checkpoints.newest(written(tmp_path, 5, 999_999, 1_000_000))
    assert found is not None
    assert (found.folder.name, found.facts["step"], found.note()) == ("step-1000000", 1_000_000, "")
    assert found.tensors["G"]["weight"].tolist() == [1e6, 1e6]


def test_damaged_ones_are_passed_over_and_named(tmp_path: Path) -> None:
    damage(written(tmp_path, 100, 200, 300), 200, 300)
    (tmp_path / "step-000300/G.safetensors").unlink()
    found = checkpoints.newest(tmp_path)
    assert found is not None and found.facts["step"] == 100
    assert found.note() == (
        "step-000300 is damaged (G.safetensors is missing); step-000200 is damaged (G.safetensors does not have the "
        "checksum it was written with); going on from step-000100"
    )


def test_a_copy_under_the_name_of_another_step_is_passed_over(tmp_path: Path) -> None:
    shutil.copytree(written(tmp_path, 100) / "step-000100", tmp_path / "step-000200")
    found = checkpoints.newest(tmp_path)
    assert found is not None and found.folder.name == "step-000100"
    assert found.note() == "step-000200 is damaged (it is a copy of step 100); going on from step-000100"


def test_one_that_may_not_be_read_is_not_taken_for_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be whole: a run that went on from the older one would write over it."""

    def refuse(folder: Path) -> str:
        if folder.name == "step-000200":
            raise PermissionError(errno.EACCES, "Permission denied", "G.safetensors")
        return ""

    written(tmp_path, 100, 200)
    monkeypatch.setattr(checksums, "problem", refuse)
    with pytest.raises(DiskError, match=r"step-000200 cannot be read: .*Permission denied: 'G.safetensors'"):
        checkpoints.newest(tmp_path)


def test_when_all_are_damaged_each_is_named(tmp_path: Path) -> None:
    damage(written(tmp_path, 100, 200), 100, 200)
    (tmp_path / "step-000300").mkdir()
    with pytest.raises(I2IError) as caught:
        checkpoints.newest(tmp_path)
    wrong = "G.safetensors does not have the checksum it was written with"
    assert str(caught.value).splitlines() == [
        f"{tmp_path}: no checkpoint is whole:",
        "    step-000300: it has no state.json",
        f"    step-000200: {wrong}",
        f"    step-000100: {wrong}",
    ]


def test_without_any_there_is_none(tmp_path: Path) -> None:
    assert checkpoints.newest(tmp_path) is None
    assert checkpoints.newest(tmp_path / "gone") is None


def test_only_whole_ones_are_listed_as_whole(tmp_path: Path) -> None:
    damage(written(tmp_path, 100, 200, 300), 200)
    assert checkpoints.whole(tmp_path) == [100, 300]
    assert list(checkpoints.steps(tmp_path)) == [100, 200, 300]


def test_drafts_and_other_folders_are_no_checkpoints(tmp_path: Path) -> None:
    for name in (".step-000400.draft", ".step-000400.removed", "step-4", "step-000400x", "step-", "old"):
        (tmp_path / name).mkdir()
    (tmp_path / "step-000500").write_text("a file", encoding="utf-8")
    assert checkpoints.steps(tmp_path) == {}


def test_one_that_was_being_replaced_is_found_and_put_back(tmp_path: Path) -> None:
    written(tmp_path, 100, 200)
    (tmp_path / "step-000200").replace(
        tmp_path / ".step-000200.replaced"
    )  # as a kill at the worst instant leaves it
    found = checkpoints.newest(tmp_path)
    assert found is not None and found.facts["step"] == 200
    checkpoints.tidy(tmp_path)
    assert names(tmp_path) == ["step-000100", "step-000200"]


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    written(tmp_path, 100)
    for name in (".step-000200.draft", ".step-000050.removed", ".step-000100.replaced"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "G.safetensors").write_bytes(b"half")
    (tmp_path / ".latest.draft").write_text("step-0", encoding="utf-8")
    checkpoints.tidy(tmp_path)
    assert names(tmp_path) == ["step-000100"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "step-",
        "../step-000100",
        "step-000100/../x",
        "/step-000100",
        "step-000100\nx",
        "C:\\step-000100",
        "\0",
    ],
)
def test_a_pointer_that_names_no_checkpoint_names_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "latest").write_text(text, encoding="utf-8")
    assert checkpoints.named(tmp_path, "latest") is None


@pytest.mark.parametrize("data", [b"\xff\xfe", b"step-000100" * 100])
def test_a_torn_pointer_names_nothing(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "best").write_bytes(data)
    assert checkpoints.named(tmp_path, "best") is None


def test_a_pointer_names_a_checkpoint(tmp_path: Path) -> None:
    checkpoints.point(tmp_path, "best", 7)
    assert checkpoints.named(tmp_path, "best") == tmp_path / "step-000007"
    assert checkpoints.named(tmp_path, "latest") is None


def test_the_newest_stay_and_the_best(tmp_path: Path) -> None:
    checkpoints.point(written(tmp_path, 5, 999_999, 1_000_000, 2_000_000), "best", 5)
    checkpoints.retain(tmp_path, 2, 2_000_000)
    assert names(tmp_path) == ["best", "step-000005", "step-1000000", "step-2000000"]


def test_damaged_ones_beyond_the_newest_take_no_place(tmp_path: Path) -> None:
    checkpoints.retain(written(tmp_path, 100, 200, 300, 400), 1, 300)  # after a return from 400 to 200
    assert names(tmp_path) == ["step-000300", "step-000400"]


def test_what_cannot_be_removed_stays_for_the_next_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path, 100, 200)

    def refuse(self: Path, target: Path) -> Path:
        raise PermissionError("another program reads it")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", refuse)
        checkpoints.retain(tmp_path, 1, 200)
    assert checkpoints.whole(tmp_path) == [100, 200]
    checkpoints.retain(tmp_path, 1, 200)
    assert checkpoints.whole(tmp_path) == [200]
