"""Which packages a run takes its components from, and what to say where they are not as they were."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from i2i.core.errors import I2IError
from i2i.core.extras import DISTRIBUTION
from i2i.core.registry import KINDS, Registry
from i2i.core.schema import Ref
from i2i.core.words import listed, quoted
from i2i.spec.spec import Spec

SHOWN = 4  # components of a package that a sentence names
NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")  # of a package, as the registries allow it


@dataclass(frozen=True)
class Used:
    """A package that a run takes components from: its name, its version, and their kinds and names."""

    package: str
    version: str
    components: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        names = [f"{kind} '{name}'" for kind, name in self.components]
        return f"{self.package} {self.version} ({listed(names, SHOWN)})"

    @property
    def install(self) -> str:
        """How to install it as it was."""
        try:
            return f"pip install {quoted(f'{self.package}=={Version(self.version)}')}"
        except InvalidVersion:
            return f"pip install {self.package}"


def references(spec: Spec) -> list[Ref]:
    """Every component that a spec names, those inside the options of others included."""
    refs = [spec.strategy, spec.data, spec.schedule, spec.validation.metric, *spec.optimizers.values()]
    refs += [*spec.validation.also, *(term.loss for term in spec.terms.values()), *spec.loggers]
    refs += [spec.validation.data] if spec.validation.data else []
    return [found for ref in refs for found in _within(ref)]


def _within(value: Any) -> Iterator[Ref]:
    if isinstance(value, Ref):
        yield value
        yield from _within(value.options)
    elif isinstance(value, Mapping):
        yield from (ref for each in value.values() for ref in _within(each))
    elif isinstance(value, (list, tuple)):
        yield from (ref for each in value for ref in _within(each))


def used(spec: Spec, registry: Registry) -> dict[str, dict[str, Any]]:
    """The packages that provide the components of a spec: `{name: {"version": …, "components": ["loss l1", …]}}`.

    Those from files are not among them.
    """
    components = {(c.kind, c.name): c for c in (registry.get(r.kind, r.name) for r in references(spec))}
    found: dict[str, dict[str, Any]] = {}
    for (kind, name), component in sorted(components.items()):
        if package := registry.packages.get(component.package):
            entry = found.setdefault(component.package, {"version": package.version, "components": []})
            entry["components"].append(f"{kind} {name}")
    return found


def foreign(facts: Mapping[str, Any]) -> list[Used]:
    """The packages of a run that do not come with i2i.

    Raises:
        I2IError: the facts are damaged.
    """
    return [each for each in _read(facts) if each.package != DISTRIBUTION]


def lacking(facts: Mapping[str, Any], registry: Registry, who: str) -> list[str]:
    """A sentence for each package of a run without which it cannot be used, and that is not here as it was.

    Args:
        facts: what `environment.json` or a checkpoint says.
        registry: what is here.
        who: what the sentence is about, "this run".

    Raises:
        I2IError: the facts are damaged.
    """
    return [
        f"{who} was made with {Used(used.package, used.version, lost)}, {_why(used, registry)}"
        for used in _read(facts)
        if (lost := tuple(each for each in used.components if not registry.knows(*each)))
    ]


def _why(lost: Used, registry: Registry) -> str:
    here = registry.packages.get(lost.package)
    if here is None:
        return f"which is not installed: {lost.install}"
    if here.problem:
        return f"and what is installed of it cannot be used: {here.problem}"
    return f"and {here.version}, which is installed, does not have that: {lost.install}"


def moved(facts: Mapping[str, Any], registry: Registry, who: str) -> list[str]:
    """A sentence for each component of a run that another package provides here.

    Raises:
        I2IError: the facts are damaged.
    """
    return [
        f"{who} was made with {Used(used.package, used.version, (each,))}, and here that comes from {here.source}"
        for used in _read(facts)
        for each in used.components
        if registry.knows(*each) and (here := registry.get(*each)).package != used.package
    ]


def changed(facts: Mapping[str, Any], registry: Registry, who: str, *, ours: bool = True) -> list[str]:
    """A sentence for each package of a run of which another version is here.

    `ours` says whether i2i itself counts: a run goes on exactly with its own version only, a model outlives many.

    Raises:
        I2IError: the facts are damaged.
    """
    return [
        f"{who} was made with {used.package} {used.version}, and {here.version} is installed; to go on with the same: "
        f"{used.install}"
        for used in _read(facts)
        if ours or used.package != DISTRIBUTION
        if (here := registry.packages.get(used.package)) and here.version != used.version
    ]


def _read(facts: Mapping[str, Any]) -> Sequence[Used]:
    """The packages of a run, as it was stored: by anybody, and their names are shown in commands to type."""
    try:
        return [_used(name, table) for name, table in facts.get("packages", {}).items()]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise I2IError(f"what this run says of its packages is damaged: {error}") from error


def _used(name: str, table: Mapping[str, Any]) -> Used:
    components = tuple(tuple(text.split(" ", 1)) for text in table["components"])
    if not NAME.fullmatch(name) or not table["version"].isprintable():
        raise ValueError(f"{name!r} is no package")
    if odd := [
        each for each in components if len(each) != 2 or each[0] not in KINDS or not each[1].isprintable()
    ]:
        raise ValueError(f"{odd[0]!r} is no component")
    return Used(canonicalize_name(name), table["version"], components)
