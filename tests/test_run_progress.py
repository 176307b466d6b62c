"""What people see: pace, terms in words, and time left."""

from __future__ import annotations

import io
import time

import pytest
from rich.console import Console

from i2i.run.progress import Pace, Printed, clock, in_words


class Clock:
    """A clock that only moves when it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)


@pytest.fixture
def ticking(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def test_the_pace_is_images_by_time(ticking: Clock) -> None:
    pace = Pace(started=ticking.now)
    pace.images, pace.waited = 8, 1.0
    ticking.now += 4
    assert pace.read(ticking.now) == (2.0, 0.25)


def test_every_reading_starts_anew(ticking: Clock) -> None:
    pace = Pace(started=ticking.now)
    pace.images, pace.waited = 8, 1.0
    ticking.now += 4
    pace.read(ticking.now)
    pace.images = 6
    ticking.now += 2
    assert pace.read(ticking.now) == (3.0, 0.0)


def test_pictures_and_checkpoints_do_not_count(ticking: Clock) -> None:
    pace = Pace(started=ticking.now)
    ticking.now += 2
    with pace.paused():
        ticking.now += 50
    ticking.now += 2
    pace.images = 8
    assert pace.read(ticking.now)[0] == 2.0


def test_a_reading_inside_a_pause_counts_what_came_before_it(ticking: Clock) -> None:
    pace = Pace(started=ticking.now)
    ticking.now += 1
    with pace.paused():
        ticking.now += 3  # a GPU finishes the steps that it was given
        pace.images = 8
        assert pace.read(ticking.now)[0] == 2.0
        ticking.now += 50  # pictures
    ticking.now += 4
    pace.images = 8
    assert pace.read(ticking.now)[0] == 2.0


def test_an_error_inside_a_pause_ends_it(ticking: Clock) -> None:
    pace = Pace(started=ticking.now)
    with pytest.raises(RuntimeError), pace.paused():
        ticking.now += 50
        raise RuntimeError
    ticking.now += 1
    pace.images = 3
    assert pace.read(ticking.now)[0] == 3.0


def test_no_time_is_no_error(ticking: Clock) -> None:
    assert Pace(started=ticking.now).read(ticking.now) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59.4, "59 s"), (60, "1:00 min"), (185, "3:05 min"), (3600, "1:00 h"), (7805, "2:10 h")],
)
def test_times_are_said_as_people_do(seconds: float, words: str) -> None:
    assert clock(seconds) == words


def test_terms_stand_by_phase() -> None:
    terms = {"generators/gan_a": 0.314159, "generators/cycle_a": 12.0, "critic/real": 1e-5}
    assert in_words(terms) == "generators: gan_a 0.314 cycle_a 12  critic: real 1e-05"
    assert in_words(terms, lines=True).splitlines() == [
        "generators: gan_a 0.314 cycle_a 12",
        "critic: real 1e-05",
    ]


def test_without_a_terminal_every_reading_is_one_line(ticking: Clock) -> None:
    out = io.StringIO()
    printed = Printed(Console(file=out, width=40), None, steps=100, start=50)
    ticking.now += 25
    printed.step(75)
    printed.numbers(75, {"critic/real": 0.5}, 12.345, 0.1)
    printed.note("a note with [brackets], longer than the console is wide, on a single line")
    assert out.getvalue().splitlines() == [
        "step 75/100  12.3 images/s, 10% waiting for data, 25 s left  critic: real 0.5",
        "a note with [brackets], longer than the console is wide, on a single line",
    ]
