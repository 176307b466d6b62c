"""Loading a trained model: which checkpoint a name means, and its networks with their weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from i2i.core.batch import Parts
from i2i.core.data import DataFacts
from i2i.core.errors import I2IError, SpecError, nearest
from i2i.core.registry import Registry
from i2i.core.words import and_more
from i2i.engine import checkpoint
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
    folder = find_checkpoint(str(path))
    registry = registry or discover()
    tensors, state = checkpoint.read(folder)
    try:
        spec = resolve(folder / "spec.toml", registry)
    except SpecError as error:
        raise _with_plugin_files(error, state, registry) from error
    facts = DataFacts(**_facts(state["data"]))
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


def find_checkpoint(path: str) -> Path:
    """The checkpoint folder that a name means.

    Raises:
        I2IError: there is none; what there is instead is named.
    """
    named = "@" in Path(path).name and not Path(path).is_dir()
    run, at, which = path.rpartition("@") if named else (path, "", "latest")
    folder = Path(run)
    if not at and (folder / checkpoint.STATE).is_file():
        return folder
    checkpoints = folder / "checkpoints"
    if not checkpoints.is_dir():
        # Of a folder of runs, one of those inside was meant.
        above = folder if folder.is_dir() else folder.parent
        near = nearest(folder.name, _folders(above)) if above.is_dir() else ""
        raise I2IError(f"{folder}: this is neither a run folder nor a checkpoint\n    {near}".rstrip())
    if which.isdigit():
        found = checkpoints / checkpoint.folder_name(int(which))
    else:
        pointer = checkpoints / which
        found = checkpoints / pointer.read_text(encoding="utf-8").strip() if pointer.is_file() else pointer
    if not (found / checkpoint.STATE).is_file():
        steps = sorted(int(p.name.removeprefix("step-")) for p in checkpoints.glob("step-*"))
        words = [name for name in ("latest", "best") if (checkpoints / name).is_file()]
        raise I2IError(
            f"{folder} has no checkpoint '{which}'; it has {', '.join([*words, *map(str, steps)]) or 'none yet'}"
        )
    return found


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


def _facts(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Facts as JSON kept them: lists become tuples."""
    ranges = {name: tuple(pair) for name, pair in stored["value_range"].items()}
    groups = {name: tuple(map(tuple, stored.get(name, ()))) for name in ("exclusive", "sets", "palette")}
    names = {name: tuple(stored.get(name, ())) for name in ("fields", "domains", "classes")}
    return {**stored, **names, **groups, "value_range": ranges}
