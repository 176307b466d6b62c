"""A training step for which there is too little memory: what to change, and how to go on."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from i2i.core.errors import I2IError, lacks_memory
from i2i.run.folder import Folder
from i2i.run.resuming import RESUMABLE
from i2i.spec.memory import Job
from i2i.spec.room import no_memory

if TYPE_CHECKING:
    from i2i.run.run import Run


class OutOfMemoryError(I2IError):
    """A training step found too little memory."""


@contextmanager
def within_memory(run: Run) -> Iterator[None]:
    """Where a run trains: without memory for a step it ends with a sentence, once the last checkpoint is written.

    Raises:
        OutOfMemoryError: there is none: which settings to change and to what, and how to go on.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not lacks_memory(error):
            raise
        said, settings = no_memory(job_of(run), run.engine.device)
        ahead = _ahead(run.folder, settings) if run.folder is not None else ""
        raise OutOfMemoryError(said + ahead) from error


def job_of(run: Run) -> Job:
    """What the memory of a run's steps depends on."""
    return Job(run.spec, run.registry, run.source.facts, run.steps_total, run.world)


def _ahead(folder: Folder, settings: tuple[str, ...]) -> str:
    """Where the run stands, and how to go on with other settings."""
    if folder.named("latest") is None:
        return ""
    changes = "".join(f" --set {shlex.quote(setting)}" for setting in settings)
    if all(setting.partition("=")[0] in RESUMABLE for setting in settings):
        return f"\n    earlier checkpoints are whole; to go on: i2i resume {folder.path}{changes}"
    return (
        "\n    earlier checkpoints are whole; a new run from their weights: "
        f"i2i run {folder.spec} --set train.init_from={folder.path}{changes} --out …"
    )
