"""What a strategy's own signature says about each of its controls: enough to draw it."""

from __future__ import annotations

import inspect
import re
import types
import typing
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from annotated_types import Ge, Gt, Le, Lt
from pydantic.fields import FieldInfo

from i2i.core.schema import read_signature
from i2i.core.strategy import CodeOf, NameOf, PictureOf

ENTRY = re.compile(r"^    (\w+): (.+(?:\n {8,}.+)*)", re.MULTILINE)
"""A parameter in the "Args:" of a docstring."""


@dataclass(frozen=True)
class Option:
    """A control of `translate`.

    Attributes:
        name: of the keyword-only parameter.
        types: that a value can have, None left out.
        default: what holds where nothing is given.
        low: the least number; None if there is no limit.
        high: the largest number; None if there is no limit.
        picture: it is a picture like those of this field; empty if it is none.
        names: it takes names from this list of the training data; empty if it does not.
        length: it is a code of so many numbers as this option of the strategy says; empty if it is none.
        help: a sentence about it.
    """

    name: str
    types: tuple[Any, ...]
    default: Any = None
    low: float | None = None
    high: float | None = None
    picture: str = ""
    names: str = ""
    length: str = ""
    help: str = ""

    @property
    def choices(self) -> tuple[Any, ...]:
        """The values that can be chosen, where its type lists them."""
        literal = len(self.types) == 1 and typing.get_origin(self.types[0]) is typing.Literal
        return typing.get_args(self.types[0]) if literal else ()

    @property
    def several(self) -> bool:
        """Whether it takes several values."""
        return any(typing.get_origin(kind) is tuple for kind in self.types)


def read_options(translate: Callable[..., Any]) -> list[Option]:
    """The controls of a strategy's `translate`, in order."""
    told = dict(ENTRY.findall(inspect.getdoc(translate) or ""))
    fields = read_signature(translate).options.model_fields
    return [_option(name, field, told.get(name, "")) for name, field in fields.items()]


def _option(name: str, field: FieldInfo, told: str) -> Option:
    kinds, marks = _parts(field.annotation)
    marks += field.metadata
    limits = {key: value for mark in marks for key, value in _limits(mark)}
    return Option(
        name,
        tuple(kinds),
        None if field.is_required() else field.get_default(call_default_factory=True),
        limits.get("low"),
        limits.get("high"),
        next((mark.field for mark in marks if isinstance(mark, PictureOf)), ""),
        next((mark.names for mark in marks if isinstance(mark, NameOf)), ""),
        next((mark.length for mark in marks if isinstance(mark, CodeOf)), ""),
        field.description or " ".join(told.split()),
    )


def _parts(hint: Any) -> tuple[list[Any], list[Any]]:
    """The types that a hint allows, and all marks on it; those inside a sequence are not on it."""
    kinds, marks, waiting = [], [], [hint]
    while waiting:
        part = waiting.pop(0)
        if typing.get_origin(part) is Annotated:
            inner, *more = typing.get_args(part)
            waiting.insert(0, inner)
            marks += more
        elif typing.get_origin(part) in (typing.Union, types.UnionType):
            waiting = [*typing.get_args(part), *waiting]
        elif part is not type(None):
            kinds.append(part)
    return kinds, marks


def _limits(mark: Any) -> Iterator[tuple[str, Any]]:
    """The numbers that a mark sets as limits."""
    for limit in mark.metadata if isinstance(mark, FieldInfo) else [mark]:
        match limit:
            case Ge(ge=number) | Gt(gt=number):
                yield "low", number
            case Le(le=number) | Lt(lt=number):
                yield "high", number
