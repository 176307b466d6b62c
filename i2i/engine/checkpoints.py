"""The checkpoints of a run: which there are, and the newest one that is whole."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from i2i.core.errors import I2IError
from i2i.engine import checkpoint, disk
from i2i.engine.checkpoint import DamagedError, Tensors

NAME = re.compile(r"step-([0-9]{6,18})")
HIDDEN = re.compile(r"\.(step-[0-9]{6,18})\.(draft|replaced|removed)")
LONGEST_NAME = 64


@dataclass(frozen=True)
class Found:
    """The newest whole checkpoint of a run.

    Attributes:
        folder: the checkpoint.
        tensors: by file name without suffix.
        facts: what `state.json` says.
        damaged: newer ones, which were passed over.
    """

    folder: Path
    tensors: Tensors
    facts: dict[str, Any]
    damaged: Sequence[DamagedError]

    def note(self, verb: str = "going on from") -> str:
        """What was passed over, in a line; empty if nothing was."""
        if not self.damaged:
            return ""
        return f"{_listed(self.damaged)}; {verb} {self.folder.name}"


def steps(folder: Path) -> dict[int, Path]:
    """The checkpoints below a folder, oldest first: the step of each, and where it is, whole or damaged."""
    if not folder.is_dir():
        return {}
    found: dict[int, Path] = {}
    for path in folder.iterdir():
        shown, hidden = NAME.fullmatch(path.name), HIDDEN.fullmatch(path.name)
        if shown and path.is_dir():
            found[int(shown[1])] = path
        elif hidden and hidden[2] == "replaced" and not (folder / hidden[1]).exists():
            found[int(hidden[1].removeprefix("step-"))] = path
    return dict(sorted(found.items()))


def newest(folder: Path) -> Found | None:
    """Read the newest whole checkpoint below a folder; None if there is none at all.

    Raises:
        I2IError: there are some, but all of them are damaged.
        DiskError: this user may not read one of them.
    """
    damaged: list[DamagedError] = []
    for step, path in reversed(steps(folder).items()):
        try:
            tensors, facts = checkpoint.read(path)
            if facts.get("step", step) == step:
                return Found(path, tensors, facts, damaged)
            damaged.append(DamagedError(path, f"it is a copy of step {facts['step']}"))
        except DamagedError as error:
            damaged.append(error)
        except disk.DiskError:
            raise
        except I2IError:
            damaged.append(DamagedError(path, f"it has no {checkpoint.STATE}"))
    if not damaged:
        return None
    lines = "".join(f"\n    {error.folder.name}: {error.reason}" for error in damaged)
    raise I2IError(f"{folder}: no checkpoint is whole:{lines}")


def whole(folder: Path) -> list[int]:
    """The steps of the checkpoints that are whole."""
    return [step for step, path in steps(folder).items() if _is_whole(path)]


def named(folder: Path, name: str) -> Path | None:
    """The checkpoint that the file `latest` or `best` names, if it names one."""
    try:
        with (folder / name).open(encoding="utf-8") as file:
            text = file.read(LONGEST_NAME).strip()
    except (OSError, ValueError):
        return None
    return folder / text if NAME.fullmatch(text) else None


def point(folder: Path, name: str, step: int) -> None:
    """Let `latest` or `best` name the checkpoint of a step.

    Raises:
        DiskError: the disk refuses.
    """
    disk.write_text(folder / name, checkpoint.folder_name(step))


def retain(folder: Path, keep: int, step: int) -> None:
    """Remove all but the newest checkpoints up to a step; what `best` names stays, and what is beyond the step too.

    Newer ones than that of the step that was just written are damaged: the run came back from there.
    """
    best = named(folder, "best")
    paths = [path for number, path in steps(folder).items() if number <= step]
    for path in paths[:-keep]:
        if path != best:
            checkpoint.remove(path)


def tidy(folder: Path) -> None:
    """Remove what a killed process left half-done; only for whoever holds the lock of the run."""
    if not folder.is_dir():
        return
    for path in sorted(folder.iterdir()):
        hidden = HIDDEN.fullmatch(path.name)
        if hidden and hidden[2] == "replaced" and not (folder / hidden[1]).exists():
            with disk.writing(folder / hidden[1]):
                path.replace(folder / hidden[1])
        elif hidden:
            disk.discard(path)
    disk.discard_drafts(folder)


def _is_whole(path: Path) -> bool:
    try:
        checkpoint.verify(path)
    except I2IError:
        return False
    return True


def _listed(damaged: Sequence[DamagedError]) -> str:
    return "; ".join(f"{error.folder.name} is damaged ({error.reason})" for error in damaged)
