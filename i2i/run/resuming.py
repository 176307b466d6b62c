"""What a run that goes on may change, what it must find again, and what it says."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from i2i.core.data import DataFacts
from i2i.core.errors import I2IError, I2IWarning
from i2i.core.registry import Registry
from i2i.core.words import counted, quoted
from i2i.engine import checkpoints
from i2i.engine.checkpoints import Found
from i2i.engine.disk import DiskError
from i2i.run.folder import Folder
from i2i.spec import used

RESUMABLE = (
    "train.steps",
    "data.root",
    "data.folder",
    "data.cache",
    "data.cache_folder",
    "train.device",
    "train.checkpoint_every",
    "train.accumulate",
    "train.on_nonfinite",
    "train.max_skips",
    "train.max_rollbacks",
    "train.max_bad_files",
)


class OtherDataError(I2IError):
    """The labels or the pictures of the data are not like those that the run was trained with."""


def check_settings(settings: Iterable[str]) -> None:
    """Refuse changes that would make another run of it.

    Raises:
        I2IError: there is one.
    """
    for setting in settings:
        key = setting.partition("=")[0].strip()
        if key not in RESUMABLE:
            raise I2IError(
                f"--set {key}: a resumed run can change only {', '.join(RESUMABLE)}; start a new run instead"
            )


def check_facts(facts: Mapping[str, Any], folder: Folder, registry: Registry) -> None:
    """Refuse a run that was imported, or whose plug-ins are not here; say where they are others than before.

    Raises:
        I2IError: it is one.
    """
    if "imported" in facts:
        raise I2IError(
            f"{folder.path} holds imported weights and nothing to resume; start a new run from them: i2i run "
            f"{folder.spec} --set data.root=… --set train.init_from={folder.path} --out …"
        )
    _check_files(facts.get("plugin_files", {}), folder, registry)
    if lost := used.lacking(facts, registry, "this run"):
        raise I2IError("\n".join(lost))
    for sentence in [*used.moved(facts, registry, "this run"), *used.changed(facts, registry, "this run")]:
        warnings.warn(sentence, I2IWarning, stacklevel=3)


def _check_files(files: Mapping[str, str], folder: Folder, registry: Registry) -> None:
    """Refuse a run some of whose plug-in files are not here, by name; say which have changed."""
    here = {Path(file).name for file in registry.files}
    if missing := [file for file in files if Path(file).name not in here]:
        needed = " ".join(f"--plugin {quoted(file)}" for file in files)
        raise I2IError(
            f"this run was made with a plug-in file, and {quoted(missing[0])} is missing: i2i {needed} resume "
            f"{quoted(folder.path)}"
        )
    for file, digest in files.items():
        if digest not in registry.files.values():
            sentence = (
                f"{quoted(file)} has changed since this run was made; it goes on with the file as it is now"
            )
            warnings.warn(sentence, I2IWarning, stacklevel=4)


def check_data(before: Mapping[str, Any], now: DataFacts) -> None:
    """Refuse labels or values that would come to mean something else than in the run so far.

    `before` are the facts of its data as a checkpoint keeps them.

    Raises:
        OtherDataError: they differ.
    """
    labels = [", ".join(names) for names in (before.get("domains", ()), now.domains)]
    if labels[0] != labels[1]:
        raise OtherDataError(
            f"data.root: the labels of this data are {labels[1]}, and the run was trained with {labels[0]}; "
            "it can only go on with the same ones in the same order"
        )
    for field in now.channels:
        was, this = (_stored(facts, field) for facts in (before, asdict(now)))
        if [part for part, other in zip(was, this, strict=True) if part not in ("", other)]:
            raise OtherDataError(
                f"data.root: '{field}' of this data is {_in_words(*this)}, and the run was trained with "
                f"{_in_words(*was)}; it can only go on with pictures that are stored alike"
            )


def _stored(facts: Mapping[str, Any], field: str) -> tuple[Any, ...]:
    """Channels, type and values of a field; empty what a checkpoint of earlier days does not know."""
    parts = [facts.get(name, {}).get(field, "") for name in ("channels", "stored", "value_range")]
    return tuple(list(part) if isinstance(part, tuple) else part for part in parts)


def _in_words(channels: Any, kind: str, values: Any) -> str:
    return f"{counted(channels, 'channel')} of {kind or 'numbers'} in the range {values}"


def check_newest(folder: Folder, step: int, passed_over: Iterable[int]) -> None:
    """Refuse to go on from a step when another process has meanwhile gone further.

    Raises:
        I2IError: it has.
    """
    newer = [other for other in checkpoints.steps(folder.checkpoints) if other > step]
    if set(newer) - set(passed_over):
        raise I2IError(
            f"{folder.path}: this run was opened at step {step:,}, and another process has trained it to step "
            f"{newer[-1]:,} since; open it again"
        )


def stale_pointers(folder: Folder, newest: Found) -> list[str]:
    """Which of `latest` and `best` do not name the newest whole checkpoint, as they should: a kill came between."""
    names = ["latest", *(["best"] if newest.facts.get("is_best") else [])]
    return [name for name in names if folder.named(name) != folder.checkpoints / newest.folder.name]


@contextmanager
def surviving(folder: Folder) -> Iterator[None]:
    """Add to what the disk refuses what is left, and how to go on.

    Raises:
        DiskError: the disk refuses.
    """
    try:
        yield
    except DiskError as error:
        raise DiskError(f"{error}; {_left(folder)}" if folder.path.is_dir() else str(error)) from error


def _left(folder: Folder) -> str:
    try:
        there = checkpoints.steps(folder.checkpoints)
    except OSError:
        there = {}
    left = "earlier checkpoints are whole" if there else "there is no checkpoint yet"
    return f"{left}; to go on: i2i resume {folder.path}"
