"""How processes that start again find each other, and not those that were before them."""

from __future__ import annotations

import time
import uuid
from datetime import timedelta
from typing import Protocol

POLL = 0.02  # seconds


class Store(Protocol):
    """What torchrun keeps for its processes: texts by name."""

    def set(self, name: str, value: str, /) -> None:
        """Keep a text."""
        ...

    def get(self, name: str, /) -> bytes:
        """A text; waits until it is there."""
        ...

    def check(self, names: list[str], /) -> bool:
        """Whether all of them are there."""
        ...


def meet(store: Store, rank: int, size: int, patience: timedelta) -> str:
    """A word for this start of the processes, which all of them agree on.

    The store outlives a start and keeps its addresses, and neither the number of restarts nor that of processes tells
    starts apart on every machine. So each process greets the first with a word of its own, and is answered with it.

    Raises:
        RuntimeError: not all of them have come in time.
    """
    end = time.monotonic() + patience.total_seconds()
    return _greet(store, rank, end) if rank else _answer(store, size, end)


def _greet(store: Store, rank: int, end: float) -> str:
    mine = uuid.uuid4().hex
    store.set(f"i2i/greeting/{rank}", mine)
    while time.monotonic() < end:
        greeted, _, word = store.get(f"i2i/answer/{rank}").decode().partition(" ")
        if greeted == mine:
            store.set(f"i2i/{word}/{rank}", "")
            return word
        time.sleep(POLL)
    raise RuntimeError("the first process does not answer")


def _answer(store: Store, size: int, end: float) -> str:
    word, missing = uuid.uuid4().hex, [*range(1, size)]
    while time.monotonic() < end:
        for other in missing:
            if store.check([f"i2i/greeting/{other}"]):
                store.set(f"i2i/answer/{other}", f"{store.get(f'i2i/greeting/{other}').decode()} {word}")
        time.sleep(POLL)
        missing = [other for other in missing if not store.check([f"i2i/{word}/{other}"])]
        if not missing:
            return word
    raise RuntimeError(f"missing: process {', '.join(map(str, missing))}")
