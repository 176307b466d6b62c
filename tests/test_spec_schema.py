"""The JSON schema that editors use: sound in itself, and in agreement with what specs may say."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from helpers import registry, tiny_tables
from test_spec_spec import EVERY

import i2i
from i2i.core.registry import KINDS
from i2i.spec.spec import resolve

TYPES: Mapping[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "null": (type(None),),
}
# What a schema may say here; `faults` understands the first group, the second explains.
CHECKED = {"$ref", "anyOf", "enum", "const", "type", "properties", "additionalProperties", "required"}
CHECKED |= {"items", "prefixItems", "minItems", "maxItems", "minLength", "minimum", "maximum"}
CHECKED |= {"exclusiveMinimum", "exclusiveMaximum", "propertyNames", "minProperties", "pattern"}
EXPLAINING = {"$defs", "default", "description", "format", "title"}


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return i2i.schema(registry=registry())


def faults(value: Any, schema: Any, whole: Mapping[str, Any], at: str = "") -> list[str]:
    """Why a value does not fit a schema: the keywords of JSON Schema 2020-12 that i2i uses."""
    if isinstance(schema, bool):
        return [] if schema else [f"{at} may not be here"]
    found = []
    if "$ref" in schema:
        found += faults(value, target(schema["$ref"], whole), whole, at)
    if "anyOf" in schema and all(faults(value, branch, whole, at) for branch in schema["anyOf"]):
        found.append(f"{at}: {value!r} fits none")
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{at}: {value!r} is none of {schema['enum']}")
    if "const" in schema and value != schema["const"]:
        found.append(f"{at}: {value!r} is not {schema['const']}")
    if "type" in schema and not has_type(value, schema["type"]):
        return [*found, f"{at}: {value!r} is no {schema['type']}"]
    return [*found, *limits(value, schema, at), *inner(value, schema, whole, at)]


def target(reference: str, whole: Mapping[str, Any]) -> Any:
    """What a reference leads to."""
    place: Any = whole
    for key in reference.removeprefix("#/").split("/"):
        place = place[key]
    return place


def has_type(value: Any, wanted: str | list[str]) -> bool:
    names = [wanted] if isinstance(wanted, str) else wanted
    return any(
        isinstance(value, TYPES[name]) and (isinstance(value, bool) == (name == "boolean")) for name in names
    )


def limits(value: Any, schema: Mapping[str, Any], at: str) -> list[str]:
    broken = {
        "minimum": lambda limit: value < limit,
        "maximum": lambda limit: value > limit,
        "exclusiveMinimum": lambda limit: value <= limit,
        "exclusiveMaximum": lambda limit: value >= limit,
        "minItems": lambda limit: len(value) < limit,
        "maxItems": lambda limit: len(value) > limit,
        "minLength": lambda limit: len(value) < limit,
        "minProperties": lambda limit: len(value) < limit,
        "pattern": lambda limit: re.search(limit, value) is None,
    }
    if value is None:
        return []
    return [
        f"{at}: {value!r} breaks {k} {schema[k]}"
        for k, test in broken.items()
        if k in schema and test(schema[k])
    ]


def inner(value: Any, schema: Mapping[str, Any], whole: Mapping[str, Any], at: str) -> Iterator[str]:
    if isinstance(value, dict):
        known, rest = schema.get("properties", {}), schema.get("additionalProperties", True)
        yield from (f"{at}.{key} is missing" for key in schema.get("required", []) if key not in value)
        for key, entry in value.items():
            yield from faults(key, schema.get("propertyNames", True), whole, f"{at}.{key}")
            yield from faults(entry, known.get(key, rest), whole, f"{at}.{key}")
    if isinstance(value, list):
        first = schema.get("prefixItems", [])
        for number, entry in enumerate(value):
            branch = first[number] if number < len(first) else schema.get("items", True)
            yield from faults(entry, branch, whole, f"{at}[{number}]")


def schemas(schema: Any) -> Iterator[Mapping[str, Any]]:
    """A schema and those inside it."""
    if not isinstance(schema, Mapping):
        return
    yield schema
    for key in ("properties", "$defs"):
        for part in schema.get(key, {}).values():
            yield from schemas(part)
    for key in ("anyOf", "prefixItems"):
        for part in schema.get(key, []):
            yield from schemas(part)
    for key in ("items", "additionalProperties"):
        yield from schemas(schema.get(key))


def test_it_says_only_what_is_checked_here(schema: dict[str, Any]) -> None:
    assert {key for part in schemas(schema) for key in part} <= CHECKED | EXPLAINING


def test_every_reference_leads_somewhere(schema: dict[str, Any]) -> None:
    for reference in {part["$ref"] for part in schemas(schema) if "$ref" in part}:
        assert isinstance(target(reference, schema), Mapping)


def test_it_holds_what_is_installed(schema: dict[str, Any]) -> None:
    assert set(KINDS) <= set(schema["$defs"])
    for component in registry():
        assert f"{component.kind}.{component.name}" in schema["$defs"]


@pytest.mark.parametrize(
    "tables", EVERY, ids=["pix2pix", "cyclegan", "tiny pix2pix", "tiny cyclegan", "rich"]
)
def test_resolved_specs_fit(schema: dict[str, Any], tables: dict[str, Any]) -> None:
    assert faults(tomllib.loads(resolve(tables, registry()).toml()), schema, schema) == []


@pytest.mark.parametrize(
    "tables", EVERY, ids=["pix2pix", "cyclegan", "tiny pix2pix", "tiny cyclegan", "rich"]
)
def test_specs_fit_as_people_write_them(schema: dict[str, Any], tables: dict[str, Any]) -> None:
    assert faults(tables, schema, schema) == []


@pytest.mark.parametrize(
    "change",
    [
        {"stratgy": {}},
        {"strategy": "pix3pix"},
        {"strategy": {"name": "pix2pix", "pixle": "l1"}},
        {"strategy": {"name": "pix2pix", "generator": {"name": "unet", "widht": 3}}},
        {"strategy": {"name": "pix2pix", "generator": {"name": "unet", "width": 0}}},
        {"train": {"steps": 0}},
        {"train": {"precision": "half"}},
        {"optimizers": {"default": {"name": "adam", "lr": "fast"}}},
        {"loggers": [{"name": "tensorbord"}]},
        {"terms": {"x": {"loss": "l7", "of": ["a"], "phase": "p", "minimised_by": ["G"]}}},
    ],
)
def test_wrong_specs_do_not_fit(schema: dict[str, Any], change: dict[str, Any]) -> None:
    tables = {**tiny_tables("pix2pix"), **change}
    assert faults(tables, schema, schema)
    with pytest.raises(i2i.SpecError):
        resolve(tables, registry())


def test_help_is_there_for_every_option(schema: dict[str, Any]) -> None:
    train = schema["$defs"]["Train"]["properties"]
    assert all("description" in option or "$ref" in option for option in train.values())
    assert schema["$defs"]["generator.unet"]["description"].startswith("Encoder-decoder with skips")
