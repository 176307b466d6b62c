"""What a logger remembers of a program that keeps all it was ever told, so that a resumed run goes on there."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from i2i.core.errors import I2IError
from i2i.engine import disk


@dataclass
class Record:
    """Which run it is over there, and what that knows already.

    Attributes:
        path: the file inside the run folder.
        name: what the program calls the run.
        step: the latest that it was told of; -1 is none.
        known: up to which step it was told before this process began; -1 is nothing.
    """

    path: Path
    name: str = ""
    step: int = -1
    known: int = -1

    @classmethod
    def read(cls, path: Path) -> Record:
        """The record of a run folder; one without a name if there is none yet.

        Raises:
            I2IError: it is damaged.
        """
        if not path.is_file():
            return cls(path)
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            return cls(path, str(found["name"]), int(found["step"]), int(found["step"]))
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise I2IError(
                f"{path} is damaged ({error}); remove it, and the logger starts a new run over there"
            ) from error

    def takes(self, step: int) -> bool:
        """Whether a step is to be told: one that comes again, after a resume or a rollback, is known already."""
        if step <= self.known or step < self.step:
            return False
        if step > self.step:
            self.step = step
            self.write()
        return True

    def write(self) -> None:
        """Keep it in the run folder.

        Raises:
            DiskError: the disk refuses.
        """
        self.path.parent.mkdir(exist_ok=True)
        disk.write_text(self.path, json.dumps({"name": self.name, "step": self.step}))
