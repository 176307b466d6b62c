"""Writes checkpoints beside the training, one at a time."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread


class Writer:
    """A thread for each piece of work; the next one waits for it, and so does whoever wants it done."""

    def __init__(self) -> None:
        self._thread: Thread | None = None
        self._error: BaseException | None = None

    def start(self, work: Callable[[], None]) -> None:
        """Begin a piece of work when the one before is done.

        Raises:
            BaseException: what the work before has raised.
        """
        self.wait()
        self._thread = Thread(target=self._do, args=(work,), name="i2i-writer")
        self._thread.start()

    def check(self) -> None:
        """Tell of work that went wrong, without waiting.

        Raises:
            BaseException: what it has raised, once.
        """
        if self._thread is not None and not self._thread.is_alive():
            self.wait()

    def wait(self) -> None:
        """Wait for the work that is under way.

        Raises:
            BaseException: what it has raised, once.
        """
        if self._thread is not None:
            self._thread.join()
        self._thread, error, self._error = None, self._error, None
        if error is not None:
            raise error

    def _do(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            self._error = error
