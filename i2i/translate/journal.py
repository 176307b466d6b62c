"""What a job has done, kept in its output folder while it lasts: the same job goes on where it was stopped."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from filelock import FileLock, Timeout
from torch import Tensor

import i2i
from i2i.core.errors import I2IError
from i2i.engine import disk
from i2i.translate.maps import Given
from i2i.translate.request import Request

if TYPE_CHECKING:
    from i2i.translate.model import Model

FILE, LOCK = ".i2i-translate.jsonl", ".i2i-translate.lock"
PATIENCE = 0.5  # seconds
ABOUT = "where i2i translate goes on when the same command is given again; it goes when all is done"
Stamp = tuple[int, int]
"""Size of a file, and when it was last changed: what tells whether it is still the same."""


def stamp(path: Path) -> Stamp | None:
    """None where there is no such file."""
    try:
        facts = path.stat()
    except OSError:
        return None
    return facts.st_size, facts.st_mtime_ns


class Journal:
    """The lines of a journal; `note` may be called by any thread.

    Args:
        file: JSON lines: first which job it is of, then every source that is finished or has failed.
        job: which job it is now; the lines of another one are dropped.
    """

    def __init__(self, file: Path, job: str) -> None:
        self.file = file
        self.entries, self._lock = _read(file, job), Lock()
        if not self.entries:
            first = json.dumps({"about": ABOUT, "job": job})
            disk.write_text(file, f"{first}\n")

    def is_done(self, source: Path, targets: Sequence[Path]) -> bool:
        """Whether a source was finished, and neither it nor its results were changed since."""
        entry = self.entries.get(_key(source))
        if entry is None or "problem" in entry:
            return False
        there = {_key(target): stamp(target) for target in targets}
        return entry == _entry(source, there) and None not in there.values()

    def note(self, source: Path, targets: Sequence[Path], problem: str = "") -> None:
        """Add a source that is finished, or has failed."""
        there = {} if problem else {_key(target): stamp(target) for target in targets}
        entry = {**_entry(source, there), **({"problem": problem} if problem else {})}
        line = json.dumps({"source": _key(source), **entry})
        with self._lock, disk.writing(self.file), self.file.open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")  # one write: what a kill cuts off is the last line at most
            self.entries[_key(source)] = entry

    @property
    def failed(self) -> bool:
        """Whether a source has failed."""
        return any("problem" in entry for entry in self.entries.values())


def _key(path: Path) -> str:
    return str(path.resolve())


def _entry(source: Path, there: Mapping[str, Stamp | None]) -> dict[str, Any]:
    """As JSON gives it back."""
    entry: dict[str, Any] = json.loads(json.dumps({"was": stamp(source), "targets": there}))
    return entry


def _read(file: Path, job: str) -> dict[str, dict[str, Any]]:
    """The entries of a journal by source, the last of each; none if it is of another job, or of nobody."""
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    first, *rest = [_parsed(line) for line in lines] or [{}]
    if first.get("job") != job:
        return {}
    return {str(line.pop("source")): line for line in rest if "source" in line}


def _parsed(line: str) -> dict[str, Any]:
    """A line that a killed process left half-written is an empty one."""
    try:
        entry = json.loads(line)
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) else {}


@contextmanager
def journal_in(folder: Path, job: str) -> Iterator[Journal]:
    """The journal of a job in its output folder, which no other job may use meanwhile.

    It is removed at the end if every source that it lists was finished, and so is a folder that stayed empty.

    Raises:
        I2IError: another job is at work there, or the disk refuses.
    """
    new = not folder.exists()
    with disk.writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder):
        journal = Journal(folder / FILE, job)
        try:
            yield journal
        except BaseException:
            if not journal.entries:
                disk.discard(journal.file)
            raise
        if not journal.failed:
            disk.discard(journal.file)
    if new and not any(folder.iterdir()):
        folder.rmdir()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    lock = FileLock(folder / LOCK, timeout=PATIENCE)
    with disk.writing(folder / LOCK):
        try:
            lock.acquire()
        except Timeout:
            raise I2IError(
                f"{folder}: another i2i translate writes to this folder; wait for it, or choose another one"
            ) from None
    try:
        yield
    finally:
        disk.discard(folder / LOCK)  # those who wait for it see that it is gone, and make their own
        lock.release()


def job_of(model: Model, request: Request) -> str:
    """What tells one job from another: the weights, the method, the controls, and what results are computed in."""
    told = {
        "i2i": i2i.__version__,
        "strategy": model.spec.strategy,
        "facts": model.facts,
        "weights": _digest_of_weights(model),
        "precision": model.precision_of(torch.uint8),
        "captions": request.captions,
        "controls": request.controls,
        "own": request.own.model_dump(exclude={"batch"}),
        "pictures": {name: _digest([picture]) for name, picture in request.pictures.items()},
        "maps": {field: _given(maps) for field, maps in request.maps.items()},
    }
    return hashlib.sha256(json.dumps(told, default=repr, sort_keys=True).encode()).hexdigest()


def _digest_of_weights(model: Model) -> str:
    parts = sorted(model.net.modules().items())
    return _digest([tensor for _, part in parts for _, tensor in sorted(part.state_dict().items())])


def _digest(tensors: Sequence[Tensor]) -> str:
    digest = hashlib.sha256()
    for tensor in tensors:
        digest.update(f"{tensor.dtype}{tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _given(maps: Given) -> object:
    """What tells a map, or the maps of a folder, from others."""
    if isinstance(maps, (str, Path)):
        return _key(Path(maps)), stamp(Path(maps))
    if isinstance(maps, Mapping):
        return {name: (_key(path), stamp(path)) for name, path in maps.items()}
    if isinstance(maps, Tensor):
        return _digest([maps])
    return hashlib.sha256(np.asarray(maps).tobytes()).hexdigest()
