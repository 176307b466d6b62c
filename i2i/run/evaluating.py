"""Judging models, as a user sees it: a bar, a table, and where the values went."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from i2i.core.registry import Registry
from i2i.run.table import table
from i2i.translate.evaluating.comparing import compare
from i2i.translate.evaluating.evaluation import FILE, Evaluation
from i2i.translate.evaluating.judging import Tick
from i2i.translate.evaluating.jury import COPYING
from i2i.translate.model import Model


def evaluate_shown(model: Model, name: str, metrics: Sequence[str], **how: Any) -> None:
    """Judge a model with a progress bar, and print its values."""
    with _bar() as tick:
        found = model.evaluate(metrics, progress=tick, **how)
    protocol, about, name = found[0].protocol, found[0].model, name.rstrip("/\\")
    print(f"{name}, step {about['step']:,}, weights {about['weights']}: {_judged_on(protocol)}")
    rows = [["", "value", "copying the input"], *(row for each in found for row in _rows(each))]
    if not any(copying for _, _, copying in rows[1:]):
        rows = [row[:2] for row in rows]
    print(table(rows, right=len(rows[0]) - 1))
    if (run := model.origin.run) is not None:
        print(f"how it was measured: {_short(run / FILE)}")


def _short(path: Path) -> Path:
    """Relative to the working folder, if it lies inside."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def compare_shown(runs: Iterable[str], metrics: Sequence[str], registry: Registry) -> None:
    """Print runs that were judged alike in one table."""
    found = compare(runs, metrics)
    head = ["run", "seeds", "step", "weights", *found.metrics]
    rows = [
        [
            row.name,
            ", ".join(map(str, row.seeds)),
            ", ".join(f"{step:,}" for step in row.steps),
            row.weights,
            *(row.cell(metric) for metric in found.metrics),
        ]
        for row in found.rows
    ]
    if found.copying:
        cells = (
            f"{found.copying[metric]:.4g}" if metric in found.copying else "" for metric in found.metrics
        )
        rows.append(["copying the input", "", "", "", *cells])
    print(table([head, *rows], right=len(found.metrics)))
    print(f"judged on {_judged_on(next(iter(found.protocols.values())))}")
    for better, names in _directions(found.metrics, registry).items():
        print(f"{better} is better: {', '.join(names)}")
    if any(len(row.seeds) > 1 for row in found.rows):
        print("several seeds: mean (lowest–highest)")


def _rows(evaluation: Evaluation) -> Iterator[list[str]]:
    values = {name: f"{value:.4g}" for name, value in evaluation.values.items()}
    for name, value in values.items():
        if not name.endswith(COPYING):
            yield [name, value, values.get(f"{name}_{COPYING}", "")]


def _judged_on(protocol: Mapping[str, Any]) -> str:
    asked = ", ".join(f"{name}={value}" for name, value in protocol["controls"].items())
    controls = f", with {asked}" if asked else ""
    return (
        f"{protocol['results']:,} results at {protocol['size']} pixels, data '{protocol['data']}', {protocol['inputs']}"
        f"{controls}"
    )


def _directions(metrics: Sequence[str], registry: Registry) -> dict[str, list[str]]:
    better: dict[str, list[str]] = {}
    for name in metrics:
        if name in registry.names("metric"):
            higher = getattr(registry.get("metric", name).factory, "higher_is_better", False)
            better.setdefault("higher" if higher else "lower", []).append(name)
    return better


@contextmanager
def _bar() -> Iterator[Tick]:
    """A bar on the standard error, where that is a terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("judging", total=None)
        yield lambda what, done, whole: bar.update(task, description=what, completed=done, total=whole)
