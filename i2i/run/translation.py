"""Translating many files, as a user sees it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from i2i.translate.files import Result, plan, translate_files
from i2i.translate.translator import Model


def translate_shown(
    model: Model, inputs: Iterable[Path], out: Path, seed: int, controls: Mapping[str, Any]
) -> int:
    """Translate files and folders with a progress bar; returns 1 if a file failed, else 0."""
    values = model.check(controls)
    pairs = plan(inputs, out)
    console = Console()
    bar = Progress(
        TextColumn("translating"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=console
    )
    with bar:
        task = bar.add_task("translating", total=len(pairs))
        results = []
        for result in translate_files(model, pairs, seed, values):
            results.append(result)
            bar.advance(task)
    failed = [r for r in results if r.problem]
    _report(console, results, failed, out)
    return 1 if failed else 0


def _report(console: Console, results: list[Result], failed: list[Result], out: Path) -> None:
    done = len(results) - len(failed)
    console.print(
        f"{done} picture{'s' * (done != 1)} translated: {out}", highlight=False, markup=False, soft_wrap=True
    )
    for result in failed:
        console.print(result.problem, highlight=False, markup=False, soft_wrap=True)
