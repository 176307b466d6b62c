"""Checkpoints: a folder of safetensors and one JSON file, complete or absent."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from i2i.core.errors import I2IError

STATE = "state.json"


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
        folder: where it will stand.
        tensors: file name without suffix -> names and tensors.
        facts: what `state.json` says.
        files: further text files by name.

    Raises:
        I2IError: the disk refuses; earlier checkpoints are untouched.
    """
    draft = folder.with_name(f".{folder.name}.draft")
    try:
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        for name, entries in tensors.items():
            save_file({key: _plain(tensor) for key, tensor in entries.items()}, draft / f"{name}.safetensors")
        for name, text in files.items():
            (draft / name).write_text(text, encoding="utf-8")
        (draft / STATE).write_text(
            json.dumps({**facts, "files": sorted(tensors)}, indent=1), encoding="utf-8"
        )
        if folder.exists():
            shutil.rmtree(folder)
        draft.replace(folder)
    except (OSError, SafetensorError) as error:
        raise I2IError(
            f"{folder}: this checkpoint could not be written ({error}); earlier ones are whole"
        ) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def read(folder: Path) -> tuple[dict[str, dict[str, Tensor]], dict[str, Any]]:
    """Read a checkpoint: tensors by file name without suffix, and the facts.

    Raises:
        I2IError: it is not a checkpoint, or damaged.
    """
    try:
        facts = json.loads((folder / STATE).read_text(encoding="utf-8"))
        tensors = {path.stem: load_file(path) for path in sorted(folder.glob("*.safetensors"))}
    except FileNotFoundError:
        raise I2IError(f"{folder} is not a checkpoint: it has no {STATE}") from None
    except (OSError, ValueError, SafetensorError) as error:
        raise I2IError(f"{folder} cannot be read ({error}); use another checkpoint of the run") from error
    if lost := [f"{name}.safetensors" for name in facts.get("files", []) if name not in tensors]:
        raise I2IError(f"{folder} has lost {', '.join(lost)}; use another checkpoint of the run")
    return tensors, facts


def write_text(path: Path, text: str) -> None:
    """Replace a small text file at once."""
    draft = path.with_name(f".{path.name}.draft")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)


def _plain(tensor: Tensor) -> Tensor:
    """A tensor as safetensors wants it: on the CPU, contiguous, sharing memory with no other."""
    return torch.empty(tensor.shape, dtype=tensor.dtype).copy_(tensor.detach())
