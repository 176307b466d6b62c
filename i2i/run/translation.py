"""Translating many files, as a user sees it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor

from i2i.core.errors import I2IError
from i2i.core.words import counted
from i2i.translate import sampling
from i2i.translate.files import Result, found, plan, translate_files, translate_rows
from i2i.translate.grid import Row, check_grid, draw_rows
from i2i.translate.model import Model
from i2i.translate.pictures import as_tensor, write_picture

Done = TypeVar("Done", Result, Row, tuple[str, Tensor])


def translate_shown(model: Model, inputs: Iterable[Path], out: Path, controls: Mapping[str, Any]) -> int:
    """Translate files and folders with a progress bar; returns 1 if a file failed, else 0."""
    request = model.request(controls)
    endings = request.endings()
    pairs = plan(inputs, out, endings)
    console = Console()
    results = _followed(console, translate_files(model, pairs, request), len(pairs))
    problems = [result.problem for result in results if result.problem]
    done = len(pairs) - len(problems)
    each = "" if request.single else f", {counted(len(endings), 'result')} each"
    _say(console, f"{counted(done, 'picture')} translated{each}: {out}", *problems)
    return 1 if problems else 0


def grid_shown(model: Model, inputs: Iterable[Path], out: Path, controls: Mapping[str, Any]) -> int:
    """Draw a grid of files and their results with a progress bar; returns 1 if a file failed, else 0."""
    request = model.request(controls)
    files, labels = list(found(inputs)), request.labels()
    check_grid(len(files), 1 + len(labels), out)
    if out.resolve() in {file.resolve() for file, _ in files}:
        raise I2IError(f"{out} would be replaced by the grid; choose another name")
    console = Console()
    rows = _followed(console, translate_rows(model, files, request), len(files))
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
    sampling.write_samples(rows, model, out)
    of_each = f" of each of {len(rows)}" if len(rows) > 1 else ""
    _say(console, f"{counted(each, 'sample')}{of_each}: {out}")


def _followed(
    console: Console, results: Iterable[Done], total: int, doing: str = "translating"
) -> list[Done]:
    """All results, with a progress bar while they are made."""
    bar = Progress(
        TextColumn(doing), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=console
    )
    with bar:
        return list(bar.track(results, total=total))


def _say(console: Console, *lines: str) -> None:
    for line in lines:
        console.print(line, highlight=False, markup=False, soft_wrap=True)
