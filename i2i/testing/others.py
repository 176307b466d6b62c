"""What metrics, loggers, optimizers, schedules and importers keep to."""

from __future__ import annotations

import inspect
import math
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from i2i.core.errors import I2IError
from i2i.core.importing import Match
from i2i.core.registry import Component
from i2i.testing.comparing import unequal
from i2i.testing.values import at_bounds
from i2i.testing.workbench import Workbench

COUNT, SIDE = 4, 64
CLASSES = ("a", "b", "c")
FACTS: Mapping[str, Any] = {"image_size": SIDE, "classes": len(CLASSES), "ignore": 255, "domains": CLASSES}


def _shown(count: int = COUNT) -> dict[str, Tensor]:
    random = torch.Generator().manual_seed(5)
    pictures = {
        name: torch.rand(count, 3, SIDE, SIDE, generator=random) * 2 - 1
        for name in ("result", "truth", "input")
    }
    labels = torch.randint(0, len(CLASSES), (count, SIDE, SIDE), generator=random)
    answers = torch.rand(2, count, 3, SIDE, SIDE, generator=random) * 2 - 1
    return {**pictures, "labels": labels, "domain": torch.arange(count) % len(CLASSES), "answers": answers}


def _measured(bench: Workbench, metric: Component, shown: Mapping[str, Tensor], cuts: int) -> float:
    """The value of a metric that is shown results in so many parts."""
    facts = {fact: FACTS[fact] for fact in metric.signature.facts if fact in FACTS}
    if inspect.isfunction(metric.factory):
        made = bench.build(metric, {}, {})
        return float(made(shown["result"], shown["truth"]))
    judge = bench.build(metric, {}, {**facts, **bench.facts(metric)})
    names = [*inspect.signature(judge.update).parameters]
    for part in range(cuts):
        span = slice(part * COUNT // cuts, (part + 1) * COUNT // cuts)
        judge.update(**{n: shown[n][:, span] if n == "answers" else shown[n][span] for n in names})
    value = judge.compute()
    return float(next(iter(value.values())) if isinstance(value, Mapping) else value)


def metric_value(bench: Workbench, metric: Component) -> Iterator[str]:
    """A metric gives one number, the same every time, however its results are cut."""
    shown = _shown()
    kept, state = {name: t.clone() for name, t in shown.items()}, torch.get_rng_state()
    value = _measured(bench, metric, shown, 1)
    if not math.isfinite(value):
        yield f"it gives {value} for ordinary pictures"
        return
    if not torch.equal(state, torch.get_rng_state()):
        yield (
            "it draws from torch's global random numbers, which disturbs the run that it judges; use a torch.Generator "
            "of its own"
        )
    elif value != _measured(bench, metric, shown, 1):
        yield "it gives another value the second time for the same pictures; give its random numbers a fixed seed"
    if unequal(kept, shown):
        yield "it changes the pictures that it is shown; do without operations in place"
    whole = inspect.isfunction(metric.factory)
    if not whole and not math.isclose(value, _measured(bench, metric, shown, 2), rel_tol=1e-4, abs_tol=1e-5):
        yield "it depends on how many results it is shown at a time; add up over all results, and divide in compute()"


def logger_calls(bench: Workbench, logger: Component) -> Iterator[str]:
    """A logger can be opened, told numbers and pictures, closed, and opened again."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        for step in (1, 2):
            made = bench.build(logger, {}, {})
            if lost := [name for name in ("open", "scalars", "picture", "close") if not hasattr(made, name)]:
                yield f"it has no method {', '.join(lost)} (i2i.Logger)"
                return
            made.open(Path(folder))
            made.scalars(step, {"generator/gan": 0.5, "odd": math.nan})
            made.picture(step, "samples", torch.zeros(3, 8, 8, dtype=torch.uint8))
            made.close()


def optimizer_steps(bench: Workbench, optimizer: Component) -> Iterator[str]:
    """An optimizer moves weights, and goes on after a restart as if there had been none."""
    whole, broken = _Trained(bench, optimizer), _Trained(bench, optimizer)
    start = whole.weights()
    whole.steps(2)
    if not unequal(start, whole.weights()):
        yield "two steps move no weight"
        return
    state = {"net": whole.net.state_dict(), "optimizer": whole.optimizer.state_dict()}
    broken.net.load_state_dict(state["net"])
    broken.optimizer.load_state_dict(json_copy(state["optimizer"]))
    whole.steps(2)
    broken.steps(2)
    if unequal(whole.weights(), broken.weights()):
        yield "after a restart it goes on differently; keep what it remembers in the optimizer's state, as tensors"


def json_copy(state: Any) -> Any:
    """A state with tensors of its own, as a checkpoint gives it back."""
    if isinstance(state, Tensor):
        return state.clone()
    if isinstance(state, dict):
        return {key: json_copy(value) for key, value in state.items()}
    if isinstance(state, (list, tuple)):
        return type(state)(json_copy(value) for value in state)
    return state


class _Trained:
    """A network of a few weights and its optimizer."""

    def __init__(self, bench: Workbench, optimizer: Component) -> None:
        torch.manual_seed(0)
        self.net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
        facts = {"parameters": self.net.parameters()}
        self.optimizer: torch.optim.Optimizer = bench.build(optimizer, {}, facts)

    def steps(self, count: int) -> None:
        for _ in range(count):
            self.optimizer.zero_grad()
            self.net(torch.linspace(-1, 1, 12).view(4, 3)).square().mean().backward()
            self.optimizer.step()

    def weights(self) -> dict[str, Tensor]:
        return {name: t.clone() for name, t in self.net.state_dict().items()}


def schedule_factors(bench: Workbench, schedule: Component) -> Iterator[str]:
    """A schedule gives a factor from 0 on for every step, and is a pure function of it."""
    made = bench.build(schedule, {}, {})
    marks = [0, 1, 10, 99, 100, 1000, 10**5, 10**7, 0, 10]
    factors = [made(step, 10) for step in marks]
    if odd := [step for step, factor in zip(marks, factors, strict=True) if not 0 <= factor < math.inf]:
        yield f"at step {odd[0]} the factor is {made(odd[0], 10)}; it should be 0 or more, and finite"
    if (factors[0], factors[2]) != (factors[-2], factors[-1]):
        yield "the factor of a step depends on the steps that were asked before; a resume asks from the middle on"


def importer_detects(bench: Workbench, importer: Component) -> Iterator[str]:
    """An importer leaves alone what is not its own."""
    if "." not in importer.name:
        yield f"it is called '{importer.name}'; an importer is called STRATEGY.PART, after the part that it fills"
        return
    strategy, _, part = importer.name.rpartition(".")
    if strategy not in bench.registry.names("strategy"):
        yield f"there is no strategy '{strategy}' whose part {part} it could fill"
    made = bench.build(importer, {}, {})
    for keys in ([], ["a.weight"], ["module.features.0.weight", "module.features.0.bias"]):
        try:
            match = made.detect(keys, dict.fromkeys(keys, (1,)))
        except I2IError:
            continue
        if isinstance(match, Match):
            yield f"it takes {', '.join(keys) or 'an empty file'} for weights of its own; look at names and shapes"


def bounds(bench: Workbench, component: Component) -> Iterator[str]:
    """It can be built with every option at its limits, or refuses the value in a sentence."""
    for option, value in at_bounds(component):
        facts = {fact: FACTS[fact] for fact in component.signature.facts if fact in FACTS}
        if component.kind == "optimizer":
            facts = {"parameters": nn.Linear(2, 2).parameters()}
        try:
            if component.kind != "schedule" or inspect.isclass(component.factory):
                bench.build(component, {option: value}, facts)
        except I2IError as error:
            if "cannot be built with these options" in str(error):
                yield f"{option} = {value!r} is allowed, but {str(error).partition('(')[2].rstrip(')')}"
