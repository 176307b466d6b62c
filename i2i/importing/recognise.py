"""Other projects' weights: which parts of which method the files hold, and what they say about network and data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from i2i.core.errors import I2IError, nearest
from i2i.core.importing import Match
from i2i.core.protocols import Importer
from i2i.core.registry import Registry
from i2i.core.schema import Ref
from i2i.core.words import and_more, by_shape
from i2i.importing.convert import CONVERTED
from i2i.importing.weights import read_weights
from i2i.spec.shield import PluginError, shielded

SHOWN = 5


@dataclass(frozen=True)
class Candidate:
    """What a file may be: the name of an importer, STRATEGY.PART or STRATEGY.PART-LAYOUT, and what it says."""

    name: str
    match: Match

    @property
    def strategy(self) -> str:
        """The method."""
        return self.name.rpartition(".")[0]

    @property
    def part(self) -> str:
        """The part of the method that the file holds."""
        return self.name.rpartition(".")[2].partition("-")[0]


@dataclass(frozen=True)
class Recognised:
    """A file whose tensors all have their place in a part of a method.

    Attributes:
        path: the file.
        found: the part, and what the importer says.
        weights: the tensors by our names.
    """

    path: Path
    found: Candidate
    weights: Mapping[str, Tensor]


def recognise(paths: Sequence[Path], registry: Registry, as_: str | None = None) -> list[Recognised]:
    """Read files and say which part of one method each of them is.

    Args:
        paths: files of weights, of one network each.
        registry: its importers are asked.
        as_: STRATEGY or STRATEGY.PART, where the weights do not tell.

    Raises:
        I2IError: a file is not what it should be, nothing fits, or several things do; the sentence names them.
    """
    if not paths:
        raise I2IError("there is nothing to import: name at least one file of weights")
    _check_as(as_, registry, len(paths))
    files = {path: read_weights(path) for path in paths}
    pools = {path: _by_name(path, _candidates(path, files[path], registry, as_)) for path in files}
    chosen = _of_one_method(pools)
    parts: dict[str, Path] = {}
    for path, found in chosen.items():
        if found.part in parts:
            raise I2IError(f"{parts[found.part]} and {path} are both {found.name}; import one of them")
        parts[found.part] = path
    return [Recognised(path, found, _placed(path, found, files[path])) for path, found in chosen.items()]


def _check_as(as_: str | None, registry: Registry, files: int) -> None:
    names = registry.names("importer")
    if as_ is None:
        return
    if not any(_is(name, as_) for name in names):
        known = nearest(as_, [*names, *{name.rpartition(".")[0] for name in names}, *CONVERTED])
        raise I2IError(f"--as {as_}: there is no importer of that name\n    {known}")
    if as_ in names and files > 1:
        raise I2IError(
            f"--as {as_} names one part, and there are {files} files; name the method: --as {as_.rpartition('.')[0]}"
        )


def _is(name: str, as_: str) -> bool:
    """Whether an importer is the one that is asked for, or one of the part or the method that is asked for."""
    strategy, dot, part = name.rpartition(".")
    return as_ in (name, strategy, f"{strategy}{dot}{part.partition('-')[0]}")


def _candidates(
    path: Path, weights: Mapping[str, Tensor], registry: Registry, as_: str | None
) -> list[Candidate]:
    """What a file may be.

    Raises:
        I2IError: nothing, or nothing that is asked for.
    """
    shapes = {key: tuple(tensor.shape) for key, tensor in weights.items()}
    found, refusals = [], {}
    for name in registry.names("importer"):
        try:
            with shielded():
                importer: Importer = registry.build(Ref.of("importer", name, {}), {}, {})
                match = importer.detect(tuple(shapes), shapes)
        except PluginError as error:
            known = isinstance(error.__cause__, I2IError)
            refusals[name] = str(error) if known else f"importer '{name}' failed: {error}"
            continue
        if match is not None:
            found.append(Candidate(name, match))
    fitting = [candidate for candidate in found if as_ is None or _is(candidate.name, as_)]
    reasons = dict.fromkeys(why for name, why in refusals.items() if as_ is None or _is(name, as_))
    if fitting:
        return fitting
    if reasons:
        raise I2IError(f"{path}: {'; '.join(reasons)}")
    if found:
        raise I2IError(f"{path}: these weights do not fit {as_}; they fit {_names(found)}")
    raise I2IError(_unknown(path, shapes, registry))


def _unknown(path: Path, shapes: Mapping[str, tuple[int, ...]], registry: Registry) -> str:
    first = ", ".join(f"{key} ({by_shape(shapes[key])})" for key in list(shapes)[:SHOWN])
    first += ", …" * (len(shapes) > SHOWN)
    asked = ", ".join(registry.names("importer")) or "none, because none is installed"
    return f"{path}: no importer knows these weights: {len(shapes)} tensors, {first}\n    asked: {asked}"


def _by_name(path: Path, found: list[Candidate]) -> list[Candidate]:
    """Those whose files are called so, or all."""
    return [candidate for candidate in found if _called(path, candidate)] or found


def _called(path: Path, candidate: Candidate) -> bool:
    return path.stem.endswith(candidate.match.files)


def _of_one_method(pools: Mapping[Path, list[Candidate]]) -> dict[Path, Candidate]:
    """What each file is, when all are parts of one method.

    Raises:
        I2IError: they are not, or more than one thing is possible.
    """
    common = set.intersection(*({c.strategy for c in found} for found in pools.values()))
    if not common:
        each = "\n".join(f"    {path}: {_names(found)}" for path, found in pools.items())
        raise I2IError(f"these files are not parts of one method; import them one by one\n{each}")
    pools = {path: [c for c in found if c.strategy in common] for path, found in pools.items()}
    for path, found in pools.items():
        if len(found) > 1:
            raise I2IError(_ambiguous(path, found, len(pools)))
    return {path: found[0] for path, found in pools.items()}


def _ambiguous(path: Path, found: Sequence[Candidate], files: int) -> str:
    """The ways to say what a file is: the part, the method where several files are given, or another file name."""
    strategies = [c.strategy for c in found]
    ways = [c.name for c in found] if files == 1 else [s for s in strategies if strategies.count(s) == 1]
    lines = [f"    --as {way}" for way in ways]
    if not any(_called(path, c) for c in found):
        endings = [end for c in found for end in c.match.files]
        telling = [(c.name, end) for c in found for end in c.match.files[:1] if endings.count(end) == 1]
        lines += [f"    call it …{end}{path.suffix}: {name}" for name, end in telling]
    return "\n".join([f"{path}: these weights fit {_names(found)} alike; say which:", *lines])


def _names(found: Iterable[Candidate]) -> str:
    *names, last = [c.name for c in found]
    return f"{', '.join(names)} and {last}" if names else last


def _placed(path: Path, found: Candidate, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors by our names.

    Raises:
        I2IError: some have no place, or some are missing.
    """
    match = found.match
    left = [key for key in weights if key not in match.keys and key not in match.unused]
    missing = [key for key in match.keys if key not in weights]
    faults = [f"{left[0]}{and_more(len(left) - 1)} has no place in it"] if left else []
    faults += [f"it lacks {missing[0]}{and_more(len(missing) - 1)}"] if missing else []
    if faults:
        raise I2IError(f"{path}: this looks like {found.name}, but {' and '.join(faults)}")
    return {ours: weights[theirs] for theirs, ours in match.keys.items()}


def agreed(files: Sequence[Recognised]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The options of the method, and the facts about the data, that all files tell together.

    Raises:
        I2IError: two files contradict each other.
    """
    options: dict[str, Any] = {}
    facts: dict[str, Any] = {}
    for file in files:
        _join(options, file.found.match.options, files, "strategy")
        _join(facts, file.found.match.facts, files, "")
    return options, facts


def _join(known: dict[str, Any], told: Mapping[str, Any], files: Sequence[Recognised], at: str) -> None:
    for key, value in told.items():
        where = f"{at}.{key}".strip(".")
        if isinstance(value, Mapping):
            _join(known.setdefault(key, {}), value, files, where)
        elif known.setdefault(key, value) != value:
            names = ", ".join(str(file.path) for file in files)
            raise I2IError(
                f"these files are not of one training: {where} is {known[key]} and {value} ({names})"
            )
