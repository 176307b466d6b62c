"""Specs with mistakes in them: as tables, as files, and as what is typed after `--set`."""

from __future__ import annotations

import copy
import datetime
import functools
import json
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from hypothesis import strategies as st

from i2i.core.registry import Registry
from i2i.spec.new import new_spec
from i2i.spec.plugins import discover
from i2i.spec.spec import SECTIONS

NUMBERS = (0, -1, 1, 3, 7, 10**9, 2**31, 2**63, -(2**63), 10**40, 0.5, -0.0, 1e308, 1e-320)
ODD_NUMBERS = (float("inf"), float("-inf"), float("nan"), True, False)
WORDS = ("", " ", "auto", "none", "name", "true", "1", "../..", "~", "\0", "\u202e", "Größe", "a.b", "ß" * 99)
TABLES = ({}, {"name": 3}, {"name": "adam"}, {"": 1}, {"a": {"b": {"c": {}}}}, {"half_life": 0}, {"steps": 1})
LISTS: tuple[list[Any], ...] = ([], [[]], [0], [1, "x"], [{}], ["a"] * 40)
HOW = ("remove", "rename", "swap", "copy", "add", "wrap", "sink")
DATES = (datetime.date(2024, 2, 29), datetime.time(1, 2), datetime.datetime(2024, 1, 1))


@functools.cache
def registry() -> Registry:
    """What is installed, found once."""
    return discover()


@functools.cache
def texts() -> tuple[str, ...]:
    """A complete spec of every method, as published and for the demo set."""
    names = registry().names("strategy")
    return tuple(new_spec(name, registry(), demo=demo) for name in names for demo in (True, False))


def values() -> st.SearchStrategy[Any]:
    """What a key of a spec should not hold, or hardly ever."""
    names = [component.name for component in registry()]
    simple = st.one_of(
        st.sampled_from([*NUMBERS, *ODD_NUMBERS, *WORDS, *TABLES, *LISTS, *DATES]),
        st.sampled_from(names),
        st.sampled_from(names).map(lambda name: {"name": name}),
        st.integers(),
        st.integers(0, 9),
        st.floats(),
        st.text(max_size=9),
    )
    keys = st.one_of(st.text(max_size=6), st.sampled_from(["name", "lr", "width", *SECTIONS]))
    return st.recursive(
        simple,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
        max_leaves=5,
    )


