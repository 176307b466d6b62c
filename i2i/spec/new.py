"""A new spec for a method: complete, every key explained."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from i2i.core.registry import Registry
from i2i.core.schema import Ref
from i2i.spec.catalogue import allowed
from i2i.spec.sections import Section
from i2i.spec.spec import Spec, resolve

ROOT = "data/my-pictures"


def new_spec(strategy: str, registry: Registry, *, demo: bool = False) -> str:
    """The text of a spec file for a method, as published or for the demo set.

    Raises:
        SpecError: there is no such method.
    """
    method = registry.get("strategy", strategy, "strategy.name")
    given: dict[str, Any] = {"strategy": {"name": strategy}, "data": {"root": ROOT}}
    if demo:
        given = _merged({"strategy": {"name": strategy}}, method.factory.demo)  # type: ignore[attr-defined]
    spec = resolve(given, registry)
    if not demo:  # as in the file: paths count from where it stands
        spec = spec.model_copy(update={"data": Ref.of("data", spec.data.name, {**spec.data.options, "root": Path(ROOT)})})
    heading = f"# {method.summary}\n"
    return heading + "\n" + spec.toml(lambda path: _explanation(path, spec, registry))


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    out = dict(base)
    for key, value in over.items():
        old = out.get(key)
        out[key] = _merged(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return out


def _explanation(path: tuple[str, ...], spec: Spec, registry: Registry) -> str:
    """A key in words: what it is, and what else it could be."""
    section, *inner = path
    if section in ("strategy", "data", "schedule", "optimizers"):
        ref: Ref | None = spec.optimizers.get(inner.pop(0)) if section == "optimizers" else getattr(spec, section)
        return _component_key(ref, inner, registry) if ref else ""
    owner: type[Section] | None = {"train": type(spec.train), "validate": type(spec.validation)}.get(section)
    field = owner.model_fields.get(inner[0]) if owner and len(inner) == 1 else None
    return (field.description or "") if field else ""


def _component_key(ref: Ref, path: list[str], registry: Registry) -> str:
    while len(path) > 1 and isinstance(ref.options.get(path[0]), Ref):
        ref = ref.options[path.pop(0)]
    component = registry.get(ref.kind, ref.name)
    if path == ["name"]:
        others = [name for name in registry.names(ref.kind) if name != ref.name]
        if ref.kind == "strategy":
            return ""
        return "any loss: i2i list loss" if ref.kind == "loss" else f"or {', '.join(others)}" if others else ""
    field = component.signature.options.model_fields.get(path[0])
    if field is None:
        return "processes that read pictures" if path == ["workers"] else ""
    limits = allowed(component.signature.options.model_json_schema()["properties"][path[0]])
    return (field.description or "") + (f" ({limits})" if "|" in limits else "")
