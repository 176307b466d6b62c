"""Ctrl-C or SIGTERM in the middle of a run: the step is finished first, so that nothing is lost."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def first_signal(ask: Callable[[int], None]) -> Iterator[None]:
    """The first Ctrl-C or SIGTERM calls `ask` with its number, the second of either stops at once.

    Outside the main thread, and where somebody has chosen to ignore a signal, nothing changes.
    """
    before = {number: signal.getsignal(number) for number in SIGNALS}
    before = {number: handler for number, handler in before.items() if handler not in (None, signal.SIG_IGN)}
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def put_back() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def answer(number: int, frame: FrameType | None) -> None:
        put_back()
        ask(number)

    for number in before:
        signal.signal(number, answer)
    try:
        yield
    finally:
        put_back()
