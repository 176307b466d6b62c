"""The start of a run from the weights of another one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor, nn

from i2i.core.errors import I2IError
from i2i.core.words import by_shape, listed
from i2i.engine.loop import Engine
from i2i.run.table import table
from i2i.translate.loading import open_checkpoint

SHOWN = 3


@dataclass(frozen=True)
class Taken:
    """What a network took.

    Attributes:
        network: its name.
        tensors: how many it took.
        all: how many it has.
        rest: why the others start anew.
    """

    network: str
    tensors: int
    all: int
    rest: str


def start_from(engine: Engine, path: Path, domains: Sequence[str] = ()) -> str:
    """Take what fits of an earlier run's networks, by name and shape; the rest, and all optimizers, start anew.

    Averaged copies start from their network. `domains` are the labels of the data, which the table compares.

    Returns:
        A table of what was taken.

    Raises:
        I2IError: there is no such run, or nothing in it fits.
    """
    try:
        opened = open_checkpoint(str(path))
    except I2IError as error:
        raise I2IError(f"train.init_from: {error}") from error
    folder, tensors, facts = opened.folder, opened.tensors, opened.facts
    report = [_take(name, module, tensors.get(name)) for name, module in engine.trained.items()]
    networks = sorted(name for name in tensors if "." not in name)
    if not any(taken.tensors for taken in report):
        raise I2IError(
            f"train.init_from: nothing in {folder} fits; it has {', '.join(networks)}\n{_table(report)}"
        )
    for name, average in engine.ema.items():
        average.load_state_dict(engine.net[name].state_dict())
    other = [name for name in networks if name not in engine.trained and name not in engine.net]
    there = facts.get("data", {}).get("domains", ())
    notes = [opened.note] * bool(opened.note)
    notes += [f"not used: {', '.join(other)}"] * bool(other)
    if domains and there and [*domains] != [*there]:
        notes.append(f"the labels are {', '.join(domains)} here, {', '.join(there)} there")
    return "\n".join([f"from {folder}", _table(report), *notes])


def _take(name: str, module: nn.Module, theirs: Mapping[str, Tensor] | None) -> Taken:
    ours = module.state_dict()
    if theirs is None:
        return Taken(name, 0, len(ours), "it is not there")
    fitting = {
        key: tensor for key, tensor in theirs.items() if key in ours and ours[key].shape == tensor.shape
    }
    module.load_state_dict({**ours, **fitting})
    rest = [_why(key, ours, theirs) for key in ours if key not in fitting]
    rest += [_why(key, ours, theirs) for key in theirs if key not in ours]
    return Taken(name, len(fitting), len(ours), listed(rest, SHOWN, "; "))


def _why(key: str, ours: Mapping[str, Tensor], theirs: Mapping[str, Tensor]) -> str:
    if key not in theirs:
        return f"{key} is new here"
    if key not in ours:
        return f"{key} has no place here"
    return f"{key} is {by_shape(ours[key].shape)} here, {by_shape(theirs[key].shape)} there"


def _table(report: list[Taken]) -> str:
    rows = [(t.network, f"{t.tensors:,} of {t.all:,}", t.rest) for t in report]
    return table([("network", "tensors", "what starts anew" if any(t.rest for t in report) else ""), *rows])
