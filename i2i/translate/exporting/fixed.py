"""Controls that are fixed once and for all: they ask for one result, and leave nothing to the translator."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from i2i.core.errors import Problem, SpecError
from i2i.translate.request import Own, Request

if TYPE_CHECKING:
    from i2i.translate.model import Model

LISTED = 8  # results that a message names


def fixed_request(model: Model, controls: Mapping[str, Any]) -> Request:
    """Check controls that will stay as they are; the further maps are inputs, named and not given.

    Raises:
        SpecError: one is unknown or wrong, is about files or random numbers, or they ask for several results.
    """
    if own := [name for name in controls if name in Own.model_fields]:
        raise SpecError([Problem(f"control.{name}", _not_here(name)) for name in own])
    request = model.request(controls, sampling=not fields_of(model, controls))
    if request.maps:
        words = "such maps are inputs here; leave it out"
        raise SpecError([Problem(f"control.{name}", words) for name in request.maps])
    if len(request.captions) > 1:
        raise SpecError([_several(request)])
    return dataclasses.replace(request, maps={name: {} for name in fields_of(model, request.controls)[1:]})


def fields_of(model: Model, controls: Mapping[str, Any]) -> tuple[str, ...]:
    """The pictures and maps that a method takes under these controls, its input first; none if it draws its own."""
    first, *others = model.strategy.takes(controls)
    names = [other.removesuffix("?") for other in others]
    return () if first == "seed" else (first, *(name for name in names if name in model.facts.maps))


def _not_here(name: str) -> str:
    if name in ("seed", "sync", "samples"):
        return "random numbers are inputs here; leave it out"
    return "it is about files; leave it out"


def _several(request: Request) -> Problem:
    captions = ", ".join([*request.captions][:LISTED]) + (", …" if len(request.captions) > LISTED else "")
    first = next(iter(request.captions.values()))
    chosen = {name: value for name, value in first.items() if value != request.controls.get(name)}
    flags = " ".join(f"-c {name}={value}" for name, value in chosen.items() if value is not None)
    hint = f"choose one: {flags}, for example"
    return Problem(
        "control", f"these controls ask for {len(request.captions)} results, not one: {captions}", hint
    )
