"""Running the code of strangers when it is found: whatever it does, the command that runs is not harmed."""

from __future__ import annotations

import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any

from i2i.core.errors import I2IError

LONGEST = 500
"""So many characters of a stranger's error are shown."""


class PluginError(Exception):
    """What a plug-in's code raised, as a sentence."""


@contextmanager
def shielded() -> Iterator[None]:
    """Code that may raise anything, and print: what it prints goes to stderr, so that no command's output is spoiled.

    Raises:
        PluginError: the code raised something.
        KeyboardInterrupt: the user pressed Ctrl-C, and it was not the code that raised this.
    """
    pressed = threading.Event()
    before = _listen(pressed)
    try:
        with redirect_stdout(sys.stderr):
            yield
    except BaseException as error:
        if pressed.is_set():
            raise
        raise PluginError(sentence_of(error)) from error
    finally:
        if before is not None:
            signal.signal(signal.SIGINT, before)


def _listen(pressed: threading.Event) -> Any:
    """Note Ctrl-C; the handler that did so before, or None where this is not possible."""

    def note(number: int, frame: object) -> None:
        pressed.set()
        raise KeyboardInterrupt

    usual = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    return signal.signal(signal.SIGINT, note) if usual and _is_main() else None


def _is_main() -> bool:
    return threading.current_thread() is threading.main_thread()


def sentence_of(error: BaseException) -> str:
    """What somebody's code raised, and where."""
    if isinstance(error, I2IError):
        return str(error)
    text = f"{type(error).__name__}: {_text(error)}"
    text = text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
    place = next(reversed(traceback.extract_tb(error.__traceback__)), None)
    return (
        text
        if place is None or isinstance(error, SyntaxError)
        else f"{text} ({place.filename}, line {place.lineno})"
    )


def _text(error: BaseException) -> str:
    """What an error says, even if that fails."""
    try:
        return str(error)
    except BaseException as other:
        return f"its text cannot be shown ({type(other).__name__})"
