"""Which parts of a model its translations ask for, found by translating."""

from __future__ import annotations

import copy
import typing
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import torch
from pydantic.fields import FieldInfo
from torch import Tensor

from i2i.core.batch import Parts
from i2i.core.errors import I2IError
from i2i.core.strategy import PictureOf

if TYPE_CHECKING:
    from i2i.translate.model import Model


class _Watched(Parts):
    """Parts that note which of them were asked for, or looked for."""

    __slots__ = ("_parts", "asked")

    def __init__(self, parts: Parts) -> None:
        super().__init__({})
        self._parts = parts
        self.asked: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        self.asked.add(name)
        return getattr(self._parts, name)

    def __getitem__(self, name: str) -> Any:
        self.asked.add(name)
        return self._parts[name]

    def __contains__(self, name: str) -> bool:
        self.asked.add(name)
        return name in self._parts

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)

    def modules(self) -> dict[str, torch.nn.Module]:
        return self._parts.modules()

    def replaced(self, parts: Mapping[str, Any]) -> Parts:
        return self._parts.replaced(parts)


def reached(model: Model) -> frozenset[str]:
    """The parts that translations ask for: without controls, and with each control that has few values changed alone.

    All of them, where nothing can be translated.
    """
    watched = copy.copy(model)
    watched.net = net = _Watched(model.net)
    watched.compiled, watched.probes = False, {}
    done = False
    for controls in _settings(model):
        with suppress(I2IError):  # some controls go with others only
            _translate(watched, controls)
            done = True
    return frozenset(net.asked if done else model.net)


def _settings(model: Model) -> Iterator[dict[str, Any]]:
    yield {}
    for name, option in model.controls.options.model_fields.items():
        for value in _values(option, model):
            yield {name: value}


def _values(option: FieldInfo, model: Model) -> list[Any]:
    """Values of a control: both of a switch, all of a choice, a picture for a picture."""
    hints = [option.annotation, *typing.get_args(option.annotation)]
    marks = [*option.metadata, *(mark for hint in hints for mark in typing.get_args(hint))]
    pictures = [_picture(model, mark.field) for mark in marks if isinstance(mark, PictureOf)]
    choices = [
        each for hint in hints if typing.get_origin(hint) is typing.Literal for each in typing.get_args(hint)
    ]
    return [*pictures, *choices, *([True, False] if option.annotation is bool else [])]


def _translate(model: Model, controls: dict[str, Any]) -> None:
    field, *others = model.strategy.takes(controls)
    if field == "seed" or model.strategy.prior:
        model.sample(1, **controls)
    if field != "seed":
        maps = {other: _picture(model, other) for other in others if not other.endswith("?")}
        model.translate(_picture(model, field), **{**maps, **controls})


def _picture(model: Model, field: str) -> Tensor:
    """A black picture, or an empty map, of the size of the training pictures."""
    sides = (model.facts.height, model.facts.image_size)
    if field in model.facts.maps:
        return torch.zeros(1, *sides, dtype=torch.int64)
    return torch.zeros(model.facts.channels[field], *sides)
