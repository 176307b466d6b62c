"""A checkpoint is complete or absent."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from i2i.core.errors import I2IError
from i2i.engine import checkpoint, checksums, disk
from i2i.engine.checkpoint import DamagedError
from i2i.engine.disk import DiskError

TENSORS = {"G": {"weight": torch.arange(6.0).view(2, 3)}, "G.optimizer": {"weight/step": torch.tensor(4.0)}}
FACTS = {"step": 4, "scalers": {}}
ALL = ["G.optimizer.safetensors", "G.safetensors", "checksums.txt", "spec.toml", "state.json"]


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_is_written_is_read(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    folder = tmp_path / "checkpoints" / checkpoint.folder_name(4)
    checkpoint.write(folder, TENSORS, FACTS, {"spec.toml": "x = 1\n"})
    tensors, facts = checkpoint.read(folder)
    assert {file: list(entries) for file, entries in tensors.items()} == {
        "G": ["weight"],
        "G.optimizer": ["weight/step"],
    }
    assert (
        torch.equal(tensors["G"]["weight"], TENSORS["G"]["weight"])
        and tensors["G.optimizer"]["weight/step"] == 4
    )
    assert facts.items() >= FACTS.items()
    assert folder.name == "step-000004"
    assert files(folder) == ALL
    assert files(folder.parent) == ["step-000004"]


def test_any_tensor_can_be_written(tmp_path: Path) -> None:
    base = torch.arange(16.0).view(1, 4, 2, 2)
    odd = {
        "shared": base,
        "view": base[:, 1:3],
        "last": base.contiguous(memory_format=torch.channels_last),
        "expanded": torch.ones(1).expand(5),
        "empty": torch.empty(0),
        "half": base.bfloat16().requires_grad_(),
        "count": torch.tensor(3),
    }
    checkpoint.write(tmp_path / "c", {"G": odd}, {}, {})
    tensors, _ = checkpoint.read(tmp_path / "c")
    for name, tensor in odd.items():
        assert torch.equal(tensors["G"][name], tensor) and tensors["G"][name].dtype == tensor.dtype


def test_a_checkpoint_of_the_same_step_is_replaced_whole(tmp_path: Path) -> None:
    checkpoint.write(tmp_path / "c", TENSORS, FACTS, {})
    checkpoint.write(tmp_path / "c", {"D": {"bias": torch.ones(1)}}, {"step": 5}, {})
    assert files(tmp_path / "c") == ["D.safetensors", "checksums.txt", "state.json"] and files(tmp_path) == [
        "c"
    ]


class Interrupted(BaseException):
    """As Ctrl-C is."""


@pytest.mark.parametrize(
    ("fault", "seen"), [(OSError(28, "No space left on device"), I2IError), (Interrupted(), Interrupted)]
)
def test_a_failing_write_leaves_the_earlier_ones_and_no_draft(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: BaseException, seen: type[BaseException]
) -> None:
    for step in (1, 2):
        checkpoint.write(tmp_path / checkpoint.folder_name(step), TENSORS, {"step": step}, {})

    def refuse(entries: dict[str, Tensor], path: Path) -> None:
        path.write_bytes(b"half a fi")
        raise fault

    monkeypatch.setattr(checkpoint, "save_file", refuse)
    for step in (2, 3):  # one that exists, and a new one
        with pytest.raises(seen) as caught:
            checkpoint.write(tmp_path / checkpoint.folder_name(step), TENSORS, {"step": 9}, {})
    if seen is I2IError:
        assert str(caught.value) == (
            f"{tmp_path / 'step-000003'}: this could not be written: no space left on the disk"
        )
    assert files(tmp_path) == ["step-000001", "step-000002"]
    assert checkpoint.read(tmp_path / "step-000002")[1]["step"] == 2


def test_a_checkpoint_stands_only_when_its_last_file_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[str]] = []

    def refuse(self: Path, target: Path) -> None:
        seen.append(files(self))
        raise OSError("no")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(I2IError):
        checkpoint.write(tmp_path / "c", TENSORS, FACTS, {"spec.toml": ""})
    assert seen == [ALL]
    assert files(tmp_path) == []


def test_the_draft_of_a_killed_run_does_no_harm(tmp_path: Path) -> None:
    draft = tmp_path / ".c.draft"
    draft.mkdir()
    (draft / "G.safetensors").write_bytes(b"half a fi")
    (draft / "old.txt").write_text("old", encoding="utf-8")
    checkpoint.write(tmp_path / "c", TENSORS, FACTS, {})
    assert files(tmp_path) == ["c"] and "old.txt" not in files(tmp_path / "c")


@pytest.fixture
def written(tmp_path: Path) -> Path:
    checkpoint.write(tmp_path / "c", TENSORS, FACTS, {"spec.toml": "x = 1\n"})
    return tmp_path / "c"


def refused(folder: Path) -> str:
    with pytest.raises(I2IError) as caught:
        checkpoint.read(folder)
    return str(caught.value)


def test_a_folder_that_is_no_checkpoint(tmp_path: Path) -> None:
    assert refused(tmp_path) == f"{tmp_path} is not a checkpoint: it has no state.json"


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("damage", [cut, empty, flip])
@pytest.mark.parametrize("name", ["G.safetensors", "G.optimizer.safetensors", "spec.toml", "state.json"])
def test_a_damaged_file_is_named(written: Path, name: str, damage: Callable[[Path], None]) -> None:
    damage(written / name)
    assert refused(written) == f"{written} is damaged ({name} does not have the checksum it was written with)"


@pytest.mark.parametrize("name", [name for name in ALL if name != "checksums.txt"])
def test_a_lost_file_is_named(written: Path, name: str) -> None:
    (written / name).unlink()
    assert refused(written) == f"{written} is damaged ({name} is missing)"


@pytest.mark.parametrize("damage", [cut, empty, flip])
def test_damaged_checksums_are_told(written: Path, damage: Callable[[Path], None]) -> None:
    damage(written / "checksums.txt")
    with pytest.raises(DamagedError):
        checkpoint.read(written)


def test_without_checksums_a_checkpoint_is_not_whole(written: Path) -> None:
    (written / "checksums.txt").unlink()
    assert refused(written) == f"{written} is damaged (it has no checksums.txt)"


def test_weights_that_were_not_written_are_refused_and_other_files_are_let_be(written: Path) -> None:
    (written / ".DS_Store").write_bytes(b"of a file manager")
    checkpoint.read(written)
    (written / "E.safetensors").write_bytes((written / "G.safetensors").read_bytes())
    assert refused(written) == f"{written} is damaged (E.safetensors is not one of its files)"


@pytest.mark.parametrize("state", ["[]", "{}", '{"files": ["G"]}', "[" * 100_000, "nonsense"])
def test_what_has_the_right_checksums_may_still_be_wrong(written: Path, state: str) -> None:
    (written / "state.json").write_text(state, encoding="utf-8")
    (written / "checksums.txt").write_text(checksums.text_of(written), encoding="utf-8")
    with pytest.raises(DamagedError):
        checkpoint.read(written)


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="no sha256sum here")
def test_sha256sum_reads_the_checksums(written: Path) -> None:
    words = ["sha256sum", "--strict", "-c", "checksums.txt"]
    done = subprocess.run(words, cwd=written, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == len(ALL) - 1


def test_copies_do_not_follow_the_training() -> None:
    weight = torch.zeros(3)
    copies = checkpoint.copied({"G": {"weight": weight}})
    weight += 1
    assert copies["G"]["weight"].tolist() == [0, 0, 0]


def test_a_vanished_folder_is_not_made_anew(tmp_path: Path) -> None:
    with pytest.raises(DiskError, match=r"this could not be written: the folder is gone$"):
        checkpoint.write(tmp_path / "gone" / "c", TENSORS, FACTS, {})
    assert files(tmp_path) == []


@pytest.mark.parametrize("renames", [1, 2])
def test_a_failing_replacement_leaves_the_old_checkpoint(
    written: Path, monkeypatch: pytest.MonkeyPatch, renames: int
) -> None:
    replace, done = Path.replace, []

    def refuse(self: Path, target: Path) -> Path:
        done.append(self)
        if len(done) == renames:
            raise OSError(errno.EIO, "Input/output error")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(DiskError, match="the disk has failed"):
        checkpoint.write(written, TENSORS, {"step": 9}, {})
    assert checkpoint.read(written)[1]["step"] == 4
    assert files(written.parent) == ["c"]


def test_a_removed_checkpoint_is_never_half_there(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bool] = []
    monkeypatch.setattr(disk, "discard", lambda path: seen.append(written.exists()))
    checkpoint.remove(written)
    assert seen == [False]


def test_nothing_is_pickled(written: Path) -> None:
    json.loads((written / "state.json").read_text(encoding="utf-8"))
    for path in written.glob("*.safetensors"):
        head = path.read_bytes()
        length = int.from_bytes(head[:8], "little")
        json.loads(head[8 : 8 + length])


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_weights_may_be_read_by_whoever_may_read_the_rest(tmp_path: Path) -> None:
    checkpoint.write(tmp_path / "step-000001", {"G": {"weight": torch.ones(2)}}, {"step": 1}, {})
    modes = {path.name: path.stat().st_mode for path in (tmp_path / "step-000001").iterdir()}
    assert modes["G.safetensors"] == modes[checkpoint.STATE]
