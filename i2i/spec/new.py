"""A new spec for a method: complete, every key explained."""

from __future__ import annotations

import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo

from i2i.core.errors import I2IError
from i2i.core.registry import Component, Registry
from i2i.core.schema import Ref
from i2i.data.demo import Layout
from i2i.spec.catalogue import allowed
from i2i.spec.sections import Section
from i2i.spec.spec import Spec, resolve

ROOT = "data/my-pictures"
DEMO_SIZE, DEMO_STEPS = 64, 1000
NETWORKS = ("generator", "discriminator", "encoder")


def new_spec(strategy: str, registry: Registry, *, demo: bool = False) -> str:
    """The text of a spec file for a method, as published or for the demo set.

    Raises:
        I2IError: there is no such method, or nothing shows it on the demo set.
    """
    method = registry.get("strategy", strategy, "strategy.name")
    if demo:
        spec = resolve(_merged({"strategy": {"name": strategy}}, _demo_of(strategy, registry)), registry)
    else:
        given = {"strategy": {"name": strategy}, "data": {"root": ROOT}}
        given = _merged(given, method.factory.example)  # type: ignore[attr-defined]
        spec = resolve(given, registry)
        root = Path(given["data"]["root"])  # as in the file: paths count from where it stands
        spec = spec.model_copy(
            update={"data": Ref.of("data", spec.data.name, {**spec.data.options, "root": root})}
        )
    blocks = spec.toml().split("\n\n")
    return "\n\n".join([f"# {method.summary}", *(_explained(block, spec, registry) for block in blocks)])


def _demo_of(strategy: str, registry: Registry) -> Mapping[str, Any]:
    """What shows a method on the demo set: what it says itself, or the layout that its data kind is called like.

    Raises:
        I2IError: there is neither.
    """
    method: Any = registry.get("strategy", strategy).factory
    layout = method.recipe.get("data", {}).get("name", "")
    if not method.demo and layout not in typing.get_args(Layout):
        raise I2IError(
            f"strategy '{strategy}' has no demo; its class can give one: "
            'demo = {"data": {"name": "demo", "layout": "paired"}, "train": {"steps": 1000}}'
        )
    return method.demo or {
        "data": {"name": "demo", "layout": layout, "size": DEMO_SIZE},
        "train": {"steps": DEMO_STEPS},
    }


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    out = dict(base)
    for key, value in over.items():
        old = out.get(key)
        out[key] = _merged(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return out


def _explained(block: str, spec: Spec, registry: Registry) -> str:
    """A table of the file with every key explained, in one column; keys that are absent follow as comments."""
    header, *lines = block.strip().splitlines()
    path = header.strip("[]").split(".")
    keys = [line.partition(" = ")[0] for line in lines]
    absent = [name for name in _fields(path, spec, registry) if name not in keys]
    words = [_words([*path, key], spec, registry) for key in [*keys, *absent]]
    lines += [f"# {name} =" for name in absent]
    width = max((len(line) for line, word in zip(lines, words, strict=True) if word), default=0)
    column = [f"{line:<{width}}  # {word}" if word else line for line, word in zip(lines, words, strict=True)]
    return "\n".join([header, *column]) + "\n" * block.endswith("\n")


def _fields(path: list[str], spec: Spec, registry: Registry) -> list[str]:
    """The keys of a table that hold plain values and may be absent."""
    found = _owner(path, spec, registry)
    if isinstance(found, Component):
        model, nested = found.signature.options, found.signature.nested
        left_out = spec.strategy.options if path == ["strategy"] else {}
        return [name for name in model.model_fields if name not in nested or left_out.get(name, "") is None]
    if isinstance(found, Section):
        return [name for name, value in found if value is None]
    return []


def _owner(path: list[str], spec: Spec, registry: Registry) -> Component | Section | FieldInfo:
    """What a table of the file describes: a component, a section, or a field that is a table itself (averages)."""
    section, *inner = path
    if section in ("train", "validate"):
        owner: Any = spec.train if section == "train" else spec.validation
        for name in inner:
            if isinstance(owner, dict):
                owner = owner[name]
                continue
            field: FieldInfo = type(owner).model_fields[name]
            owner = getattr(owner, name)
        if isinstance(owner, dict):
            return field
        return owner if isinstance(owner, Section) else registry.get("metric", owner.name)
    ref: Ref = spec.optimizers[inner.pop(0)] if section == "optimizers" else getattr(spec, section)
    for name in inner:
        ref = ref.options[name]
    return registry.get(ref.kind, ref.name)


def _words(path: list[str], spec: Spec, registry: Registry) -> str:
    """A key explained: what it is, and what else it could be."""
    owner, key = _owner(path[:-1], spec, registry), path[-1]
    if isinstance(owner, Section):
        return type(owner).model_fields[key].description or ""
    if isinstance(owner, FieldInfo):
        return owner.description or ""
    if key == "workers":
        return "processes that read pictures"
    if key == "name":
        return _alternatives(owner, registry)
    field = owner.signature.options.model_fields[key]
    limits = allowed(owner.signature.json_schema()["properties"][key])
    return " ".join([field.description or "", f"({limits})" if "|" in limits else ""]).strip()


def _can_replace(other: Component, component: Component) -> bool:
    """Whether another component takes what this one must be told, and needs nothing that this one is not told."""
    ours, theirs = component.signature, other.signature
    told = {*ours.facts, "image_size"}
    return set(ours.required_facts) <= set(theirs.facts) and set(theirs.required_facts) <= told


def _alternatives(component: Component, registry: Registry) -> str:
    if component.kind in ("strategy", "metric"):
        return ""
    if component.kind == "loss":
        return "any loss: i2i list loss"
    others = [name for name in registry.names(component.kind) if name != component.name]
    if component.kind in NETWORKS:
        others = [name for name in others if _can_replace(registry.get(component.kind, name), component)]
    return f"or {', '.join(others)}" if others else ""
