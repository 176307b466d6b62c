"""A run folder: where everything that a run writes has its place."""

from __future__ import annotations

import json
import math
import platform
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

import i2i
from i2i.core.errors import I2IError, nearest
from i2i.core.registry import Registry
from i2i.core.schema import Ref
from i2i.engine import checkpoint
from i2i.spec.spec import Spec


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
        folder.samples.mkdir()
        folder.checkpoints.mkdir()
        folder.spec.write_text(spec_text, encoding="utf-8")
        folder.environment.write_text(json.dumps(environment, indent=1), encoding="utf-8")
        return folder

    @classmethod
    def open(cls, path: Path) -> Folder:
        """An existing run folder.

        Raises:
            I2IError: it is none.
        """
        folder = cls(path)
        if not folder.spec.is_file() or not folder.environment.is_file():
            near = (
                nearest(path.name, [p.name for p in path.parent.iterdir() if p.is_dir()])
                if path.parent.is_dir()
                else ""
            )
            raise I2IError(
                f"{path}: this is not a run folder (it has no spec.toml and environment.json)\n    {near}"
            )
        return folder

    def facts(self) -> dict[str, Any]:
        """What `environment.json` says.

        Raises:
            I2IError: it is damaged.
        """
        try:
            facts = json.loads(self.environment.read_text(encoding="utf-8"))
            return {"precision": facts["precision"], **facts}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise I2IError(f"{self.environment} is damaged ({error})") from error

    def append(self, line: Mapping[str, Any]) -> None:
        """Add a line to the metrics, with the time."""
        with self.metrics.open("a", encoding="utf-8", newline="\n") as file:
            file.write(
                json.dumps(
                    {**{key: _rounded(value) for key, value in line.items()}, "time": round(time.time(), 3)}
                )
                + "\n"
            )

    def named(self, name: str) -> Path | None:
        """The checkpoint that `latest` or `best` names."""
        pointer = self.checkpoints / name
        return self.checkpoints / pointer.read_text(encoding="utf-8").strip() if pointer.is_file() else None

    def point(self, name: str, step: int) -> None:
        """Let `latest` or `best` name the checkpoint of a step."""
        checkpoint.write_text(self.checkpoints / name, checkpoint.folder_name(step))

    def retain(self, keep: int) -> None:
        """Remove all but the newest checkpoints; what `best` names stays."""
        steps = sorted((p for p in self.checkpoints.glob("step-*") if p.is_dir()), key=_step)
        for old in steps[:-keep]:
            if old != self.named("best"):
                shutil.rmtree(old)


def environment(
    spec: Spec, registry: Registry, device: torch.device, precision: str, processes: int
) -> dict[str, Any]:
    """Where and with what a run was started; what "auto" meant."""
    return {
        "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "device": str(device),
        "device_name": torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor(),
        "precision": precision,
        "compile": spec.train.compile,
        "processes": processes,
        "system": platform.platform(),
        "versions": versions(spec, registry),
        "plugin_files": registry.files,
    }


def versions(spec: Spec, registry: Registry) -> dict[str, str]:
    """Versions of Python, the libraries, i2i, and every plug-in that owns a used component."""
    owners = {registry.get(ref.kind, ref.name).owner for ref in _refs(spec)}
    found = {"python": platform.python_version(), "i2i": i2i.__version__}
    found |= {name: version(name) for name in ("torch", "torchvision", "safetensors", "pillow", "numpy")}
    return found | {owner: registry.versions.get(owner, i2i.__version__) for owner in sorted(owners)}


def _refs(spec: Spec) -> list[Ref]:
    refs = [spec.strategy, spec.data, spec.schedule, spec.validation.metric, *spec.optimizers.values()]
    refs += [*(term.loss for term in spec.terms.values()), *spec.loggers]
    refs += [spec.validation.data] if spec.validation.data else []
    return [found for ref in refs for found in _with_inner(ref)]


def _with_inner(ref: Ref) -> Iterator[Ref]:
    """A reference, and those among its options."""
    yield ref
    for value in ref.options.values():
        if isinstance(value, Ref):
            yield from _with_inner(value)


def _step(folder: Path) -> int:
    """The step of a checkpoint's folder; names of more than six digits do not sort as text."""
    return int(folder.name.rpartition("-")[2])


def _rounded(value: Any) -> Any:
    """Six digits; what is not a number has no place in JSON and becomes null."""
    if not isinstance(value, float):
        return value
    return float(f"{value:.6g}") if math.isfinite(value) else None
