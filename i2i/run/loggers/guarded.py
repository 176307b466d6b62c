"""A logger beside the training: in a thread of its own, and switched off once it fails or falls behind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Thread
from typing import Any, NamedTuple

from torch import Tensor

from i2i.core.errors import I2IError
from i2i.core.protocols import Logger
from i2i.core.words import in_bytes, short
from i2i.engine import disk

OPENING, CLOSING = 60.0, 30.0  # seconds that a run waits for a logger before and after the training
ROOM = 64 * 2**20  # bytes that may wait for a logger
NUMBER = 200  # bytes of a number and its name, more or less
START, END = "the start", "the end"
REPORT = "report.html"


class Call(NamedTuple):
    """What a logger is told: its name in a sentence, the call, and its size in bytes."""

    what: str
    work: Callable[[], None]
    size: int


class Guarded:
    """Tells a logger what it has to know, and never waits for it while training.

    All methods of the logger are called in one thread. When one of them raises, or when too much waits for the logger,
    that is said once, and it is told nothing more. What it may lack, `spec` and `file`, it is not told.
    """

    def __init__(self, name: str, logger: Logger, note: Callable[[str], None]) -> None:
        self.name, self._logger, self._note = name, logger, note
        self._calls: SimpleQueue[Call | None] = SimpleQueue()
        self._ready, self._off = Event(), False
        self._handed = self._done = 0  # bytes; the training counts the first, the thread the second
        self._failed: tuple[str, BaseException] | None = None

    def open(self, folder: Path) -> None:
        """Start the logger, and wait until it has started; `folder` is the run folder.

        Raises:
            I2IError: a library is missing, or an option is wrong.
        """
        self._folder = folder
        self._thread = Thread(target=self._serve, name=f"i2i-logger-{self.name}", daemon=True)
        self._thread.start()
        if not self._ready.wait(OPENING):
            self._switch_off(f"it did not start within {OPENING:.0f} seconds")
        _, error = self._failed or ("", None)
        if isinstance(error, ImportError):
            raise I2IError(f"logger '{self.name}': {error}") from error
        if isinstance(error, I2IError) and not isinstance(error, disk.DiskError):
            raise error
        self._look()

    def spec(self, text: str, values: Mapping[str, Any]) -> None:
        """The spec: as TOML, and as one table of dotted keys."""
        if tell := getattr(self._logger, "spec", None):
            self._hand_over("the spec", partial(tell, text, values), NUMBER * len(values))

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Numbers of a step."""
        told, size = dict(values), NUMBER * len(values)
        self._hand_over(f"the numbers of step {step:,}", lambda: self._logger.scalars(step, told), size)

    def picture(self, step: int, name: str, picture: Tensor) -> None:
        """A picture (3, H, W), uint8, that nobody changes any more."""
        what = f"the picture of step {step:,}"
        self._hand_over(what, lambda: self._logger.picture(step, name, picture), picture.nbytes)

    def close(self) -> None:
        """Hand on the report if there is one, and wait until everything is written."""
        report = self._folder / REPORT
        if report.is_file() and (tell := getattr(self._logger, "file", None)):
            self._hand_over(REPORT, partial(tell, report), NUMBER)
        if self._off:
            return
        self._calls.put(None)
        self._thread.join(CLOSING)
        if self._thread.is_alive():
            self._switch_off(f"it did not end within {CLOSING:.0f} seconds")
        self._look()

    def _hand_over(self, what: str, work: Callable[[], None], size: int) -> None:
        self._look()
        waiting = self._handed - self._done
        if waiting and waiting + size > ROOM:
            self._switch_off(f"it is too slow, and {in_bytes(waiting)} wait for it")
        if not self._off:
            self._handed += size
            self._calls.put(Call(what, work, size))

    def _look(self) -> None:
        """Say what the thread has met."""
        if self._failed is not None:
            what, error = self._failed
            self._switch_off(f"it failed at {what} ({_in_words(error, self._folder)})")

    def _switch_off(self, why: str) -> None:
        if not self._off:
            self._off = True
            self._calls.put(None)  # wakes the thread, so that it ends
            self._note(
                f"logger '{self.name}' is switched off: {why}; the run goes on without it, and metrics.jsonl and "
                "samples hold everything"
            )

    def _serve(self) -> None:
        """The thread: the logger's life from its start to its end."""
        what = START
        try:
            self._logger.open(self._folder)
            self._ready.set()
            while (call := self._calls.get()) is not None and not self._off:
                what = call.what
                call.work()
                self._done += call.size
            what = END
            self._logger.close()
        except BaseException as error:  # SystemExit too: some libraries raise it
            self._failed = (what, error)
            if what not in (START, END):
                with suppress(BaseException):
                    self._logger.close()
        finally:
            self._ready.set()


def _in_words(error: BaseException, folder: Path) -> str:
    """An error in a line, and what the disk says in words."""
    if isinstance(error, I2IError):
        words = str(error)
    elif isinstance(error, OSError):
        words = disk.reason(error, folder)
    else:
        words = f"{type(error).__name__}: {error}"
    return short(words.partition("\n")[0])
