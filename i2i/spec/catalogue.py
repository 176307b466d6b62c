"""What is installed, in words."""

from __future__ import annotations

from i2i.core.errors import I2IError, nearest
from i2i.core.registry import KINDS, Component, Registry
from i2i.core.schema import Ref
from i2i.spec.plugins import Discovery


def plugin_table(found: Discovery) -> str:
    """Every plug-in: name, version, what it offers, or why it failed."""
    lines = []
    for plugin in found.plugins:
        offers = [str(c) for c in found if c.owner == plugin.module]
        lines.append(f"{plugin.name}  {plugin.version}  ({plugin.module})")
        wrong = "incompatible" if plugin.incompatible else "broken"
        lines.append(
            f"    {wrong}: {plugin.problem}" if plugin.problem else f"    {', '.join(offers) or 'nothing'}"
        )
    return "\n".join(lines)


def component_table(registry: Registry, kind: str | None) -> str:
    """Every component of a kind, or of all kinds, with its summary.

    Raises:
        I2IError: there is no such kind.
    """
    if kind is not None and kind not in KINDS:
        raise I2IError(f"there is no kind '{kind}'\n    {nearest(kind, KINDS)}")
    lines = []
    for each in KINDS if kind is None else (kind,):
        names = registry.names(each)
        lines += [each] * bool(names)
        width = max(14, *(len(name) + 2 for name in names)) if names else 0
        lines += [f"    {name:<{width}}{registry.get(each, name).summary}" for name in names]
    return "\n".join(lines) or f"no {kind} is installed"


def component_page(registry: Registry, kind: str, name: str) -> str:
    """One component: summary, facts, options, owner, file and line."""
    if kind not in KINDS:
        raise I2IError(f"there is no kind '{kind}'\n    {nearest(kind, KINDS)}")
    component = registry.get(kind, name, kind)
    signature = component.signature
    return "\n".join(
        [
            f"{component}: {component.summary}",
            f"    from {component.owner}, {component.where}",
            f"    facts: {', '.join(signature.facts) or 'none'}",
            "    options:" if signature.options.model_fields else "    options: none",
            *_options(component),
        ]
    )


def _options(component: Component) -> list[str]:
    schema = component.signature.json_schema()
    lines = []
    for name, field in component.signature.options.model_fields.items():
        default = (
            "needed"
            if field.is_required()
            else f"default {_shown(field.get_default(call_default_factory=True))}"
        )
        help_ = field.description or ""
        kind = component.signature.nested.get(name)
        lines.append(
            f"        {name} ({kind or allowed(schema['properties'][name])}; {default})  {help_}".rstrip()
        )
    return lines


def allowed(schema: dict[str, object]) -> str:
    """What a JSON schema allows, in a few words: `instance | batch`, `integer ≥ 1`."""
    if "enum" in schema:
        return " | ".join(str(value) for value in schema["enum"])  # type: ignore[attr-defined]
    if "const" in schema:
        return str(schema["const"])
    if "anyOf" in schema:
        return " | ".join(allowed(part) for part in schema["anyOf"] if part.get("type") != "null")  # type: ignore[attr-defined]
    words = str(schema.get("type", "any"))
    words = {"array": "list", "object": "table"}.get(words, words)  # as a spec calls them
    if schema.get("format") == "path":
        words = "path"
    limits = [("minimum", "≥"), ("exclusiveMinimum", ">"), ("maximum", "≤"), ("exclusiveMaximum", "<")]
    return " ".join([words, *(f"{sign} {schema[key]}" for key, sign in limits if key in schema)])


def _shown(value: object) -> str:
    if isinstance(value, Ref):
        inner = ", ".join(f"{k} = {v}" for k, v in value.options.items())
        return f"{value.name}{f' ({inner})' if inner else ''}"
    return "absent" if value is None else str(value)
