"""Values to try an option with: those at its limits, and some that are not its default."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from i2i.core.check import validate
from i2i.core.errors import I2IError
from i2i.core.registry import Component
from i2i.core.schema import Signature, plain

LARGEST = 256
"""Limits beyond are left out: what they ask for needs a large machine."""

NEAR = 1e-3
"""How near to a limit that is not allowed itself."""


def at_bounds(component: Component) -> Iterator[tuple[str, Any]]:
    """Every option with a value at each of its limits: numbers, switches and choices."""
    for option, schema in schemas(component.signature).items():
        for value in _limits(schema):
            if not isinstance(value, (int, float)) or abs(value) <= LARGEST:
                yield option, value


def others(signature: Signature, option: str, default: Any) -> list[Any]:
    """Values of an option that are not its default: its choices, and numbers around it; what it refuses is left out."""
    schema = schemas(signature).get(option, {})
    tried = [*_limits(schema), *_around(default)]
    fitting = [value for value in tried if value != plain(default) and _fits(signature, option, value)]
    return [value for place, value in enumerate(fitting) if value not in fitting[:place]]


def schemas(signature: Signature) -> Mapping[str, Mapping[str, Any]]:
    """The JSON schema of every option that is no component."""
    if not signature.options.model_fields:
        return {}
    properties = signature.json_schema().get("properties", {})
    return {name: schema for name, schema in properties.items() if name not in signature.nested}


def _limits(schema: Mapping[str, Any]) -> list[Any]:
    if "anyOf" in schema:
        return [value for part in schema["anyOf"] for value in _limits(part)]
    if "enum" in schema:
        return [*schema["enum"]]
    if schema.get("type") == "boolean":
        return [False, True]
    near = 1 if schema.get("type") == "integer" else NEAR
    steps = {"minimum": 0, "exclusiveMinimum": near, "maximum": 0, "exclusiveMaximum": -near}
    return [schema[key] + step for key, step in steps.items() if key in schema]


def _around(default: Any) -> list[Any]:
    if isinstance(default, bool):
        return [not default]
    if isinstance(default, int):
        return [default + 1, default - 1, default * 2, 1, 2]
    if isinstance(default, float):
        return [default / 2, default * 2] if default else [0.5, 1.0]
    if isinstance(default, (list, tuple)) and default:
        inner = _around(default[0])
        return [[each, *default[1:]] for each in inner]
    return []


def _fits(signature: Signature, option: str, value: Any) -> bool:
    _, problems = validate(signature.options, {option: value}, "", "")
    return option not in {problem.at.strip(".").split(".")[0] for problem in problems}


def unforeseen(error: Exception) -> Exception | None:
    """What lies behind an error that is no sentence of the component's author; None behind a sentence."""
    cause = error.__cause__ if isinstance(error, I2IError) else error
    return None if cause is None or isinstance(cause, I2IError | ValueError | OSError) else _as_error(cause)


def _as_error(cause: BaseException) -> Exception:
    return cause if isinstance(cause, Exception) else RuntimeError(str(cause))


def refusal(option: str, value: Any, error: Exception) -> str:
    """That an option at one of its limits raises."""
    first = f"{type(error).__name__}: {error}".splitlines()[0]
    return (
        f"{option} = {value!r} is allowed, but raises {first}; give the option narrower limits, or raise "
        f'ValueError("{option}: what would be right")'
    )
