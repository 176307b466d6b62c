"""What a run folder tells, read from its files alone: no network is built, nothing is changed."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from i2i.core.errors import I2IError, nearest
from i2i.engine import lines, lock
from i2i.report.curves import Curves, read_curves

SAMPLE = re.compile(r"step-([0-9]{1,18})\.png")
CHECKPOINT = re.compile(r"step-([0-9]{1,18})\s*")
LARGEST = 2**24  # bytes of a file that is read whole
NEEDED = ("spec.toml", "environment.json")


@dataclass(frozen=True)
class Record:
    """A run.

    Attributes:
        path: its folder.
        name: what the page calls it.
        spec: its tables.
        spec_text: as it is written.
        environment: where and with what it was started.
        data: what the newest checkpoint knows of the data; empty without one.
        curves: its numbers.
        remarks: what its watch said: step, kind, number and text.
        previews: steps, and files of pictures.
        evaluations: metrics and protocols of `evaluation.json`.
        checkpoints: the steps that `latest` and `best` name.
        trains: whether a process trains it now.
        faults: sentences about files that could not be read.
    """

    path: Path
    name: str
    spec: Mapping[str, Any]
    spec_text: str
    environment: Mapping[str, Any]
    data: Mapping[str, Any]
    curves: Curves
    remarks: Sequence[Mapping[str, Any]]
    previews: Sequence[tuple[int, Path]]
    evaluations: Sequence[Mapping[str, Any]]
    checkpoints: Mapping[str, int]
    trains: bool
    faults: Sequence[str]


@dataclass
class Reader:
    """Reads files of a folder; what cannot be read is empty, and a fault."""

    folder: Path
    faults: list[str] = field(default_factory=list)

    def text(self, name: str) -> str:
        """A text file; empty if there is none."""
        path = self.folder / name
        try:
            if path.stat().st_size > LARGEST:
                raise ValueError("it is too large")
            return path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return ""
        except (OSError, ValueError) as error:
            self.faults.append(f"{name} could not be read: {error}")
            return ""

    def table(self, name: str) -> dict[str, Any]:
        """A TOML or JSON file that holds a table; empty if there is none."""
        if not (text := self.text(name)):
            return {}
        try:
            found = tomllib.loads(text) if name.endswith(".toml") else json.loads(text)
            if not isinstance(found, dict):
                raise ValueError("it holds no table")
            return found
        except (ValueError, RecursionError) as error:
            self.faults.append(f"{name} is damaged: {error}")
            return {}


def read_record(path: Path, name: str) -> Record:
    """Read a run folder, whatever state the run is in.

    Raises:
        I2IError: it is not one.
    """
    check_folder(path)
    reader = Reader(path)
    pointers = {name: CHECKPOINT.fullmatch(reader.text(f"checkpoints/{name}")) for name in ("latest", "best")}
    latest = pointers["latest"]
    state = reader.table(f"checkpoints/{latest[0].strip()}/state.json") if latest else {}
    return Record(
        path=path,
        name=name,
        spec=reader.table("spec.toml"),
        spec_text=reader.text("spec.toml"),
        environment=reader.table("environment.json"),
        data=_table(state.get("data")),
        curves=read_curves(path / "metrics.jsonl"),
        remarks=[line for line in lines.read(path / "watch.jsonl") if isinstance(line.get("step"), int)],
        previews=_previews(path / "samples"),
        evaluations=_tables(reader.table("evaluation.json").get("evaluations")),
        checkpoints={name: int(found[1]) for name, found in pointers.items() if found},
        trains=_trains(path),
        faults=tuple(dict.fromkeys(reader.faults)),
    )


def check_folder(path: Path) -> None:
    """Refuse what is no run folder.

    Raises:
        I2IError: it is none; the nearest one beside it is named.
    """
    if lost := _lost(path):
        beside = path.parent.iterdir() if path.parent.is_dir() else ()
        runs = [other.name for other in beside if other != path and not _lost(other)]
        hint = f"\n    {nearest(path.name, runs)}" if runs else ""
        raise I2IError(f"{path}: this is not a run folder (it has no {' and '.join(lost)}){hint}")


def _lost(path: Path) -> list[str]:
    return [name for name in NEEDED if not (path / name).is_file()]


def _previews(folder: Path) -> list[tuple[int, Path]]:
    files = folder.iterdir() if folder.is_dir() else ()
    found = [(SAMPLE.fullmatch(path.name), path) for path in files]
    return sorted((int(match[1]), path) for match, path in found if match and path.is_file())


def _trains(path: Path) -> bool:
    try:
        lock.refuse_if_taken(path)
    except I2IError:
        return True
    return False


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _tables(value: Any) -> list[dict[str, Any]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []
