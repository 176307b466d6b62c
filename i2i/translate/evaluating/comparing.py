"""Several models in one table: only values that were measured alike, and seeds of one spec as mean and spread."""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

from i2i.core.errors import I2IError, nearest
from i2i.engine import checkpoints
from i2i.translate.evaluating.evaluation import FILE, Evaluation, read
from i2i.translate.evaluating.jury import COPYING


@dataclass(frozen=True)
class Judged:
    """A run at a step, by the name that was asked for, and what it was judged to be."""

    name: str
    folder: Path
    which: str
    step: int
    evaluations: Sequence[Evaluation]

    @property
    def seed(self) -> int:
        """Of its training."""
        return int(self.evaluations[0].model["seed"])

    def of(self, metric: str) -> list[Evaluation]:
        """The values of a metric, the newest first."""
        return [each for each in reversed(self.evaluations) if each.metric == metric]


@dataclass(frozen=True)
class Row:
    """Runs of one spec from several seeds, or one run.

    Attributes:
        name: of the first.
        seeds: of their training.
        steps: at which they were judged.
        weights: averaged, or as trained.
        values: of every run, by metric.
    """

    name: str
    seeds: tuple[int, ...]
    steps: tuple[int, ...]
    weights: str
    values: Mapping[str, Sequence[float]]

    def cell(self, metric: str) -> str:
        """The value, or mean and range."""
        values = self.values[metric]
        middle = f"{mean(values):.4g}"
        return middle if len(values) == 1 else f"{middle} ({min(values):.4g}–{max(values):.4g})"


@dataclass(frozen=True)
class Comparison:
    """Rows for runs that were measured alike.

    Attributes:
        metrics: the columns.
        rows: one for each spec.
        copying: by metric, the value of answering with the inputs unchanged, where that can be.
        protocols: by metric, how all of them were measured.
    """

    metrics: tuple[str, ...]
    rows: tuple[Row, ...]
    copying: Mapping[str, float]
    protocols: Mapping[str, Mapping[str, Any]]


def compare(runs: Iterable[str], metrics: Sequence[str] = ()) -> Comparison:
    """Put the values that runs were judged with into one table.

    Args:
        runs: run folders, `RUN@best` or `RUN@4000`, each judged before.
        metrics: those to compare; by default all that every run was judged with.

    Raises:
        I2IError: a run was not judged, or not by these metrics; or two were not measured alike: where they differ is
            said.
    """
    judged = [_judged(run) for run in runs]
    names = tuple(metrics) or _shared(judged)
    alike = {name: _alike(judged, name) for name in names}
    rows = tuple(
        _row([judged[n] for n in group], {m: [alike[m][n] for n in group] for m in names})
        for group in _groups(judged)
    )
    copied = {name: found[0].values.get(f"{name}_{COPYING}") for name, found in alike.items()}
    copying = {name: value for name, value in copied.items() if value is not None}
    return Comparison(names, rows, copying, {name: found[0].protocol for name, found in alike.items()})


def _judged(run: str) -> Judged:
    path, which = (Path(run), "latest")
    if "@" in path.name and not path.exists():
        before, _, which = run.rpartition("@")
        path = Path(before)
    there = path / "checkpoints"
    found = checkpoints.steps(there).get(int(which)) if which.isdecimal() else checkpoints.named(there, which)
    if found is None:
        raise I2IError(f"{run}: this names no checkpoint of a run folder")
    step = int(found.name.rpartition("-")[2])
    every = read(path / FILE)
    at_step = [each for each in every if each.model.get("step") == step]
    if not at_step:
        steps = ", ".join(sorted({f"{each.model.get('step'):,}" for each in every}))
        raise I2IError(f"{run} was judged at step {steps}, not at {step:,}: i2i evaluate {run}")
    return Judged(run, path, which, step, at_step)


def _shared(judged: Sequence[Judged]) -> tuple[str, ...]:
    every = [[each.metric for each in run.evaluations] for run in judged]
    names = tuple(name for name in dict.fromkeys(every[0]) if all(name in of_run for of_run in every))
    if not names:
        had = "; ".join(
            f"{run.name}: {', '.join(dict.fromkeys(of_run))}"
            for run, of_run in zip(judged, every, strict=True)
        )
        raise I2IError(f"these runs were judged by no common metric ({had})")
    return names


def _alike(judged: Sequence[Judged], metric: str) -> list[Evaluation]:
    """The value of each run by one protocol: the newest that all of them share."""
    for run in judged:
        if not run.of(metric):
            known = nearest(metric, [*{each.metric: None for each in run.evaluations}])
            raise I2IError(f"{run.name} was not judged by '{metric}'\n    {known}")
    for candidate in judged[0].of(metric):
        same = [_same(run, candidate) for run in judged]
        found = [each for each in same if each is not None]
        if len(found) == len(judged):
            return found
    raise I2IError(
        "\n    ".join(
            [
                f"{metric}: these were not measured alike; judge them anew in one way",
                *_differences(judged, metric),
            ]
        )
    )


def _same(run: Judged, candidate: Evaluation) -> Evaluation | None:
    return next((each for each in run.of(candidate.metric) if each.protocol == candidate.protocol), None)


def _differences(judged: Sequence[Judged], metric: str) -> Iterator[str]:
    """The keys in which the newest protocols differ, with what each run has there."""
    newest = [run.of(metric)[0].protocol for run in judged]
    for key in dict.fromkeys(key for protocol in newest for key in protocol):
        values = [json.dumps(protocol.get(key)) for protocol in newest]
        if len(set(values)) > 1:
            yield f"{key}: " + ", ".join(
                f"{value} in {run.name}" for run, value in zip(judged, values, strict=True)
            )


def _groups(judged: Sequence[Judged]) -> list[list[int]]:
    """The numbers of those that only their seeds tell apart: one spec, and checkpoints of one name."""
    groups: dict[tuple[str, str, int], list[int]] = {}
    for number, run in enumerate(judged):
        alike = _recipe(run), run.which
        again = sum(
            run.seed == before.seed and alike == (_recipe(before), before.which) for before in judged[:number]
        )
        groups.setdefault((*alike, again), []).append(number)
    return list(groups.values())


def _recipe(run: Judged) -> str:
    """The spec of a run without its seed: what runs of several seeds share."""
    try:
        tables = tomllib.loads((run.folder / "spec.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return run.name
    tables.get("train", {}).pop("seed", None)
    return json.dumps(tables, sort_keys=True, default=str)


def _row(runs: Sequence[Judged], values: Mapping[str, Sequence[Evaluation]]) -> Row:
    first = next(iter(values.values()))
    return Row(
        runs[0].name,
        tuple(int(each.model["seed"]) for each in first),
        tuple(dict.fromkeys(run.step for run in runs)),
        ", ".join(dict.fromkeys(str(each.model["weights"]) for each in first)),
        {metric: [_first(each) for each in found] for metric, found in values.items()},
    )


def _first(evaluation: Evaluation) -> float:
    """The value that counts; what a file holds no number for is none."""
    value = next(iter(evaluation.values.values()))
    return math.nan if value is None else float(value)
