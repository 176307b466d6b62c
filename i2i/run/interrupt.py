"""Ctrl-C or SIGTERM in the middle of a run: the step is finished first, so that nothing is lost."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)
ECHO = 5.0  # seconds within which a second SIGTERM is the first one, come by another way


@contextmanager
def first_signal(ask: Callable[[int], None]) -> Iterator[None]:
    """The first Ctrl-C or SIGTERM calls `ask` with its number, the second of either stops at once.

    A SIGTERM that comes again within seconds is the same one: a scheduler sends it to every process of a job, and
    torchrun passes it on to those that it started.

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
        if number == signal.SIGTERM:
            signal.signal(number, after(time.monotonic() + ECHO))
        ask(number)

    def after(moment: float) -> Callable[[int, FrameType | None], None]:
        def again(number: int, frame: FrameType | None) -> None:
            if time.monotonic() >= moment:
                put_back()
                signal.raise_signal(number)

        return again

    for number in before:
        signal.signal(number, answer)
    try:
        yield
    finally:
        put_back()
