"""What metrics keep to."""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from i2i.core.registry import Component
from i2i.testing.comparing import unequal
from i2i.testing.others import CLASSES, FACTS, SIDE
from i2i.testing.workbench import Workbench

COUNT = 4


def _shown(count: int = COUNT) -> dict[str, Tensor]:
    random = torch.Generator().manual_seed(5)
    pictures = {
        name: torch.rand(count, 3, SIDE, SIDE, generator=random) * 2 - 1
        for name in ("result", "truth", "input")
    }
    labels = torch.randint(0, len(CLASSES), (count, SIDE, SIDE), generator=random)
    answers = torch.rand(2, count, 3, SIDE, SIDE, generator=random) * 2 - 1
    return {**pictures, "labels": labels, "domain": torch.arange(count) % len(CLASSES), "answers": answers}


def _measured(
    bench: Workbench, metric: Component, shown: Mapping[str, Tensor], cuts: int
) -> dict[str, float]:
    """The values of a metric that is shown results in so many parts."""
    facts = {fact: FACTS[fact] for fact in metric.signature.facts if fact in FACTS}
    if inspect.isfunction(metric.factory):
        made = bench.build(metric, {}, {})
        return {"it": float(made(shown["result"], shown["truth"]))}
    judge = bench.build(metric, {}, {**facts, **bench.facts(metric)})
    names = [*inspect.signature(judge.update).parameters]
    for part in range(cuts):
        span = slice(part * COUNT // cuts, (part + 1) * COUNT // cuts)
        judge.update(**{n: shown[n][:, span] if n == "answers" else shown[n][span] for n in names})
    value = judge.compute()
    values = value if isinstance(value, Mapping) else {"it": value}
    return {name: float(number) for name, number in values.items()}


def value(bench: Workbench, metric: Component) -> Iterator[str]:
    """A metric gives finite numbers, the same every time, however its results are cut."""
    shown = _shown()
    kept, state = {name: t.clone() for name, t in shown.items()}, torch.get_rng_state()
    values = _measured(bench, metric, shown, 1)
    if odd := [f"{name} gives {value}" for name, value in values.items() if not math.isfinite(value)]:
        yield f"{', '.join(odd)} for ordinary pictures"
        return
    if not torch.equal(state, torch.get_rng_state()):
        yield (
            "it draws from torch's global random numbers, which disturbs the run that it judges; use a torch.Generator "
            "of its own"
        )
    elif values != _measured(bench, metric, shown, 1):
        yield "it gives another value the second time for the same pictures; give its random numbers a fixed seed"
    if unequal(kept, shown):
        yield "it changes the pictures that it is shown; do without operations in place"
    if not inspect.isfunction(metric.factory) and not _close(values, _measured(bench, metric, shown, 2)):
        yield "it depends on how many results it is shown at a time; add up over all results, and divide in compute()"


def _close(one: Mapping[str, float], other: Mapping[str, float]) -> bool:
    return one.keys() == other.keys() and all(
        math.isclose(value, other[name], rel_tol=1e-4, abs_tol=1e-5) for name, value in one.items()
    )
