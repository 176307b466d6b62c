"""Loading a trained model: which checkpoint a name means, and its networks with their weights."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from torch import Tensor, nn

from i2i.core.batch import Parts
from i2i.core.data import DataFacts
from i2i.core.errors import I2IError, I2IWarning, SpecError, nearest
from i2i.core.registry import Registry
from i2i.core.words import and_more, quoted
from i2i.engine import checkpoint, checkpoints, checksums
from i2i.engine.checkpoint import DamagedError
from i2i.engine.inference import compile_parts
from i2i.engine.parallel import World, devices
from i2i.spec import used
from i2i.spec.assemble import build_parts, build_strategy, place
from i2i.spec.plugins import discover
from i2i.spec.spec import Spec, resolve
from i2i.translate.model import Model
from i2i.translate.origin import LIBRARIES, Opened, origin_of
from i2i.translate.sharing import hub, packed

PRECISIONS = ("auto", "fp32", "bf16")
KINDS = "a run folder, a checkpoint, a .safetensors that i2i packed, or hf://OWNER/NAME"
FOREIGN = "this holds another project's weights; i2i import FILE -o RUN makes a run folder of them"
EXPORTED = (
    "this was exported for other programs; i2i loads the run it was exported from, or a .safetensors that it was "
    "packed into"
)
# What to do with files that are no models of i2i, by suffix.
OTHERS: Mapping[str, str] = MappingProxyType(
    {**dict.fromkeys((".pth", ".pt", ".ckpt", ".bin"), FOREIGN), **dict.fromkeys((".onnx", ".pt2"), EXPORTED)}
)


def load(
    path: str | Path,
    *,
    registry: Registry | None = None,
    device: str = "auto",
    precision: str = "auto",
    compile: bool = False,
) -> Model:
    """Load a trained model; averaged weights where they exist.

    Args:
        path: a run folder, `RUN@best`, `RUN@4000`, a checkpoint folder, a packed model (`model.safetensors`), or
            `hf://OWNER/NAME`, `hf://OWNER/NAME@REVISION` (downloaded once, and kept by huggingface_hub).
        registry: the components; None looks for what is installed.
        device: auto, cpu, cuda, cuda:1 or mps.
        precision: fp32, or bf16 for convolutions; auto is bf16 for results of 8 bits where the device computes with it
            natively, else fp32.
        compile: compile the networks at the first picture of each shape: slow at first, then faster.

    Raises:
        I2IError: there is no such model, it is damaged, a plug-in that it needs is missing, the precision is none of
            these, or there is no compiler.
    """
    if precision not in PRECISIONS:
        raise I2IError(f"precision: there is no '{precision}'\n    {nearest(precision, PRECISIONS)}")
    opened = open_checkpoint(str(path))
    if opened.note:
        warnings.warn(opened.note, I2IWarning, stacklevel=2)
    registry = registry or discover()
    spec = _spec(opened, registry)
    facts = _data_facts(opened)
    net, _ = build_parts(spec.model_copy(update={"terms": {}}), registry, facts, losses_too=False)
    origin = origin_of(opened, net, registry)
    net = _filled(net, opened)
    try:
        where = devices(World(), device)
    except I2IError as error:
        raise I2IError(str(error).removeprefix("train.")) from error
    place(net, where, [])
    model = Model(spec, build_strategy(spec, registry), net, facts, where, origin)
    model.precision, model.compiled = precision, compile
    if compile:
        compile_parts(net, where)
    return model


def _spec(opened: Opened, registry: Registry) -> Spec:
    """The spec of a checkpoint, checked against what is installed here."""
    if lost := used.lacking(opened.facts, registry, str(opened)):
        raise I2IError("\n".join(lost))
    who = str(opened)
    others = used.changed(opened.facts, registry, who, ours=False)
    for sentence in [*used.moved(opened.facts, registry, who), *others]:
        warnings.warn(sentence, I2IWarning, stacklevel=3)
    try:
        return resolve(opened.spec or opened.folder / "spec.toml", registry)
    except SpecError as error:
        raise _with_plugins(error, opened, registry) from error


def _filled(net: Parts, opened: Opened) -> Parts:
    """The parts with their weights; without those that are absent, where some may be."""
    tensors = opened.tensors
    absent = opened.absent or ("it was imported without it" if "imported" in opened.facts else "")
    if absent:
        net = _without_absent(net, tensors, absent)
    for name, module in net.modules().items():
        entries = tensors.get(f"{name}.ema", tensors.get(name, {}))
        if entries or not absent:
            its = "spec" if opened.spec else "spec.toml"
            fill(module, entries, f"{opened}: the weights of {name} do not fit its {its}")
    return net


class _Incomplete(Parts):
    """The parts of a model that has not all of them: only those that were imported, or packed."""

    __slots__ = ("_absent", "_why")

    def __init__(self, parts: Mapping[str, Any], absent: frozenset[str], why: str) -> None:
        super().__init__(parts)
        self._absent, self._why = absent, why

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_") and name in self._absent:
            raise I2IError(f"this run has no {name}: {self._why}")
        return super().__getattr__(name)


def _without_absent(net: Parts, tensors: Mapping[str, Any], why: str) -> Parts:
    """The parts without those networks of which there are no weights."""
    networks = [name for name, module in net.modules().items() if module.state_dict()]
    absent = frozenset(networks) - set(tensors)
    return _Incomplete({name: net[name] for name in net if name not in absent}, absent, why)


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


def open_checkpoint(path: str) -> Opened:
    """Read the checkpoint that a name means: of a run folder, the newest one that is whole.

    Raises:
        I2IError: there is none, or it is damaged; what there is instead is named.
    """
    if hub.is_name(path):
        return packed.read(hub.fetch(path), path)
    named = "@" in Path(path).name and not Path(path).exists()
    run, _, which = path.rpartition("@") if named else (path, "", "latest")
    folder = Path(run)
    if folder.is_file():
        return _open_file(folder, which if named else "")
    if not named and any((folder / name).is_file() for name in (checkpoint.STATE, checksums.FILE)):
        return Opened(folder, *checkpoint.read(folder))
    there = folder / "checkpoints"
    if not there.is_dir():
        # Of a folder of runs, one of those inside was meant.
        above = folder if folder.is_dir() else folder.parent
        near = nearest(folder.name, _models(above)) if above.is_dir() else ""
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


def _open_file(path: Path, which: str) -> Opened:
    """Read a packed model; of another file, say what it is for."""
    suffix = path.suffix.lower()
    if suffix == packed.SUFFIX and which:
        raise I2IError(f"{path} holds one checkpoint; leave @{which} out")
    if suffix == packed.SUFFIX:
        return packed.read(path)
    run = path.resolve().parent
    if (run / "checkpoints").is_dir():
        raise I2IError(f"{path} is one file of a run; name its folder, {path.parent}")
    words = OTHERS.get(suffix, f"this is no model; name {KINDS}")
    raise I2IError(f"{path}: {words.replace('FILE', str(path))}")


def _no_such(folder: Path, which: str) -> I2IError:
    there = folder / "checkpoints"
    words = [name for name in ("latest", "best") if (there / name).is_file()]
    names = [*words, *map(str, checkpoints.steps(there))]
    return I2IError(f"{folder} has no checkpoint '{which}'; it has {', '.join(names) or 'none yet'}")


def _with_plugins(error: SpecError, opened: Opened, registry: Registry) -> I2IError:
    """An error of a model that was made with plug-ins, or with files of them, that are not loaded now."""
    versions, files = opened.facts.get("versions", {}), opened.facts.get("plugin_files", {})
    known = {*registry.versions, *LIBRARIES}
    lost = [f"{name} {number}" for name, number in versions.items() if name not in known and number != "file"]
    absent = [file for file, digest in files.items() if digest not in registry.files.values()]
    sentence = (
        f"{opened}: its spec does not fit what is installed here\n{error}" if opened.spec else str(error)
    )
    if lost:
        sentence = f"{opened} needs plug-ins that are not installed here: {', '.join(lost)}\n{error}"
    if absent:
        flags = " ".join(f"--plugin {quoted(file)}" for file in absent)
        sentence += f"\n  this run was made with plug-in files; load them again: i2i {flags} …"
    return I2IError(sentence) if lost or absent or opened.spec else error


def _models(above: Path) -> list[str]:
    """The folders, and packed models, that may have been meant."""
    return [path.name for path in above.iterdir() if path.is_dir() or path.suffix == packed.SUFFIX]


def _data_facts(opened: Opened) -> DataFacts:
    try:
        return DataFacts(**_facts(opened.facts["data"]))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        where = "metadata" if opened.spec else checkpoint.STATE
        raise DamagedError(
            opened.folder, f"its {where} does not hold the facts of the data: {error}"
        ) from error


def _facts(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Facts as JSON kept them: lists become tuples."""
    ranges = {name: tuple(pair) for name, pair in stored["value_range"].items()}
    groups = {name: tuple(map(tuple, stored.get(name, ()))) for name in ("exclusive", "sets", "palette")}
    names = {name: tuple(stored.get(name, ())) for name in ("fields", "domains", "classes")}
    return {**stored, **names, **groups, "value_range": ranges}
