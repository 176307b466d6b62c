"""A spec as others may read it: without the places of the machine it was written on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from typing import Any

from pydantic import BaseModel

from i2i.core.schema import Ref
from i2i.spec.spec import Spec

PLACE = "left-out"
"""What stands in the place of a path."""


def cleaned(spec: Spec) -> Spec:
    """A spec with `left-out` for every path, and without loggers or the run that it started from."""
    train = spec.train.model_copy(update={"init_from": None})
    clean: Spec = _cleaned(spec.model_copy(update={"train": train, "loggers": ()}))
    return clean


def without_folder(path: str) -> str:
    """The name of a file, of whatever system the path is."""
    return PureWindowsPath(path).name


def _cleaned(value: Any) -> Any:
    """A value of a spec with no path in it."""
    if isinstance(value, Ref):
        return Ref.of(value.kind, value.name, _cleaned(value.options))
    if isinstance(value, BaseModel):
        return value.model_copy(
            update={name: _cleaned(getattr(value, name)) for name in type(value).model_fields}
        )
    if isinstance(value, Mapping):
        return {name: _cleaned(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(_cleaned, value))
    if isinstance(value, PurePath):
        return Path(PLACE)
    return PLACE if isinstance(value, str) and _is_place(value) else value


def _is_place(text: str) -> bool:
    """Whether a text is an address, a path from the root of a system, or one from somebody's home."""
    absolute = PurePosixPath(text).is_absolute() or PureWindowsPath(text).is_absolute()
    return absolute or text.startswith("~") or "://" in text
