"""The parent's end of a process that trains in one setting."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType
from typing import Any

from i2i.core.errors import I2IError

KILLED = -9


class EndedError(I2IError):
    """A setting cannot be measured: why, in words."""


class Trainer:
    """Trains a spec in a process of its own; use it in a `with` statement, which ends the process.

    Args:
        spec: TOML text.
        plugins: files of plug-ins.
        settings: changes to the spec, `KEY=VALUE`.

    Attributes:
        seconds: of a step, at first sight.
        cycle: steps after which every phase had its turn.
        batch: samples of a step.

    Raises:
        EndedError: it does not train.
    """

    def __init__(self, spec: str, plugins: Sequence[str], settings: Sequence[str]) -> None:
        self._printed = TemporaryFile(mode="w+", encoding="utf-8", errors="replace")  # noqa: SIM115
        self._process = subprocess.Popen(
            [sys.executable, "-m", "i2i.speed.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._printed,
            encoding="utf-8",
            cwd=Path.cwd(),
        )
        try:
            first = self._answer({"spec": spec, "plugins": [*plugins], "settings": [*settings]})
        except BaseException:
            self.end()
            raise
        self.seconds, self.cycle, self.batch = (
            float(first["seconds"]),
            int(first["cycle"]),
            int(first["batch"]),
        )

    def __enter__(self) -> Trainer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def ask(self, what: str, *values: float) -> Any:
        """What a method of `Steps` gives.

        Raises:
            EndedError: it fails, or the process is gone.
        """
        return self._answer({"do": what, "with": values})["answer"]

    def end(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()
        self._printed.close()

    def _answer(self, order: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            print(json.dumps(order), file=self._process.stdin, flush=True)
            line = self._process.stdout.readline()
        except OSError:  # it is gone
            line = ""
        answer: dict[str, Any] = json.loads(line) if line else {"problem": self._last_words()}
        if "problem" in answer:
            raise EndedError(answer["problem"])
        return answer

    def _last_words(self) -> str:
        code = self._process.wait()
        if code == KILLED:
            return "the system ended it, most likely for want of memory"
        self._printed.seek(0)
        words = [line for line in self._printed.read().splitlines() if line.strip()]
        return words[-1] if words else f"it ended with code {code}"
