import signal
import threading

import pytest

from i2i.run.interrupt import first_control_c


def test_the_first_control_c_asks_and_the_second_interrupts() -> None:
    before = signal.getsignal(signal.SIGINT)
    asked: list[bool] = []
    with pytest.raises(KeyboardInterrupt), first_control_c(lambda: asked.append(True)):
        signal.raise_signal(signal.SIGINT)
        assert asked == [True]
        signal.raise_signal(signal.SIGINT)
    assert asked == [True]
    assert signal.getsignal(signal.SIGINT) is before


def test_another_thread_changes_nothing() -> None:
    seen = []

    def work() -> None:
        with first_control_c(lambda: None):
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGINT)]
