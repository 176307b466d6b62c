"""Ctrl-C and SIGTERM: the first asks, the second stops at once."""

from __future__ import annotations

import signal
import threading

import pytest

from i2i.run.interrupt import ECHO, SIGNALS, first_signal


@pytest.fixture
def handlers() -> list[object]:
    return [signal.getsignal(number) for number in SIGNALS]


@pytest.mark.parametrize("first", SIGNALS)
def test_the_first_signal_asks_and_the_second_interrupts(handlers: list[object], first: int) -> None:
    asked: list[int] = []
    with pytest.raises(KeyboardInterrupt), first_signal(asked.append):
        signal.raise_signal(first)
        assert asked == [first]
        assert signal.getsignal(signal.SIGINT) == handlers[SIGNALS.index(signal.SIGINT)]
        signal.raise_signal(signal.SIGINT)
    assert asked == [first]
    assert [signal.getsignal(number) for number in SIGNALS] == handlers


def test_a_sigterm_that_comes_by_two_ways_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    class StoppedError(Exception):
        pass

    def stop(number: int, frame: object) -> None:
        raise StoppedError

    now = 0.0
    monkeypatch.setattr("i2i.run.interrupt.time.monotonic", lambda: now)
    asked: list[int] = []
    before = signal.signal(signal.SIGTERM, stop)
    try:
        with pytest.raises(StoppedError), first_signal(asked.append):
            signal.raise_signal(signal.SIGTERM)
            now = ECHO - 0.1
            signal.raise_signal(signal.SIGTERM)
            assert asked == [signal.SIGTERM]
            now = ECHO
            signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert asked == [signal.SIGTERM]


def test_afterwards_all_is_as_before(handlers: list[object]) -> None:
    with first_signal(lambda number: None):
        assert [signal.getsignal(number) for number in SIGNALS] != handlers
    assert [signal.getsignal(number) for number in SIGNALS] == handlers


def test_another_thread_changes_nothing(handlers: list[object]) -> None:
    seen: list[object] = []

    def work() -> None:
        with first_signal(lambda number: None):
            seen.extend(signal.getsignal(number) for number in SIGNALS)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == handlers


def test_an_ignored_signal_stays_ignored() -> None:
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)  # as nohup does with another one
    try:
        with first_signal(lambda number: None):
            assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, before)
