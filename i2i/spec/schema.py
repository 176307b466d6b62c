"""The JSON schema of a spec, with the components that are installed; editors complete from it."""

from __future__ import annotations

from typing import Any

from i2i.core.registry import KINDS, Component, Registry
from i2i.spec.plugins import discover
from i2i.spec.spec import Spec


def schema(*, registry: Registry | None = None) -> dict[str, Any]:
    """The JSON schema of a spec file."""
    registry = registry or discover().registry
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
    return made


def _reference(kind: str) -> dict[str, Any]:
    return {"$ref": f"#/$defs/{kind}"}


def _any_of(registry: Registry, kind: str) -> dict[str, Any]:
    """A component by its name alone, or as a table; a table without a name changes options of the default."""
    names = registry.names(kind)
    tables: list[dict[str, Any]] = [_reference(f"{kind}.{name}") for name in names]
    return {"anyOf": [{"enum": names, "description": f"a {kind} with its defaults"}, *tables]}


def _table(component: Component) -> dict[str, Any]:
    """A component's table: its name, and its options."""
    made = component.signature.options.model_json_schema()
    options = made.get("properties", {})
    for name, kind in component.signature.nested.items():
        options[name] = {**_reference(kind), "default": options[name].get("default")}
    if component.kind == "data":
        options["workers"] = {"type": "integer", "minimum": 0, "description": "processes that read pictures"}
    return {
        "type": "object",
        "description": component.summary,
        "properties": {"name": {"const": component.name}, **options},
        "additionalProperties": False,
    }
