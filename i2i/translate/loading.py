"""Loading a trained model: which checkpoint a name means, and its networks with their weights."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from i2i.core.batch import Parts
from i2i.core.data import DataFacts
from i2i.core.errors import I2IError, I2IWarning, SpecError, nearest
from i2i.core.registry import Registry
from i2i.core.words import and_more
from i2i.engine import checkpoint, checkpoints, checksums
from i2i.engine.checkpoint import DamagedError
from i2i.engine.parallel import World, devices
from i2i.spec.assemble import build_parts, build_strategy, place
from i2i.spec.plugins import discover
from i2i.spec.spec import resolve
from i2i.translate.model import Model


def load(path: str | Path, *, registry: Registry | None = None, device: str = "auto") -> Model:
    """Load a run folder, `RUN@best`, `RUN@4000`, or a checkpoint folder; averaged weights where they exist.

    Args:
        path: what to load.
        registry: the components; None looks for what is installed.
        device: auto, cpu, cuda, cuda:1 or mps.

    Raises:
        I2IError: there is no such checkpoint, it is damaged, or a plug-in that it needs is missing.
    """
    opened = open_checkpoint(str(path))
    if opened.note:
        warnings.warn(opened.note, I2IWarning, stacklevel=2)
    folder, tensors, state = opened.folder, opened.tensors, opened.facts
    registry = registry or discover()
    try:
        spec = resolve(folder / "spec.toml", registry)
    except SpecError as error:
        raise _with_plugin_files(error, state, registry) from error
    facts = _data_facts(folder, state)
    net, _ = build_parts(spec.model_copy(update={"terms": {}}), registry, facts, losses_too=False)
    if partial := "imported" in state:
        net = _without_absent(net, tensors)
    for name, module in net.modules().items():
        entries = tensors.get(f"{name}.ema", tensors.get(name, {}))
        if entries or not partial:
            fill(module, entries, f"{folder}: the weights of {name} do not fit its spec.toml")
    try:
        where = devices(World(), device)
    except I2IError as error:
        raise I2IError(str(error).removeprefix("train.")) from error
    place(net, where, [])
    return Model(spec, build_strategy(spec, registry), net, facts, where)


class _Incomplete(Parts):
    """The parts of an imported run, which has only those whose files were given."""

    __slots__ = ("_absent",)

    def __init__(self, parts: Mapping[str, Any], absent: frozenset[str]) -> None:
        super().__init__(parts)
        self._absent = absent

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_") and name in self._absent:
            raise I2IError(f"this run has no {name}: it was imported without it")
        return super().__getattr__(name)


def _without_absent(net: Parts, tensors: Mapping[str, Any]) -> Parts:
    """The parts without those networks of which no weights were imported."""
    networks = [name for name, module in net.modules().items() if list(module.parameters())]
    absent = frozenset(networks) - set(tensors)
    return _Incomplete({name: net[name] for name in net if name not in absent}, absent)


def fill(module: nn.Module, weights: Mapping[str, Tensor], otherwise: str) -> None:
    """Give a part its weights.

    Raises:
        I2IError: they do not fit; the sentence starts with `otherwise`.
    """
    try:
        module.load_state_dict(weights)
    except RuntimeError as error:
        raise I2IError(f"{otherwise}: {mismatch(error)}") from error


def mismatch(error: Exception) -> str:
    """The first of the many things that torch finds wrong with weights, and how many more there are."""
    first, *more = str(error).splitlines()[1:] or [str(error)]
    return f"{first.strip()}{and_more(len(more))}"


@dataclass(frozen=True)
class Opened:
    """A checkpoint that was read.

    Attributes:
        folder: where it is.
        tensors: by file name without suffix.
        facts: what its `state.json` says.
        note: that a newer one is damaged; empty if none is.
    """

    folder: Path
    tensors: Mapping[str, Mapping[str, Tensor]]
    facts: Mapping[str, Any]
    note: str = ""


def open_checkpoint(path: str) -> Opened:
    """Read the checkpoint that a name means: of a run folder, the newest one that is whole.

    Raises:
        I2IError: there is none, or it is damaged; what there is instead is named.
    """
    named = "@" in Path(path).name and not Path(path).is_dir()
    run, _, which = path.rpartition("@") if named else (path, "", "latest")
    folder = Path(run)
    if not named and any((folder / name).is_file() for name in (checkpoint.STATE, checksums.FILE)):
        return Opened(folder, *checkpoint.read(folder))
    there = folder / "checkpoints"
    if not there.is_dir():
        # Of a folder of runs, one of those inside was meant.
        above = folder if folder.is_dir() else folder.parent
        near = nearest(folder.name, _folders(above)) if above.is_dir() else ""
        raise I2IError(f"{folder}: this is neither a run folder nor a checkpoint\n    {near}".rstrip())
    if which == "latest":
        newest = checkpoints.newest(there)
        if newest is None:
            raise _no_such(folder, which)
        return Opened(newest.folder, newest.tensors, newest.facts, newest.note("this uses"))
    return _one_of(folder, which)


def _one_of(folder: Path, which: str) -> Opened:
    """The checkpoint of a run that `best` or a step names."""
    there = folder / "checkpoints"
    if which.isdecimal():
        found = checkpoints.steps(there).get(int(which))
    else:
        found = checkpoints.named(there, which) if which == "best" else None
    if found is None:
        raise _no_such(folder, which)
    try:
        return Opened(found, *checkpoint.read(found))
    except I2IError as error:
        good = ", ".join(map(str, checkpoints.whole(there))) or "none"
        raise I2IError(f"{error}; whole checkpoints of {folder}: {good}") from error


def _no_such(folder: Path, which: str) -> I2IError:
    there = folder / "checkpoints"
    words = [name for name in ("latest", "best") if (there / name).is_file()]
    names = [*words, *map(str, checkpoints.steps(there))]
    return I2IError(f"{folder} has no checkpoint '{which}'; it has {', '.join(names) or 'none yet'}")


def _with_plugin_files(error: SpecError, state: Mapping[str, Any], registry: Registry) -> I2IError:
    """An error of a run that was made with plug-in files which are not loaded now."""
    files = [
        file
        for file, digest in state.get("plugin_files", {}).items()
        if digest not in registry.files.values()
    ]
    if not files:
        return error
    flags = " ".join(f"--plugin {file}" for file in files)
    return I2IError(f"{error}\n  this run was made with plug-in files; load them again: i2i {flags} …")


def _folders(above: Path) -> list[str]:
    return [path.name for path in above.iterdir() if path.is_dir()]


def _data_facts(folder: Path, state: Mapping[str, Any]) -> DataFacts:
    try:
        return DataFacts(**_facts(state["data"]))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise DamagedError(
            folder, f"its {checkpoint.STATE} does not hold the facts of the data: {error}"
        ) from error


def _facts(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Facts as JSON kept them: lists become tuples."""
    ranges = {name: tuple(pair) for name, pair in stored["value_range"].items()}
    groups = {name: tuple(map(tuple, stored.get(name, ()))) for name in ("exclusive", "sets", "palette")}
    names = {name: tuple(stored.get(name, ())) for name in ("fields", "domains", "classes")}
    return {**stored, **names, **groups, "value_range": ranges}
