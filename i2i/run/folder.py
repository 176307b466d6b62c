"""A run folder: where everything that a run writes has its place."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

import i2i
from i2i.core.errors import I2IError, nearest
from i2i.core.registry import Registry
from i2i.engine import checkpoints, disk, lines
from i2i.engine.checkpoints import Found
from i2i.spec.spec import Spec
from i2i.spec.used import references, used


@dataclass(frozen=True)
class Folder:
    """The files of a run."""

    path: Path

    @property
    def spec(self) -> Path:
        """The complete spec."""
        return self.path / "spec.toml"

    @property
    def environment(self) -> Path:
        """Versions, device and precision of the run."""
        return self.path / "environment.json"

    @property
    def metrics(self) -> Path:
        """One JSON object a line; only ever appended to."""
        return self.path / "metrics.jsonl"

    @property
    def samples(self) -> Path:
        """Sample grids."""
        return self.path / "samples"

    @property
    def checkpoints(self) -> Path:
        """Checkpoints, and the files `latest` and `best` that name one."""
        return self.path / "checkpoints"

    @classmethod
    def create(cls, wanted: Path, spec_text: str, environment: Mapping[str, Any]) -> Folder:
        """Make a new run folder: the wanted one, or NAME-2, NAME-3, … beside those that exist."""
        path, number = wanted, 1
        while True:
            try:
                path.mkdir(parents=True)
                break
            except OSError as error:
                if not path.exists():  # not even a file: something else is in the way
                    raise I2IError(f"{path}: the run folder cannot be made ({error})") from error
            number += 1
            path = wanted.with_name(f"{wanted.name}-{number}")
        folder = cls(path)
        with disk.writing(path):
            folder.samples.mkdir()
            folder.checkpoints.mkdir()
        disk.write_text(folder.environment, json.dumps(environment, indent=1))
        disk.write_text(folder.spec, spec_text)
        return folder

    @classmethod
    def open(cls, path: Path) -> Folder:
        """An existing run folder.

        Raises:
            I2IError: it is none.
        """
        folder = cls(path)
        if lost := folder._lost():
            raise I2IError(f"{path}: this is not a run folder (it has no {' and '.join(lost)}){_meant(path)}")
        return folder

    def _lost(self) -> list[str]:
        return [file.name for file in (self.spec, self.environment) if not file.is_file()]

    def facts(self) -> dict[str, Any]:
        """What `environment.json` says.

        Raises:
            I2IError: it is damaged.
        """
        try:
            facts = json.loads(self.environment.read_text(encoding="utf-8"))
            if not isinstance(facts["precision"], str) or not isinstance(facts.get("plugin_files", {}), dict):
                raise ValueError("it does not hold what i2i has written")
            return {"precision": facts["precision"], **facts}
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise I2IError(f"{self.environment} is damaged ({error})") from error

    def tidy(self) -> None:
        """Remove what a killed process left half-done; only for whoever holds the lock of the run.

        Raises:
            DiskError: the disk refuses.
        """
        with disk.writing(self.path):
            self.samples.mkdir(exist_ok=True)
            self.checkpoints.mkdir(exist_ok=True)
            for folder in (self.path, self.samples):
                disk.discard_drafts(folder)
        checkpoints.tidy(self.checkpoints)
        for path in sorted(self.path.glob("*.jsonl")):
            lines.cut_torn_end(path)

    def append(self, line: Mapping[str, Any]) -> None:
        """Add a line to the metrics, with the time.

        Raises:
            DiskError: the disk refuses.
        """
        lines.append(self.metrics, line)

    def newest(self) -> Found | None:
        """The newest whole checkpoint; None if there is none yet.

        Raises:
            I2IError: all of them are damaged.
        """
        return checkpoints.newest(self.checkpoints)

    def named(self, name: str) -> Path | None:
        """The checkpoint that `latest` or `best` names."""
        return checkpoints.named(self.checkpoints, name)

    def point(self, name: str, step: int) -> None:
        """Let `latest` or `best` name the checkpoint of a step."""
        checkpoints.point(self.checkpoints, name, step)


def _meant(path: Path) -> str:
    """The run folder that was meant: one around the path, or else one beside it."""
    if around := next((above for above in path.parents if not Folder(above)._lost()), None):
        return f"; it belongs to the run {around}"
    beside = [p.name for p in path.parent.iterdir() if p.is_dir()] if path.parent.is_dir() else []
    others = [name for name in beside if name != path.name]
    return f"\n    {nearest(path.name, others)}" if others else ""


def environment(
    spec: Spec,
    registry: Registry,
    device: torch.device,
    precision: str,
    processes: int,
    job: str = "",
    compiled: bool = False,
) -> dict[str, Any]:
    """Where and with what a run was started; what "auto" meant, and what could be; `job` is the name of torchrun's."""
    return {
        "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "device": str(device),
        "device_name": torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor(),
        "precision": precision,
        "compile": compiled,
        "processes": processes,
        "job": job,
        "system": platform.platform(),
        "versions": versions(spec, registry),
        "packages": used(spec, registry),
        "plugin_files": registry.files,
    }


def versions(spec: Spec, registry: Registry) -> dict[str, str]:
    """Versions of Python, the libraries, i2i, and every plug-in that owns a used component."""
    owners = {registry.get(ref.kind, ref.name).owner for ref in references(spec)}
    found = {"python": platform.python_version(), "i2i": i2i.__version__}
    found |= {name: version(name) for name in ("torch", "torchvision", "safetensors", "pillow", "numpy")}
    return found | {owner: registry.versions.get(owner, i2i.__version__) for owner in sorted(owners)}
