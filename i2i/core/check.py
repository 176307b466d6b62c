"""Values held against a pydantic model; what is wrong with them, in sentences."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel, ValidationError

from i2i.core.errors import Problem, nearest
from i2i.core.schema import plain

LONGEST = 80
BITS = 63  # TOML promises no larger whole numbers, besides the sign
# The first word of pydantic's name for a mismatch -> what would be right.
WANTED: Mapping[str, str] = MappingProxyType(
    {
        "int": "a whole number",
        "float": "a number",
        "finite": "a finite number",
        "bool": "true or false",
        "path": "a path",
        "list": "a list",
        "tuple": "a list",
        "dict": "a table",
        "model": "a table",
        "is": "the name of a component or a table with its name",
    }
)
Keys = tuple[str, ...]


def validate(
    model: type[BaseModel], values: Mapping[str, Any], at: str, owner: str
) -> tuple[dict[str, Any], list[Problem]]:
    """Check option values against a model: the complete options, and what is wrong with them.

    `owner` names the component in messages: "generator 'unet'".
    """
    try:
        made = model.model_validate(dict(values))
    except ValidationError as error:
        return {}, _problems(error, values, at, owner, model)
    options = {name: getattr(made, name) for name in model.model_fields}
    return options, [
        problem for key in values for problem in _changed(values[key], options[key], f"{at}.{key}")
    ]


def shown(value: object) -> str:
    """A value as a user would write it, cut off where it is long."""
    text = str(value).lower() if isinstance(value, bool) else repr(plain(value))
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _changed(given: object, made: object, at: str) -> Iterator[Problem]:
    """Values that pydantic turned into another type, "32" into 32 or true into 1: a spec says what it means."""
    if isinstance(made, BaseModel):
        made = made.model_dump(by_alias=True)
    if isinstance(given, Mapping) and isinstance(made, Mapping):
        for key in given:
            yield from _changed(given[key], made.get(key), f"{at}.{key}")
    elif isinstance(given, (list, tuple)) and isinstance(made, (list, tuple)):
        for one, other in zip(given, made, strict=False):
            yield from _changed(one, other, at)
    elif isinstance(made, (bool, int, float)) and (
        isinstance(given, str) or isinstance(given, bool) != isinstance(made, bool)
    ):
        wanted = WANTED[type(made).__name__]
        yield Problem(at.strip("."), f"input should be {wanted}, got {shown(given)}")
    elif isinstance(given, int) and given.bit_length() > BITS:
        yield Problem(at.strip("."), f"input should be a whole number of 64 bits, got {shown(given)}")


def _problems(
    error: ValidationError, values: Mapping[str, Any], at: str, owner: str, model: type[BaseModel]
) -> list[Problem]:
    """One sentence for each place; what the members of a union say about it becomes one."""
    places: dict[Keys, list[Any]] = {}
    for found in error.errors():
        places.setdefault(_keys(found, values), []).append(found)
    outer = {keys[:depth] for keys in places for depth in range(len(keys))}
    return [_problem(found, keys, at, owner, model) for keys, found in places.items() if keys not in outer]


def _keys(found: Any, values: Mapping[str, Any]) -> Keys:
    """The keys that lead to an error, without the names that pydantic gives the members of a union."""
    keys: list[str] = []
    value: Any = values
    for part in found["loc"]:
        if isinstance(value, Mapping) and (
            part in value or (found["type"], part) == ("missing", found["loc"][-1])
        ):
            keys, value = [*keys, str(part)], value.get(part)
    return tuple(keys)


def _problem(found: list[Any], keys: Keys, at: str, owner: str, model: type[BaseModel]) -> Problem:
    place = ".".join((at, *keys)).strip(".")
    kind, context = found[0]["type"], found[0].get("ctx", {})
    owner = owner if len(keys) == 1 else f"'{place.rpartition('.')[0]}'"
    if kind == "extra_forbidden":
        return Problem(place, f"{owner} has no such option", nearest(keys[-1], _options(model, keys[:-1])))
    if kind == "missing" and isinstance(found[0]["loc"][-1], str):
        return Problem(place, f"{owner} needs this option")
    if kind in ("value_error", "assertion_error"):
        return Problem(place, str(context["error"]))
    wanted = " or ".join(dict.fromkeys(_wanted(each) for each in found)).replace(" or be ", " or ")
    numbers = {part for each in found for part in each["loc"] if isinstance(part, int)}
    what = f"entry {1 + min(numbers)}" if numbers and found[0]["type"] != "missing" else "input"
    return Problem(place, f"{what} should {wanted}, got {shown(found[0]['input'])}")


def _wanted(found: Any) -> str:
    kind, context = found["type"], found.get("ctx", {})
    if kind == "missing":
        return "have more entries"
    if kind == "string_type":
        return "be a string"
    if kind.endswith(("too_short", "too_long")):
        short = kind.endswith("short")
        count = context["min_length" if short else "max_length"]
        one, many = ("character", "characters") if kind.startswith("string") else ("entry", "entries")
        return f"have at {'least' if short else 'most'} {count} {one if count == 1 else many}"
    known = WANTED.get(kind.partition("_")[0])
    text = found["msg"][:1].lower() + found["msg"][1:]
    return f"be {known}" if known else text.removeprefix("input should ")


def _options(model: type[BaseModel], keys: Keys) -> list[str]:
    """The names that a table knows; `keys` lead to it, those that a user gives to tables included."""
    table: Any = model
    for key in keys:
        if typing.get_origin(table) is dict:
            inner = typing.get_args(table)[1]
        else:
            inner = next(f.annotation for name, f in table.model_fields.items() if key in (name, f.alias))
        table = next(_tables(inner))
    return [field.alias or name for name, field in table.model_fields.items()]


def _tables(annotation: Any) -> Iterator[Any]:
    """The tables among what an annotation allows: models, and dicts."""
    if typing.get_origin(annotation) is dict or (
        inspect.isclass(annotation) and issubclass(annotation, BaseModel)
    ):
        yield annotation
    else:
        for part in typing.get_args(annotation):
            yield from _tables(part)
