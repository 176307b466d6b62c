"""Files are whole or absent, and what a disk says is said in words."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from i2i.engine import disk
from i2i.engine.disk import DiskError


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_replaced_at_once(tmp_path: Path) -> None:
    for text in ("step-000001", "step-000002"):
        disk.write_text(tmp_path / "latest", text)
        assert (tmp_path / "latest").read_text(encoding="utf-8") == text and names(tmp_path) == ["latest"]


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_failing_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    disk.write_text(tmp_path / "latest", "old")

    def refuse(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(*((os, "fsync", refuse) if call == "fsync" else (Path, "replace", refuse)))
    with pytest.raises(DiskError) as caught:
        disk.write_text(tmp_path / "latest", "new")
    assert str(caught.value) == f"{tmp_path / 'latest'}: this could not be written: no space left on the disk"
    assert (tmp_path / "latest").read_text(encoding="utf-8") == "old" and names(tmp_path) == ["latest"]


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "no space left on the disk"),
        (errno.EDQUOT, "no space left on the disk: the quota is used up"),
        (errno.EROFS, "the folder is read-only"),
        (errno.EACCES, "the folder is read-only for this user"),
        (errno.EIO, "the disk has failed (input/output error)"),
        (errno.EMFILE, os.strerror(errno.EMFILE)),
    ],
)
def test_the_reason_is_said_in_words(tmp_path: Path, number: int, words: str) -> None:
    with pytest.raises(DiskError) as caught, disk.writing(tmp_path / "file"):
        raise OSError(number, os.strerror(number))
    assert str(caught.value) == f"{tmp_path / 'file'}: this could not be written: {words}"


def test_a_folder_that_is_gone_is_told(tmp_path: Path) -> None:
    with pytest.raises(DiskError, match=r"the folder is gone$"):
        disk.write_text(tmp_path / "gone" / "latest", "x")
    with pytest.raises(DiskError, match="No such file"), disk.writing(tmp_path / "file"):
        raise FileNotFoundError(errno.ENOENT, "No such file or directory", "another one")


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="no /dev/full here")
def test_a_really_full_disk() -> None:
    full = Path("/dev/full")
    with pytest.raises(DiskError, match="no space left on the disk"), disk.writing(full):
        full.write_bytes(b"x")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows synchronises no folders")
def test_a_file_system_that_cannot_synchronise_folders_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(number: int) -> Any:
        def fsync(handle: int) -> None:
            raise OSError(number, os.strerror(number))

        return fsync

    monkeypatch.setattr(os, "fsync", refuse(errno.EINVAL))
    disk.sync_folder(tmp_path)
    monkeypatch.setattr(os, "fsync", refuse(errno.EIO))
    with pytest.raises(OSError, match="Input/output error"):
        disk.sync_folder(tmp_path)


def test_only_drafts_are_removed(tmp_path: Path) -> None:
    for name in (".latest.draft", "latest", ".holder", ".draft", "x.draft"):
        (tmp_path / name).write_text("", encoding="utf-8")
    (tmp_path / ".step-000001.draft").mkdir()
    disk.discard_drafts(tmp_path)
    assert names(tmp_path) == [".draft", ".holder", "latest", "x.draft"]
