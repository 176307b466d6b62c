"""What loggers, optimizers, schedules and importers keep to."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from i2i.core.errors import I2IError
from i2i.core.importing import Match
from i2i.core.protocols import Logger, Schedule
from i2i.core.registry import Component
from i2i.testing.comparing import unequal
from i2i.testing.values import at_bounds, refusal, unforeseen
from i2i.testing.workbench import Workbench

SIDE = 64
LINES = 20
"""Steps that a logger is told: so many that a lost file is told from one that holds the latest step."""
MARKS = (0, 1, 10, 99, 100, 1000, 10**5, 10**7, 0, 10)
"""Steps that a schedule is asked for; some twice."""
CLASSES = ("a", "b", "c")
FACTS: Mapping[str, Any] = {"image_size": SIDE, "classes": len(CLASSES), "ignore": 255, "domains": CLASSES}


def logger_calls(bench: Workbench, logger: Component) -> Iterator[str]:
    """A logger can be opened, told numbers and pictures, closed, and opened again, and keeps what it had written."""
    made = bench.build(logger, {}, {})
    if lost := [name for name in ("open", "scalars", "picture", "close") if not hasattr(made, name)]:
        yield f"it has no method {', '.join(lost)} (i2i.Logger)"
        return
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        _tell(made, Path(folder), range(1, LINES))
        before = _sizes(Path(folder))
        _tell(bench.build(logger, {}, {}), Path(folder), range(LINES, LINES + 1))
        after = _sizes(Path(folder))
    # by half: a file with the latest step alone may lose some characters
    if odd := sorted(name for name, size in before.items() if after.get(name, 0) < size / 2):
        yield (
            f"when it is opened again, as after a resume, {odd[0]} loses what it held; add to what an earlier process "
            "wrote"
        )


def _tell(logger: Logger, folder: Path, steps: range) -> None:
    """What a logger is told by one process."""
    logger.open(folder)
    for step in steps:
        logger.scalars(step, {"generator/gan": 0.5, "odd": math.nan})
    logger.picture(steps[-1], "samples", torch.zeros(3, 8, 8, dtype=torch.uint8))
    logger.close()


def _sizes(folder: Path) -> dict[str, int]:
    """The bytes of every file in a folder."""
    return {
        path.relative_to(folder).as_posix(): path.stat().st_size
        for path in folder.rglob("*")
        if path.is_file()
    }


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
    yield from _factors(made)
    factors = [made(step, 10) for step in MARKS]
    if (factors[0], factors[2]) != (factors[-2], factors[-1]):
        yield "the factor of a step depends on the steps that were asked before; a resume asks from the middle on"


def _factors(schedule: Schedule) -> Iterator[str]:
    for step in MARKS:
        if not 0 <= (factor := schedule(step, 10)) < math.inf:
            yield f"at step {step} the factor is {factor}; it should be 0 or more, and finite"
            return


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
    """It can be built with every option at its limits, or refuses the value in a sentence; schedules are asked, too."""
    for option, value in at_bounds(component):
        facts = {fact: FACTS[fact] for fact in component.signature.facts if fact in FACTS}
        if component.kind == "optimizer":
            facts = {"parameters": nn.Linear(2, 2).parameters()}
        try:
            made = bench.build(component, {option: value}, facts)
        except I2IError as error:
            if cause := unforeseen(error):
                yield refusal(option, value, cause)
            continue
        if component.kind == "schedule":
            yield from _asked(made, option, value)


def _asked(schedule: Schedule, option: str, value: Any) -> Iterator[str]:
    try:
        yield from (f"with {option} = {value!r} {sentence}" for sentence in _factors(schedule))
    except I2IError:
        return
    except Exception as error:
        yield refusal(option, value, error)
