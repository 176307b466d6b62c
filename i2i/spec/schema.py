"""The JSON schema of a spec, with the components that are installed; editors complete from it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from i2i.core.registry import KINDS, Component, Registry
from i2i.spec.plugins import discover
from i2i.spec.spec import Spec

LIMITS: Mapping[str, str] = MappingProxyType(
    {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}
)


def schema(*, registry: Registry | None = None) -> dict[str, Any]:
    """The JSON schema of a spec file."""
    registry = registry or discover()
    made = Spec.model_json_schema(by_alias=True)
    made["title"] = "i2i spec"
    made["required"] = ["strategy", "data"]
    made["properties"].pop("workers")  # a key of the section `data`
    made["properties"] |= {kind: _reference(kind) for kind in ("strategy", "data", "schedule")}
    made["properties"]["optimizers"] = {"type": "object", "additionalProperties": _reference("optimizer")}
    made["properties"]["loggers"] = {"type": "array", "items": _reference("logger")}
    made["$defs"] |= {kind: _any_of(registry, kind) for kind in KINDS}
    made["$defs"] |= {f"{c.kind}.{c.name}": _table(c) for c in registry}
    made["$defs"]["Term"]["properties"]["loss"] = _reference("loss")
    made["$defs"]["Validate"]["properties"]["metric"] = _reference("metric")
    standard: dict[str, Any] = _standard(made)
    return standard


def _standard(part: Any, names: bool = False) -> Any:
    """Pydantic's own words for the limits of a union, in those of JSON Schema; the keys of `names` are no words."""
    if isinstance(part, list):
        return [_standard(entry) for entry in part]
    if not isinstance(part, Mapping):
        return part
    return {
        key if names else LIMITS.get(key, key): _standard(value, not names and key in ("properties", "$defs"))
        for key, value in part.items()
    }


def _reference(kind: str) -> dict[str, Any]:
    return {"$ref": f"#/$defs/{kind}"}


def _any_of(registry: Registry, kind: str) -> dict[str, Any]:
    """A component by its name alone, or as a table; a table without a name changes options of the default."""
    names = registry.names(kind)
    tables: list[dict[str, Any]] = [_reference(f"{kind}.{name}") for name in names]
    return {"anyOf": [{"enum": names, "description": f"a {kind} with its defaults"}, *tables]}


def _table(component: Component) -> dict[str, Any]:
    """A component's table: its name, and its options."""
    made = component.signature.json_schema(f"#/$defs/{component.kind}.{component.name}")
    options = made.get("properties", {})
    for name, kind in component.signature.nested.items():
        options[name] = {**_reference(kind), "default": options[name].get("default")}
    if component.kind == "data":
        options["workers"] = {
            **Spec.model_json_schema()["properties"]["workers"],
            "description": "processes that read pictures",
        }
    return {
        "type": "object",
        "description": component.summary,
        "properties": {"name": {"const": component.name}, **options},
        "additionalProperties": False,
        **{key: made[key] for key in ("$defs",) if key in made},
    }
