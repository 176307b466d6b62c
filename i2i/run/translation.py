"""Translating many files, as a user sees it."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from i2i.core.errors import I2IError
from i2i.core.words import counted, listed
from i2i.translate import sampling
from i2i.translate.files import found
from i2i.translate.grid import check_grid, draw_rows
from i2i.translate.jobs import Job, Result, job, translate_rows
from i2i.translate.model import Model
from i2i.translate.patterns import listed_paths
from i2i.translate.pictures import as_tensor, write_picture

Done = TypeVar("Done")
SHOWN = 20
"""Failures that are printed; the journal of the job has all."""


def translate_shown(
    model: Model, inputs: Iterable[Path], out: Path, controls: Mapping[str, Any], kind: str = ""
) -> int:
    """Translate files and folders with a progress bar; returns 1 if a file failed, else 0.

    Args:
        model: the model.
        inputs: files, folders and patterns; "-" for a list of them on the standard input.
        out: a folder, or for one file a file.
        controls: of the method, and the translator's own.
        kind: of file that results are; by default that of their inputs.
    """
    console, files = Console(), _with_list(inputs)
    with job(model, files, out, model.request(controls), kind=kind) as work, _going_on(console, work):
        before = time.monotonic()
        results = _results(console, work)
        seconds = time.monotonic() - before
    problems = [result.problem for result in results if result.problem]
    _say(console, _summary(work, results, seconds, out), *_lost(results), *_failures(problems, work))
    return 1 if problems else 0


def _results(console: Console, work: Job) -> list[Result]:
    """What becomes of each file, with a progress bar; while a video is translated it tells the frames."""
    results = []
    with _bar(console) as bar:
        task = bar.add_task("translating", total=len(work.pairs) + work.done, completed=work.done)

        def on_frame(count: int, total: int | None) -> None:
            bar.update(task, description=f"translating, frame {count}{f' of {total}' if total else ''}")

        for result in work.results(on_frame):
            results.append(result)
            bar.update(task, advance=1, description="translating")
    return results


def _with_list(inputs: Iterable[Path]) -> list[Path]:
    """The inputs, with the list on the standard input in the place of "-"."""
    given = list(inputs)
    at = given.index(Path("-")) if Path("-") in given else None
    if at is None:
        return given
    return [*given[:at], *listed_paths(sys.stdin.buffer.read()), *given[at + 1 :]]


@contextmanager
def _going_on(console: Console, work: Job) -> Iterator[None]:
    """Say that a job goes on, and, where it is stopped, that it can."""
    total = len(work.pairs) + work.done
    if work.done:
        _say(console, f"{work.done:,} of {counted(total, 'picture')} were done already; going on")
    try:
        yield
    except KeyboardInterrupt:
        if work.journal:
            _say(console, "the same command goes on from here")
        raise


def _summary(work: Job, results: Sequence[Result], seconds: float, out: Path) -> str:
    """The last line: how many, in which precision, and how fast."""
    good = [result for result in results if not result.problem]
    precisions = sorted({result.precision for result in good if result.precision})
    facts = [", ".join(precisions)] * bool(precisions)
    facts += [f"{len(good) / seconds:.3g} images/s"] * (len(good) > 1)
    each = "" if work.request.single else f", {counted(len(work.request.endings()), 'result')} each"
    beside = f" ({', '.join(facts)})" if facts else ""
    return f"{counted(len(good), 'picture')} translated{each}{beside}: {out}"


def _lost(results: Sequence[Result]) -> list[str]:
    opaque = [result for result in results if result.opaque]
    if not opaque:
        return []
    kinds = ", ".join(sorted({result.target.suffix for result in opaque}))
    lost = "its transparency" if len(opaque) == 1 else "their transparency"
    return [f"{counted(len(opaque), 'result')} lost {lost}: {kinds} files have none"]


def _failures(problems: Sequence[str], work: Job) -> list[str]:
    if len(problems) <= SHOWN:
        return list(problems)
    where = f"; all of them: {work.journal.file}" if work.journal else ""
    return [f"{listed(problems, SHOWN, chr(10))}{where}"]


def grid_shown(
    model: Model, inputs: Iterable[Path], out: Path, controls: Mapping[str, Any], kind: str = ""
) -> int:
    """Draw a grid of files and their results with a progress bar; returns 1 if a file failed, else 0."""
    if kind:
        raise I2IError(f"--type {kind}: a grid is one picture, whose name says what kind it is; leave it out")
    request = model.request(controls)
    files, labels = list(found(_with_list(inputs))), request.labels()
    check_grid(len(files), 1 + len(labels), out)
    if out.resolve() in {file.resolve() for file, _ in files}:
        raise I2IError(f"{out} would be replaced by the grid; choose another name")
    console = Console()
    rows = _followed(console, translate_rows(model, files, request), len(files), "translating")
    done, problems = [row for row in rows if not row.problem], [row.problem for row in rows if row.problem]
    if done:
        write_picture(as_tensor(draw_rows(labels, done)), out)
        _say(console, f"{counted(len(done), 'picture')} in a grid: {out}")
    _say(console, *problems)
    return 1 if problems else 0


def samples_shown(model: Model, count: int | None, out: Path, controls: Mapping[str, Any]) -> None:
    """Draw samples with a progress bar, as a sheet or as files."""
    request = sampling.check_request(model, controls)
    each, console = sampling.samples_each(request, count), Console()
    sampling.check_out(out, len(request.captions), each)
    rows = dict(_followed(console, sampling.drawn(model, request, each), len(request.captions), "drawing"))
    sampling.write_samples(rows, model, request, out)
    of_each = f" of each of {len(rows)}" if len(rows) > 1 else ""
    _say(console, f"{counted(each, 'sample')}{of_each}: {out}")


def _followed(console: Console, results: Iterable[Done], total: int, doing: str) -> list[Done]:
    """All results, with a progress bar while they are made."""
    with _bar(console) as bar:
        return list(bar.track(results, total=total, description=doing))


class _Pace(ProgressColumn):
    """How many pictures a second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:.3g} images/s" if speed else "")


def _bar(console: Console) -> Progress:
    """Nothing where no one looks."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Pace(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    )


def _say(console: Console, *lines: str) -> None:
    for line in lines:
        console.print(line, highlight=False, markup=False, soft_wrap=True)
