"""A checkpoint: a folder of safetensors and one JSON file, with checksums; whole or absent."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from i2i.core.errors import I2IError
from i2i.engine import checksums, disk

STATE = "state.json"
LARGEST_STATE = 2**26  # bytes; the names of all domains and files of plug-ins are far less
OS_ERROR = re.compile(r"\(os error (\d+)\)")

Tensors = dict[str, dict[str, Tensor]]


class DamagedError(I2IError):
    """A checkpoint that is not as it was written.

    Attributes:
        folder: the checkpoint.
        reason: what is wrong with it, in words.
    """

    def __init__(self, folder: Path, reason: str) -> None:
        super().__init__(f"{folder} is damaged ({reason})")
        self.folder, self.reason = folder, reason


def folder_name(step: int) -> str:
    """The name of the checkpoint of a step."""
    return f"step-{step:06d}"


def write(
    folder: Path,
    tensors: Mapping[str, Mapping[str, Tensor]],
    facts: Mapping[str, Any],
    files: Mapping[str, str],
) -> None:
    """Write a checkpoint beside its final place, then rename it: a killed run never leaves half of one.

    Args:
        folder: where it will stand; the folder above it must be there.
        tensors: file name without suffix -> names and tensors.
        facts: what `state.json` says.
        files: further text files by name.

    Raises:
        DiskError: the disk refuses; earlier checkpoints, one of the same step too, are untouched.
    """
    store(folder, copied(tensors), facts, files)


def copied(tensors: Mapping[str, Mapping[str, Tensor]]) -> Tensors:
    """Copies on the CPU, which another thread can write while the training goes on."""
    return {file: {name: _plain(t) for name, t in entries.items()} for file, entries in tensors.items()}


def store(folder: Path, tensors: Tensors, facts: Mapping[str, Any], files: Mapping[str, str]) -> None:
    """Write a checkpoint, as `write` does, of tensors that `copied` made."""
    draft = _beside(folder, "draft")
    with disk.writing(folder):
        try:
            disk.discard(draft)
            draft.mkdir()
            _fill(draft, tensors, {STATE: json.dumps({**facts, "files": sorted(tensors)}, indent=1), **files})
            _replace(folder, draft)
        finally:
            disk.discard(draft)


def read(folder: Path) -> tuple[Tensors, dict[str, Any]]:
    """Read a checkpoint: tensors by file name without suffix, and the facts.

    Raises:
        I2IError: it is not a checkpoint.
        DiskError: this user may not read it.
        DamagedError: it is not as it was written; nothing in it was parsed, unless its checksums are right.
    """
    verify(folder)
    try:
        if (folder / STATE).stat().st_size > LARGEST_STATE:
            raise DamagedError(folder, f"its {STATE} is too long")
        facts = json.loads((folder / STATE).read_text(encoding="utf-8"))
        tensors = {path.stem: load_file(path) for path in sorted(folder.glob(f"*{checksums.WEIGHTS}"))}
    except (OSError, ValueError, RecursionError, SafetensorError) as error:
        raise DamagedError(folder, f"it cannot be read: {error}") from error
    if not isinstance(facts, dict) or facts.get("files") != sorted(tensors):
        raise DamagedError(folder, f"its {STATE} does not name its files")
    return tensors, facts


def verify(folder: Path) -> None:
    """Compare the files of a checkpoint with their checksums.

    Raises:
        I2IError: it is not a checkpoint.
        DamagedError: they differ.
        DiskError: this user may not read them.
    """
    if not folder.is_dir() or not any((folder / name).is_file() for name in (STATE, checksums.FILE)):
        raise I2IError(f"{folder} is not a checkpoint: it has no {STATE}")
    try:
        reason = checksums.problem(folder)
    except PermissionError as error:  # it may be whole: an older one must not take its place
        raise disk.DiskError(f"{folder} cannot be read: {error}") from error
    except OSError as error:
        reason = f"it cannot be read: {error}"
    if reason:
        raise DamagedError(folder, reason)


def remove(folder: Path) -> None:
    """Remove a checkpoint if the disk allows it (another program may read it); it is never left half-removed."""
    hidden = _beside(folder, "removed")
    with suppress(OSError):
        folder.replace(hidden)
    disk.discard(hidden)


def _fill(draft: Path, tensors: Tensors, texts: Mapping[str, str]) -> None:
    """Write all files, the checksums last, and wait until they are on the disk."""
    for name, entries in tensors.items():
        path = draft / f"{name}{checksums.WEIGHTS}"
        try:
            save_file(entries, path)
        except SafetensorError as error:
            raise _as_os_error(error) from error
        path.chmod(draft.stat().st_mode & 0o666)  # safetensors lets nobody else read it, whatever the umask
        disk.sync_file(path)
    for name, text in texts.items():
        _write(draft / name, text)
    _write(draft / checksums.FILE, checksums.text_of(draft))
    disk.sync_folder(draft)


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")
    disk.sync_file(path)


def _replace(folder: Path, draft: Path) -> None:
    """Put a draft in the place of a checkpoint; at every instant one of the two can be found."""
    replaced = _beside(folder, "replaced")
    if folder.exists():
        disk.discard(replaced)
        folder.replace(replaced)
    try:
        draft.replace(folder)
    except BaseException:
        if replaced.exists():
            replaced.replace(folder)
        raise
    disk.sync_folder(folder.parent)
    disk.discard(replaced)


def _beside(folder: Path, what: str) -> Path:
    return folder.with_name(f".{folder.name}.{what}")


def _as_os_error(error: SafetensorError) -> OSError:
    """What the disk said, which safetensors tells in text only."""
    number = OS_ERROR.search(str(error))
    return OSError(int(number[1]), str(error)) if number else OSError(str(error))


def _plain(tensor: Tensor) -> Tensor:
    """A tensor as safetensors wants it: on the CPU, contiguous, sharing memory with no other."""
    return torch.empty(tensor.shape, dtype=tensor.dtype).copy_(tensor.detach())
