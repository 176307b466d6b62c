"""A checkpoint is complete or absent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor

from i2i.core.errors import I2IError
from i2i.engine import checkpoint

TENSORS = {"G": {"weight": torch.arange(6.0).view(2, 3)}, "G.optimizer": {"weight/step": torch.tensor(4.0)}}
FACTS = {"step": 4, "scalers": {}}


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_is_written_is_read(tmp_path: Path) -> None:
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
    assert files(folder) == ["G.optimizer.safetensors", "G.safetensors", "spec.toml", "state.json"]
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
    assert files(tmp_path / "c") == ["D.safetensors", "state.json"] and files(tmp_path) == ["c"]


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
            f"{tmp_path / 'step-000003'}: this checkpoint could not be written "
            "([Errno 28] No space left on device); earlier ones are whole"
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
    assert seen == [["G.optimizer.safetensors", "G.safetensors", "spec.toml", "state.json"]]
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
    checkpoint.write(tmp_path / "c", TENSORS, FACTS, {})
    return tmp_path / "c"


def refused(folder: Path) -> str:
    with pytest.raises(I2IError) as caught:
        checkpoint.read(folder)
    return str(caught.value)


def test_a_folder_that_is_no_checkpoint(tmp_path: Path) -> None:
    assert refused(tmp_path) == f"{tmp_path} is not a checkpoint: it has no state.json"


def test_a_damaged_file(written: Path) -> None:
    whole = (written / "G.safetensors").read_bytes()
    (written / "G.safetensors").write_bytes(whole[:20])
    assert refused(written).startswith(f"{written} cannot be read (")
    (written / "G.safetensors").write_bytes(whole)
    (written / "state.json").write_text("{", encoding="utf-8")
    assert refused(written).endswith("; use another checkpoint of the run")


def test_a_lost_file(written: Path) -> None:
    (written / "G.optimizer.safetensors").unlink()
    assert (
        refused(written) == f"{written} has lost G.optimizer.safetensors; use another checkpoint of the run"
    )


def test_nothing_is_pickled(written: Path) -> None:
    json.loads((written / "state.json").read_text(encoding="utf-8"))
    for path in written.glob("*.safetensors"):
        head = path.read_bytes()
        length = int.from_bytes(head[:8], "little")
        json.loads(head[8 : 8 + length])


def test_a_small_file_is_replaced_at_once(tmp_path: Path) -> None:
    for text in ("step-000001", "step-000002"):
        checkpoint.write_text(tmp_path / "latest", text)
        assert (tmp_path / "latest").read_text(encoding="utf-8") == text and files(tmp_path) == ["latest"]
