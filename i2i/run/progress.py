"""Progress for people: a live bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn


@dataclass
class Pace:
    """How fast a run trains, and how much of that time goes into waiting for data."""

    images: int = 0
    waited: float = 0.0
    started: float = field(default_factory=time.monotonic)
    paused_at: float = 0.0

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Leave out what is no training: pictures, judgements, checkpoints."""
        self.paused_at = time.monotonic()
        try:
            yield
        finally:
            self.started += time.monotonic() - self.paused_at

    def read(self, now: float) -> tuple[float, float]:
        """Images per second and the share of time spent waiting, between the last reading and `now`.

        Read inside a pause, the pause counts from `now`: what came before it, a GPU finishing its work, was training.
        """
        elapsed = max(now - self.started, 1e-9)
        rate, share = self.images / elapsed, self.waited / elapsed
        self.images, self.waited, self.started, self.paused_at = 0, 0.0, now, now
        return rate, share


class Listener(Protocol):
    """Is told what a run does."""

    def step(self, step: int) -> None:
        """A step is done."""
        ...

    def numbers(self, step: int, terms: dict[str, float], images_per_second: float, waiting: float) -> None:
        """The terms of a step and the pace since the last ones."""
        ...

    def note(self, text: str) -> None:
        """Something worth a line."""
        ...


class Silent:
    """Says nothing."""

    def step(self, step: int) -> None:
        """Say nothing."""

    def numbers(self, step: int, terms: dict[str, float], images_per_second: float, waiting: float) -> None:
        """Say nothing."""

    def note(self, text: str) -> None:
        """Say nothing."""


class Printed:
    """A bar that moves on a terminal; one line for each reading elsewhere."""

    def __init__(self, console: Console, bar: Progress | None, steps: int, start: int) -> None:
        self.console, self.bar, self.steps, self.start = console, bar, steps, start
        self.began = time.monotonic()
        self.task = bar.add_task("training", total=steps, completed=start, left="", pace="") if bar else None

    def step(self, step: int) -> None:
        """Move the bar."""
        if self.bar is not None and self.task is not None:
            self.bar.update(self.task, completed=step, left=self._left(step))

    def numbers(self, step: int, terms: dict[str, float], images_per_second: float, waiting: float) -> None:
        """Show the terms and the pace."""
        pace = f"{images_per_second:.3g} images/s, {waiting:.0%} waiting for data"
        if self.bar is not None and self.task is not None:
            self.bar.update(self.task, pace=f"{pace}\n{in_words(terms, lines=True)}")
        else:
            self.console.print(
                f"step {step}/{self.steps}  {pace}, {self._left(step)}  {in_words(terms)}",
                soft_wrap=True,
                highlight=False,
            )

    def note(self, text: str) -> None:
        """Print a line above the bar."""
        self.console.print(text, soft_wrap=True, highlight=False, markup=False)

    def _left(self, step: int) -> str:
        done = step - self.start
        seconds = (time.monotonic() - self.began) / max(done, 1) * (self.steps - step)
        return f"{clock(seconds)} left"


@contextmanager
def printed(steps: int, start: int) -> Iterator[Printed]:
    """A listener on the standard output."""
    console = Console()
    if not console.is_terminal:
        yield Printed(console, None, steps, start)
        return
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("step {task.completed:.0f}/{task.total:.0f}, {task.fields[left]}"),
        TextColumn("{task.fields[pace]}"),
        console=console,
    )
    with bar:
        yield Printed(console, bar, steps, start)


def in_words(terms: dict[str, float], lines: bool = False) -> str:
    """Terms by phase: `generators: gan_a 0.31 cycle_a 0.12`."""
    phases: dict[str, list[str]] = {}
    for name, value in terms.items():
        phase, _, term = name.partition("/")
        phases.setdefault(phase, []).append(f"{term} {value:.3g}")
    return ("\n" if lines else "  ").join(f"{phase}: {' '.join(values)}" for phase, values in phases.items())


def clock(seconds: float) -> str:
    """Seconds as people say them: 42 s, 3:05 min, 2:10 h."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes == 0:
        return f"{rest} s"
    if minutes < 60:
        return f"{minutes}:{rest:02} min"
    return f"{minutes // 60}:{minutes % 60:02} h"
