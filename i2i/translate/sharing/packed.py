"""A trained model in one file: the weights that translation needs, and in the file's metadata all else; no code."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from i2i.core.errors import I2IError
from i2i.core.extras import DISTRIBUTION
from i2i.engine import checkpoint, checksums, disk
from i2i.translate.origin import Opened
from i2i.translate.sharing.clean import cleaned, without_folder
from i2i.translate.sharing.reach import reached

if TYPE_CHECKING:
    from i2i.translate.model import Model

FORMAT = 1
KEY = "i2i"
SUFFIX = checksums.WEIGHTS
LONGEST = 2**24  # characters of all metadata: a spec, and the names of domains and classes
LEFT_OUT = "it was packed without it"


def pack(model: Model, path: str | Path) -> Path:
    """Write a model as one file, which `load` reads: `load(pack(model, path))` translates as `model` does.

    Averaged weights stand in for those that were trained; image pools are left out, discriminators that no translation
    asks, and paths of this machine. Equal models give equal files.

    Raises:
        I2IError: the name does not end in .safetensors, or the file would stand among those of a checkpoint.
        DiskError: the disk refuses; a file that was there is untouched.
    """
    path = Path(path)
    if path.suffix.lower() != SUFFIX:
        raise I2IError(f"{path}: a packed model ends in {SUFFIX}")
    if (path.parent / checkpoint.STATE).exists():
        raise I2IError(f"{path}: this folder is a checkpoint, whose files are sealed; choose another place")
    data = packed(model)
    with disk.writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    disk.write_bytes(path, data)
    return path


def packed(model: Model) -> bytes:
    """A model as the bytes of its file."""
    tensors = {f"{part}.{name}": tensor for part, name, tensor in _kept(model)}
    about = {"format": FORMAT, "spec": cleaned(model.spec).toml(), "state": _state(model)}
    # One entry: safetensors writes several in any order.
    return save(tensors, {KEY: json.dumps({**about, "sha256": _digest(tensors, about)}, sort_keys=True)})


def _kept(model: Model) -> Iterable[tuple[str, str, Tensor]]:
    """What translation needs of every part: name of the part, name and copy of the tensor."""
    # A method may ask its discriminator when it translates: what a picture shows already, for example.
    idle = model.origin.judges and model.origin.judges - reached(model)
    states = {
        name: part.state_dict()
        for name, part in model.net.modules().items()
        if name not in idle and any(True for _ in part.parameters())
    }
    for part, entries in checkpoint.copied(states).items():
        yield from ((part, name, tensor) for name, tensor in entries.items())


def _state(model: Model) -> dict[str, Any]:
    """What is kept of `state.json`; plug-in files by their names alone."""
    state = model.origin.state
    files = {without_folder(file): digest for file, digest in state.get("plugin_files", {}).items()}
    # A plug-in from a file is called after the place it was loaded from.
    versions = {name: number for name, number in state.get("versions", {}).items() if number != "file"}
    imported = {"imported": state["imported"]} if "imported" in state else {}
    facts = dataclasses.asdict(model.facts)
    made = {"versions": versions, "packages": state.get("packages", {}), "plugin_files": files}
    return {"step": model.origin.step, **imported, **made, "data": facts}


def read(path: Path, label: str = "") -> Opened:
    """Read a packed model; nothing in it is run.

    Raises:
        I2IError: it is no packed model, was packed by a newer i2i, or is damaged.
    """
    label = label or str(path)
    try:
        with safe_open(path, "pt") as file:
            about = _about((file.metadata() or {}).get(KEY), path, label)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no mapping
    except (SafetensorError, OSError) as error:
        raise I2IError(f"{label} is damaged, or no {SUFFIX} file: {error}") from error
    if about.pop("sha256", "") != _digest(tensors, about):
        raise I2IError(f"{label} is damaged (it does not have the checksum it was written with)")
    return Opened(path, _by_part(tensors), about["state"], "", about["spec"], label, LEFT_OUT)


def _about(text: str | None, path: Path, label: str) -> dict[str, Any]:
    """What the metadata says; what is no packed model, and what a newer i2i packed, is refused."""
    if text is None and (path.parent / checkpoint.STATE).is_file():
        raise I2IError(f"{label} is one file of a checkpoint; name the folder, {path.parent}")
    if text is None:
        raise I2IError(
            f"{label} holds weights, but no word of i2i about the method they belong to; i2i export RUN -o "
            f"model{SUFFIX} writes files that do"
        )
    about = _parsed(text)
    if isinstance(number := about.get("format"), int) and number > FORMAT:
        raise I2IError(
            f"{label} is in format {number}, and this i2i reads up to {FORMAT}: pip install --upgrade {DISTRIBUTION}"
        )
    if not isinstance(about.get("spec"), str) or not _is_state(about.get("state")):
        raise I2IError(f"{label} is damaged (its metadata is not what i2i writes)")
    return about


def _is_state(state: Any) -> bool:
    """Whether it is built like what `_state` gives."""
    tables = ("data", "versions", "packages", "plugin_files", "imported")
    return (
        isinstance(state, dict)
        and isinstance(state.get("step"), int)
        and all(isinstance(state.get(name, {}), dict) for name in tables)
    )


def _parsed(text: str) -> dict[str, Any]:
    try:
        about = json.loads(text[:LONGEST])
    except (ValueError, RecursionError):
        about = None
    return about if isinstance(about, dict) else {}


def _by_part(tensors: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    parts: dict[str, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        part, _, rest = name.partition(".")
        parts.setdefault(part, {})[rest] = tensor
    return parts


def _digest(tensors: Mapping[str, Tensor], about: Mapping[str, Any]) -> str:
    """The checksum of all that a file holds, whatever its order."""
    digest = hashlib.sha256(json.dumps(about, sort_keys=True).encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
