"""Everything that can be known about a run before it trains: its plan, and what is wrong with its data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

from i2i.core.data import Source
from i2i.core.errors import DataError, I2IError
from i2i.core.registry import Registry
from i2i.data.findings import Finding, worst_first
from i2i.data.inspection import Inspection, Progress, inspect, parts_of, unevenness
from i2i.data.loose import loose_folders
from i2i.run.run import build
from i2i.spec.assemble import build_source
from i2i.spec.plugins import discover
from i2i.spec.spec import Spec, resolve

TRAINING = "training"


@dataclass(frozen=True)
class Check:
    """What is known of a run before it trains.

    Attributes:
        plan: the run in words; empty where the data is refused.
        inspection: what reading the data showed.
    """

    plan: str
    inspection: Inspection


def check(
    spec: str | Path | Mapping[str, Any] | Spec,
    *,
    registry: Registry | None = None,
    settings: Iterable[str] = (),
    fast: bool = False,
    progress: Progress = lambda done, whole: None,
) -> Check:
    """Check a spec, and read all its data; trains and writes nothing.

    Args:
        spec: what to train: a path, TOML text, a dict or a `Spec`.
        registry: the components; None looks for what is installed.
        settings: changes to the spec, `KEY=VALUE`.
        fast: read an even sample of the data.
        progress: is told how many samples are read, and how many will be.

    Raises:
        I2IError: the spec cannot be used. What is wrong with the data is found, not raised.
    """
    registry, settings = registry or discover(), tuple(settings)
    resolved = resolve(spec, registry, settings)
    data = _open(resolved, registry)
    plan = "" if data.refusals else build(spec, registry=registry, settings=settings).describe()
    seen = inspect(data.splits, compared=data.compared, known=data.refusals, fast=fast, progress=progress)
    return Check(plan, replace(seen, findings=worst_first([*seen.findings, *data.warnings])))


@dataclass(frozen=True)
class _Data:
    """What there is to read, and what is known of it before."""

    splits: Mapping[str, Mapping[str, Source]]
    refusals: Sequence[str] = ()
    warnings: Sequence[Finding] = ()
    loose: bool = False

    @property
    def compared(self) -> Sequence[tuple[str, str]]:
        """The pairs of splits that may not share a picture."""
        return [(one, other) for one, other in combinations(self.splits, 2) if self.loose or one == TRAINING]


def _open(spec: Spec, registry: Registry) -> _Data:
    try:
        source: Source = registry.build(spec.data, {}, {})
    except I2IError as error:
        return _Data(_loose(spec), _sentences(error), loose=True)
    splits, warnings = {TRAINING: parts_of(source)}, tuple(unevenness(source, _remedy(spec)))
    try:
        held_out = source.held_out()
        if held_out is not None:
            splits["held-out"] = parts_of(held_out)
        if spec.validation.data is not None:
            splits["validation"] = parts_of(build_source(spec, registry, spec.validation.data))
    except I2IError as error:
        return _Data(splits, _sentences(error), warnings)
    return _Data(splits, warnings=warnings)


def _sentences(error: I2IError) -> Sequence[str]:
    return error.sentences if isinstance(error, DataError) else [str(error)]


def _loose(spec: Spec) -> Mapping[str, Mapping[str, Source]]:
    """The folders of pictures below those that the options name."""
    options = spec.data.options
    sets = options.get("sets") or {}
    roots = {"": options.get("root"), **{name: getattr(sets[name], "root", None) for name in sets}}
    return {
        f"{name} {folder}".strip(): {"": source}
        for name, root in roots.items()
        if root and Path(root).is_dir()
        for folder, source in loose_folders(Path(root), options.get("channels")).items()
    }


def _remedy(spec: Spec) -> str:
    """What else helps against too few pictures of a kind."""
    return ", or set data.balanced = true" if spec.data.options.get("balanced") is False else ""