def places(table: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    """Every key of nested tables, with the table that holds it."""
    for key, value in table.items():
        yield table, key  # type: ignore[misc]
        if isinstance(value, dict):
            yield from places(value)


@st.composite
def tables(draw: st.DrawFn) -> dict[str, Any]:
    """The tables of a spec with a few things wrong."""
    spec = tomllib.loads(draw(st.sampled_from(texts())))
    for _ in range(draw(st.integers(1, 3))):
        every = list(places(spec))
        if not every:
            break
        table, key = draw(st.sampled_from(every))
        other, its_key = draw(st.sampled_from(every))
        _spoil(draw, table, key, other, its_key)
    return spec


def _spoil(draw: st.DrawFn, table: dict[str, Any], key: str, other: dict[str, Any], its_key: str) -> None:
    """One mistake at a key; another key lends its value."""
    how = draw(st.sampled_from([*["near"] * 6, *["set"] * 3, *HOW]))
    if key not in table or its_key not in other:
        return
    if how == "near":
        table[key] = _near(draw, table[key])
    elif how == "set":
        table[key] = draw(values())
    elif how == "remove":
        del table[key]
    elif how == "rename":
        table[draw(st.one_of(st.text(max_size=8), st.just(its_key), st.just(key + "s")))] = table.pop(key)
    elif how == "swap":
        table[key], other[its_key] = copy.deepcopy(other[its_key]), copy.deepcopy(table[key])
    elif how == "copy":
        table[key] = copy.deepcopy(other[its_key])
    elif how == "add":
        extra = draw(st.one_of(st.sampled_from([*SECTIONS, "ema", "workers", "from"]), st.text(max_size=8)))
        table[extra] = draw(values())
    elif how == "wrap":
        table[key] = [table[key]]
    else:
        for _ in range(draw(st.sampled_from([1, 5, 200]))):
            table[key] = {key: table[key]}


def _near(draw: st.DrawFn, value: Any) -> Any:
    """Another value of the same type."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + draw(st.sampled_from([1, -1, 2, 7, 1000, value, -value, 10 * value]))
    if isinstance(value, float):
        return value * draw(st.sampled_from([0.5, 2.0, 1e3, 1e300, -1.0, 0.0]))
    if isinstance(value, str):
        return draw(
            st.one_of(st.sampled_from([c.name for c in registry()]), st.just("auto"), st.just(value + "s"))
        )
    if isinstance(value, list):
        return draw(st.sampled_from([value[1:], [*value, *value], value[::-1], [0.5 for _ in value]]))
    return {key: _near(draw, each) if draw(st.booleans()) else each for key, each in value.items()}


LITERALS = (
    "inf", "-inf", "nan", "1e400", "0x7f", "1_000", "1979-05-27", "07:32:00", "true", "[[", "{}", "{a = {}}",
    '"', "'''", '"""x"""', '"\\ud800"', '"\\u0000"', "[]", "9" * 5000, "[" * 500, "[" * 5000, "{a = " * 400, "\x00",
)  # fmt: skip


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """A spec file, damaged as text or as bytes."""
    lines = draw(st.sampled_from(texts())).splitlines()
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(lines) - 1))
        how = draw(st.sampled_from(["value", "value", "key", "delete", "again", "move", "header", "line"]))
        if how == "value":
            lines[at] = f"{lines[at].partition('=')[0]}= {draw(st.sampled_from(LITERALS))}"
        elif how == "key":
            lines[at] = f"{draw(st.text(max_size=9))} = {lines[at].partition('=')[2]}"
        elif how == "delete":
            lines[at] = ""
        elif how == "again":
            lines.insert(draw(st.integers(0, len(lines))), lines[at])
        elif how == "move":
            lines.insert(draw(st.integers(0, len(lines))), lines.pop(at))
        elif how == "header":
            lines[at] = draw(st.sampled_from(["[{}]", "[[{}]]", "[{}.{}]"])).format(
                *[draw(st.sampled_from([*SECTIONS, "a", "0", "''", "train.ema"])) for _ in range(2)]
            )
        else:
            lines.insert(at, draw(st.text(max_size=30)))
    return _encoded(draw, "\n".join(lines) + "\n")


def _encoded(draw: st.DrawFn, text: str) -> bytes:
    """Text as bytes, now and then in the wrong encoding, cut off, or with other bytes in it."""
    how = draw(st.sampled_from(["plain"] * 5 + ["utf-16", "utf-8-sig", "latin-1", "cut", "flip", "crlf"]))
    if how in ("utf-16", "utf-8-sig", "latin-1"):
        return text.encode(how, errors="replace")
    data = text.encode("utf-8", errors="replace")
    at = draw(st.integers(0, len(data) - 1)) if data else 0
    if how == "cut":
        return data[:at]
    if how == "flip":
        return data[:at] + draw(st.binary(max_size=4)) + data[at + 1 :]
    return data.replace(b"\n", b"\r\n") if how == "crlf" else data


@st.composite
def settings(draw: st.DrawFn) -> tuple[str, tuple[str, ...]]:
    """A good spec, and what somebody types after `--set`."""
    text = draw(st.sampled_from(texts()))
    typed = [_typed(draw, list(named(tomllib.loads(text)))) for _ in range(draw(st.integers(1, 2)))]
    return text, tuple(typed)


def _typed(draw: st.DrawFn, known: list[tuple[str, Any]]) -> str:
    """One setting: a key that is there and another value, or one of them made up, or both."""
    key, value = draw(st.sampled_from(known))
    how = draw(st.sampled_from(["near"] * 4 + ["literal", "value", "key", "nonsense"]))
    if how == "nonsense":
        return draw(st.text(max_size=12))
    if how == "key":
        key = draw(st.one_of(st.just("train.ema.G"), st.just(key + "s"), st.text(max_size=12)))
    if how == "literal":
        return f"{key}={draw(st.sampled_from(LITERALS))}"
    return f"{key}={json.dumps(_near(draw, value) if how == 'near' else draw(values()), default=str)}"


def named(table: Mapping[str, Any], at: str = "") -> Iterator[tuple[str, Any]]:
    """Every dotted key of nested tables, with its value."""
    for key, value in table.items():
        yield f"{at}{key}", value
        if isinstance(value, dict):
            yield from named(value, f"{at}{key}.")


HUGE = (2**16, 10**6, 10**9, 10**15, 2**62, 1e30, 64, 5)


@st.composite
def demo_tables(draw: st.DrawFn) -> dict[str, Any]:
    """The tables of a run on a small demo set, with a value or two changed."""
    spec = tomllib.loads(draw(st.sampled_from(texts()[::2])))
    spec["data"]["count"] = 8
    for _ in range(draw(st.integers(1, 2))):
        table, key = draw(st.sampled_from([*places(spec)]))
        if not isinstance(table[key], dict) and (key != "name" or draw(st.booleans())):
            how = draw(st.sampled_from(["near", "near", "huge", "set"]))
            other = st.sampled_from(HUGE) if how == "huge" else values()
            table[key] = _near(draw, table[key]) if how == "near" else draw(other)
    return spec
