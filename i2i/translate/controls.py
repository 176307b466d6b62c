"""The controls of a trained model: the method's and the translator's own, checked in one go, pictures among them."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from PIL import Image
from pydantic import BaseModel, create_model
from torch import Tensor

from i2i.core.batch import Parts
from i2i.core.check import validate
from i2i.core.data import DataFacts
from i2i.core.errors import I2IError, Problem, SpecError
from i2i.core.schema import read_signature
from i2i.core.strategy import PictureOf, Strategy
from i2i.data.values import to_unit
from i2i.pictures.pixels import resize, to_tensor
from i2i.translate.maps import Given, by_stem, missing
from i2i.translate.pictures import convert, take
from i2i.translate.request import Own, Request
from i2i.translate.values import Range, values_of

Read = TypeVar("Read")


def ask(
    strategy: Strategy,
    net: Parts,
    facts: DataFacts,
    controls: Mapping[str, Any],
    owner: str,
) -> Request:
    """Check controls, and read those that are pictures; the further maps that a method takes are controls too.

    Args:
        strategy: the method.
        net: its parts.
        facts: of the training data: what a picture of a field is like.
        controls: by name, the translator's own among them.
        owner: whose controls they are, in messages.

    Raises:
        SpecError: all that is wrong with them: unknown names, wrong values, pictures that cannot be read.
    """
    signature = read_signature(strategy.translate)
    fields = dict(_picture_fields(signature.options))
    asked = {**signature.defaults(), **controls}
    further = [field for field in _names(strategy.takes(signature.defaults()))[1:] if field in facts.maps]
    given = {name: asked[name] for name in (*fields, *further) if _is_picture(asked.get(name))}
    values, problems = _checked(signature.options, further, controls, given, owner)

    value_range = values.get("value_range")
    pictures, unread = _all_read(given, fields.keys(), lambda n, p: _read(p, fields[n], facts, value_range))
    others, unfound = _all_read(given, further, lambda _, picture: _files(picture))
    if problems := [*problems, *unread, *unfound]:
        raise SpecError(problems)

    own = Own(**{name: values.pop(name) for name in Own.model_fields})
    values = {name: value for name, value in values.items() if name not in further}
    if problems := missing(strategy.takes(values), others, facts):
        raise SpecError(problems)
    captions = _captions(strategy, net, values)
    return Request(strategy.takes(values)[0], captions, pictures, own, values, others)


def _checked(
    options: type[BaseModel],
    further: Sequence[str],
    controls: Mapping[str, Any],
    given: Mapping[str, Any],
    owner: str,
) -> tuple[dict[str, Any], list[Problem]]:
    """The values of all controls, the translator's own and further maps among them, and what is wrong with them."""
    # The method is told a path; that of a picture in memory is the name of its control.
    paths = {name: Path(name) for name, picture in given.items() if not isinstance(picture, (str, Path))}
    maps: dict[str, Any] = dict.fromkeys(further, (Path | None, None))
    model = create_model("Controls", __base__=(Own, options), **maps)
    return validate(model, {**controls, **paths}, "control", owner)


def _all_read(
    given: Mapping[str, Any], names: Collection[str], read: Callable[[str, Any], Read]
) -> tuple[dict[str, Read], list[Problem]]:
    """Those of the given controls that have these names, read, and what is wrong with the rest of them."""
    done, problems = {}, []
    for name in given:
        if name in names:
            try:
                done[name] = read(name, given[name])
            except I2IError as error:
                problems.append(Problem(f"control.{name}", str(error)))
    return done, problems


def _names(fields: Sequence[str]) -> list[str]:
    """Fields without the sign that they are optional."""
    return [field.removesuffix("?") for field in fields]


def _files(given: Given) -> Given:
    """A folder as the maps in it; anything else as it is."""
    return by_stem(Path(given)) if isinstance(given, (str, Path)) and Path(given).is_dir() else given


def _picture_fields(options: type[BaseModel]) -> Iterator[tuple[str, str]]:
    """The controls that are pictures, and the field that each is like."""
    for name, option in options.model_fields.items():
        members = map(typing.get_args, typing.get_args(option.annotation))
        for mark in (*option.metadata, *(part for member in members for part in member)):
            if isinstance(mark, PictureOf):
                yield name, mark.field


def _is_picture(given: object) -> bool:
    return isinstance(given, (str, Path, Image.Image, np.ndarray, Tensor))


def _read(picture: str | Path | Any, field: str, facts: DataFacts, value_range: Range | None) -> Tensor:
    """A picture as the training data would hold it in a field, resized: (1, C, height, size) in [-1, 1]."""
    if field not in facts.channels:
        raise I2IError(
            f"it is a picture like those of '{field}', a field that the training data does not have"
        )
    stored, name = take(picture)
    batch = stored if stored.ndim == 4 else stored[None]
    if len(batch) > 1:
        raise I2IError(f"it is one picture, not the {len(batch)} of a batch")
    (pixels,) = convert(batch.detach().cpu(), facts.channels[field])
    if pixels.is_floating_point():
        pixels = pixels.float()  # numpy has no bfloat16
    resized = resize(pixels.permute(1, 2, 0).numpy(), facts.image_size, facts.height)
    full = values_of(facts, field, stored.dtype, from_file=bool(name), given=value_range)
    return to_unit(to_tensor(resized)[None], full)


def _captions(strategy: Strategy, net: Parts, values: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    """The results that a method offers; what it finds wrong with its controls, as of those controls."""
    try:
        captions = strategy.captions(net, values)
    except SpecError:
        raise
    except (ValueError, I2IError) as error:
        sentence, _, hint = str(error).partition("\n")
        name, _, message = sentence.partition(": ")
        at, message = (f"control.{name}", message) if name in values else ("control", sentence)
        raise SpecError([Problem(at, message, inspect.cleandoc(hint))]) from error
    if not captions:
        raise I2IError("control: these controls ask for no result at all")
    return captions
