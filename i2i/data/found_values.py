"""The values that pictures hold, and the range that they ask for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Context

from i2i.core.data import DataFacts
from i2i.data.findings import Finding, finding
from i2i.data.looking import Seen
from i2i.data.stored import OWN_RANGE, Range, full_range

SHARE = 0.25
"""Warned of where pictures fill less of their range: as those of 12 bits do in files of 16."""
ROUNDING = 1e-6
"""Of the range: float32 writes 0.1 as a little more."""


def beyond(parts: Sequence[tuple[DataFacts, Sequence[Seen]]]) -> Iterator[Finding]:
    """Pictures with values outside of their range, or that fill little of that of their type: for each field of all."""
    fields = ((name, facts.value_range[name]) for facts, _ in parts for name in facts.channels)
    for name, values in dict.fromkeys(fields):
        seen = [
            each
            for facts, looks in parts
            for each in looks
            if facts.value_range.get(name) == values and name in each.extremes
        ]
        yield from _of_field(name, values, seen)


def _of_field(name: str, values: Range, seen: Sequence[Seen]) -> Iterator[Finding]:
    found, slack = extent(seen, name), ROUNDING * (values[1] - values[0])
    if found is None:
        return
    what = f"{name} holds values {in_words(found)}"
    if outside := [each.name for each in seen if _outside(each.extremes[name], values, slack)]:
        remedy = (
            f"networks see these beyond -1 and +1: set its value_range to {listed(found)}, or mend the files"
        )
        yield finding("warning", f"{what}, beyond the range {in_words(values)}", outside, remedy)
    elif _is_own(values, _kind(seen, name)) and 0 < found[1] - found[0] < SHARE * (values[1] - values[0]):
        little = f"{what}, little of the range {in_words(values)}"
        yield Finding("warning", little, (), len(seen), _remedy(found, _kind(seen, name)))


def asked(title: str, seen: Sequence[Seen]) -> Iterator[Finding]:
    """The values of pictures of a type without a range of its own, where nobody says which stand for -1 and +1."""
    for field in dict.fromkeys(name for each in seen for name in each.extremes):
        found = extent(seen, field)
        if found is not None and _kind(seen, field) not in OWN_RANGE:
            what = f"{title}: {_kind(seen, field)} numbers {in_words(found)}"
            yield Finding("warning", what, (), len(seen), f"set its value_range to {listed(found)}")


def summary(seen: Sequence[Seen]) -> str:
    """The values of the pictures that are not of 8 bits, in words; empty where all are."""
    fields = dict.fromkeys(name for each in seen for name in each.extremes)
    parts = [
        f"{field} {in_words(found)}"
        for field in fields
        if _kind(seen, field) != "uint8" and (found := extent(seen, field)) is not None
    ]
    return ", ".join(parts)


def extent(seen: Sequence[Seen], field: str) -> Range | None:
    """The lowest and the highest value of all."""
    pairs = [each.extremes[field] for each in seen if field in each.extremes]
    return (min(low for low, _ in pairs), max(high for _, high in pairs)) if pairs else None


def in_words(values: Range) -> str:
    """As a sentence says it: "from 0 to 65,535"."""
    return f"from {_number(values[0])} to {_number(values[1])}"


def listed(found: Range) -> str:
    """As a spec writes it: "[-1024, 3071]"."""
    low, high = _rounded(found[0], ROUND_FLOOR), _rounded(found[1], ROUND_CEILING)
    return f"[{_number(low, '')}, {_number(high, '')}]"


def _number(value: float, mark: str = ",") -> str:
    whole = abs(value) < 2**53 and (float(value).is_integer() or abs(value) >= 1000)
    return f"{value:{mark}.0f}" if whole else f"{value:.4g}"


def _rounded(value: float, way: str) -> float:
    """A number as `_number` writes it, rounded one way, so that the range proposed holds all that was found."""
    if value.is_integer() and abs(value) < 2**53:
        return value
    return float(Context(prec=4, rounding=way).create_decimal_from_float(value))


def _kind(seen: Sequence[Seen], field: str) -> str:
    return next(each.forms[field][0] for each in seen if field in each.forms)


def _outside(found: Range, values: Range, slack: float) -> bool:
    return found[0] < values[0] - slack or found[1] > values[1] + slack


def _is_own(values: Range, kind: str) -> bool:
    """Whether nobody says which values stand for black and white but the type."""
    return kind in OWN_RANGE and values == full_range(kind)


def _remedy(found: Range, kind: str) -> str:
    """The option for a range that is hardly filled: fewer bits, or other values."""
    if kind == "uint16" and (bits := int(found[1]).bit_length()) > 8:
        return f"set bit_depth = {bits}, if that is what they have"
    return f"set its value_range to {listed(found)}, if they can hold no others"
