"""One piece of work at a time, and its errors are told."""

from __future__ import annotations

import threading

import pytest

from i2i.core.errors import I2IError
from i2i.run.writer import Writer


def test_the_work_is_done_beside_and_waited_for() -> None:
    writer, gate, done = Writer(), threading.Event(), []

    def work() -> None:
        gate.wait(10)
        done.append(threading.current_thread() is threading.main_thread())

    writer.start(work)
    writer.check()  # does not wait
    assert done == []
    gate.set()
    writer.wait()
    assert done == [False]


def test_the_second_waits_for_the_first() -> None:
    writer, order = Writer(), []
    gate = threading.Event()

    def first() -> None:
        gate.wait(10)
        order.append(1)

    writer.start(first)
    threading.Timer(0.05, gate.set).start()
    writer.start(lambda: order.append(2))
    writer.wait()
    assert order == [1, 2]


def test_an_error_is_told_once() -> None:
    writer, failed = Writer(), threading.Event()

    def work() -> None:
        failed.set()
        raise I2IError("no space")

    writer.start(work)
    failed.wait(10)
    with pytest.raises(I2IError, match="no space"):
        writer.wait()
    writer.wait()
    writer.check()


@pytest.mark.parametrize("ask", ["check", "start"])
def test_the_next_question_tells_the_error(ask: str) -> None:
    writer = Writer()

    def work() -> None:
        raise I2IError("no space")

    writer.start(work)
    assert writer._thread is not None
    writer._thread.join()
    with pytest.raises(I2IError, match="no space"):
        writer.check() if ask == "check" else writer.start(lambda: None)
