"""Values for the controls of a method's `translate`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from i2i.core.data import DataFacts
from i2i.core.errors import I2IError
from i2i.core.registry import Component
from i2i.core.schema import Signature, read_signature
from i2i.core.strategy import NameOf, PictureOf
from i2i.testing.values import others
from i2i.testing.workbench import Workbench

TRIED = 4
"""So many other values of a control are tried."""


def asked(bench: Workbench, method: Component, facts: DataFacts) -> Iterator[dict[str, Any]]:
    """The defaults, then each control with another value.

    Raises:
        I2IError: a control has no default, and nobody gave it a value.
    """
    usual = _usual(bench, method, facts)
    yield usual
    for control, values in changed(bench, method, facts).items():
        yield from ({**usual, control: value} for value in values)


def changed(bench: Workbench, method: Component, facts: DataFacts) -> Mapping[str, list[Any]]:
    """Every control that can be tried, with values that are not its default."""
    signature, usual = read_signature(bench.method(method.name).translate), _usual(bench, method, facts)
    found = {control: _values(signature, control, usual.get(control), facts) for control in usual}
    return {control: values[:TRIED] for control, values in found.items() if values}


def _usual(bench: Workbench, method: Component, facts: DataFacts) -> dict[str, Any]:
    signature = read_signature(bench.method(method.name).translate)
    named = {control: _names(signature, control, facts)[:1] for control in signature.options.model_fields}
    chosen = {control: names[0] for control, names in named.items() if names}
    given = {**signature.defaults(), **chosen, **bench.small.get(f"translate.{method.name}", {})}
    for control in signature.options.model_fields:
        if control not in given:
            raise I2IError(
                f"the control {control} of translate has no default; give the check a value: "
                f'small = {{"translate.{method.name}": {{"{control}": …}}}}'
            )
    return given


def _values(signature: Signature, control: str, usual: Any, facts: DataFacts) -> list[Any]:
    marks = signature.options.model_fields[control].metadata
    if any(isinstance(mark, PictureOf) for mark in marks):
        return []  # a picture is read by the translator, and stands on the batch
    names = [name for name in _names(signature, control, facts) if name != usual]
    return names or others(signature, control, usual)


def _names(signature: Signature, control: str, facts: DataFacts) -> list[str]:
    marks = [mark for mark in signature.options.model_fields[control].metadata if isinstance(mark, NameOf)]
    return [name for mark in marks for name in getattr(facts, mark.names)]
