"""The reference, written from the code: commands, keys of a spec, components."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import click

import i2i
from i2i.cli.main import cli
from i2i.core.registry import Component, Registry
from i2i.spec.catalogue import allowed
from i2i.spec.sections import Init, Ramp, Section, Term, Train, Validate

SECTIONS: Mapping[str, type[Section]] = {
    "train": Train,
    "train.init": Init,
    "validate": Validate,
    "terms.NAME": Term,
    "terms.NAME.weight": Ramp,
}


def commands() -> str:
    """Every command with its arguments and options."""
    return "\n".join(_commands("i2i", cli, click.Context(cli, **cli.context_settings)))


def _commands(title: str, command: click.Command, context: click.Context) -> Iterator[str]:
    """A command, and those that it groups."""
    yield _command(title, command, context)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from _commands(f"{title} {name}", inner, click.Context(inner, parent=context))


def _command(title: str, command: click.Command, context: click.Context) -> str:
    usage = " ".join([title, *command.collect_usage_pieces(context)])
    records = [param.get_help_record(context) for param in command.get_params(context)]
    rows = [(_code(names), _cell(words)) for names, words in filter(None, records) if words]
    help_ = re.sub(r"[\b\f]\n?", "", inspect.cleandoc(command.help or ""))
    return (
        f"## {title}\n\n{_prose(help_)}\n\n```text\n{usage}\n```\n\n{_table(('option', 'meaning'), rows)}\n"
    )


def spec_sections() -> str:
    """Every key of the sections that are the same for all methods."""
    parts = []
    for name, section in SECTIONS.items():
        properties = section.model_json_schema(by_alias=True)["properties"]
        table = _table(("key", "value", "default", "meaning"), _keys(section, properties))
        parts.append(
            f"## [{name}] {{ #{name.lower().replace('.', '-')} }}\n\n{_summary(section)}\n\n{table}\n"
        )
    return "\n".join(parts)


def _summary(section: type[Section]) -> str:
    return (inspect.getdoc(section) or "").partition("\n")[0]


def _keys(section: type[Section], properties: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for name, field in section.model_fields.items():
        default = field.get_default(call_default_factory=True)
        if not isinstance(default, Section):
            key = field.alias or name
            shown = "needed" if field.is_required() else _default(default)
            yield _code(key), _value(properties[key]), shown, _cell(field.description or "")


@cache
def _installed() -> Registry:
    return i2i.discover()


def components(kind: str) -> str:
    """Every component of a kind, with its options."""
    registry = _installed()
    return "\n".join(_component(registry.get(kind, name)) for name in registry.names(kind))


def _component(component: Component) -> str:
    identity = f"{component.kind}-{component.name}".replace(".", "-")
    facts = ", ".join(map(_code, component.signature.facts))
    rows = [*_options(component)]
    return "\n\n".join(
        [
            f"### {component.name} {{ #{identity} }}",
            _description(component),
            *([f"Facts: {facts}."] if facts else []),
            _table(("option", "value", "default", "meaning"), rows) if rows else "No options.",
            "",
        ]
    )


def _description(component: Component) -> str:
    """A docstring up to its lists of arguments and errors."""
    text = inspect.getdoc(component.factory) or ""
    return _prose(re.split(r"\n\n(?:Args|Attributes|Raises|Returns|Yields):\n", text)[0])


def _options(component: Component) -> Iterator[tuple[str, ...]]:
    properties = component.signature.json_schema().get("properties", {})
    for name, field in component.signature.options.model_fields.items():
        kind = component.signature.nested.get(name)
        value = f"[{kind}](#{kind})" if kind else _value(properties[name])
        default = "needed" if field.is_required() else _default(field.get_default(call_default_factory=True))
        yield _code(name), value, default, _cell(field.description or "")


def _value(schema: dict[str, object]) -> str:
    """What a key may hold: `integer ≥ 1` or `auto`."""
    if isinstance(schema.get("type"), list):
        return "a component"
    return " or ".join(_code(part) for part in dict.fromkeys(_allowed(schema)) if part)


def _allowed(schema: Mapping[str, Any]) -> list[str]:
    """What it allows, one by one; what has no type of JSON is written as a table."""
    if "anyOf" in schema:
        return [words for part in schema["anyOf"] if part.get("type") != "null" for words in _allowed(part)]
    return allowed(dict(schema)).split(" | ") if schema.keys() & {"enum", "const", "type"} else ["table"]


def _default(value: object) -> str:
    if value is None:
        return "absent"
    if isinstance(value, i2i.Ref):
        inner = ", ".join(f"{key} = {option}" for key, option in value.options.items())
        return _code(value.name) + (f" with {_code(inner)}" if inner else "")
    if isinstance(value, bool):
        return _code(str(value).lower())
    return _code(list(value) if isinstance(value, tuple) else value)


def _code(text: object) -> str:
    return f"`{text}`"


def _cell(text: str) -> str:
    """Text that a cell of a table can hold."""
    for mark in "\\<>[]|*_":
        text = text.replace(mark, f"&#{ord(mark)};")
    return " ".join(text.split())


def _prose(text: str) -> str:
    """Text of a docstring as Markdown: outside of code, stars and angles are meant as they stand."""
    parts = re.split(r"(`[^`]*`)", text)
    parts[::2] = [part.replace("<", "&lt;").replace("*", r"\*") for part in parts[::2]]
    return "".join(parts)


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines: list[Sequence[str]] = [titles, ["---"] * len(titles), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def part(name: str) -> str:
    """A generated part of a page: `commands`, `sections`, or the components of a kind."""
    if name == "commands":
        return commands()
    return spec_sections() if name == "sections" else components(name)
