"""Memory that a picture does not fit into, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from i2i.core.errors import I2IError, lacks_memory
from i2i.core.words import counted
from i2i.translate.inputs import Input
from i2i.translate.request import Request


@contextmanager
def memory_told(inputs: Sequence[Input], request: Request) -> Iterator[None]:
    """Say in a sentence that inputs of equal shape are too large for the memory.

    Raises:
        I2IError: they are.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not lacks_memory(error):
            raise
        raise I2IError(too_large(inputs)) from error


def too_large(inputs: Sequence[Input]) -> str:
    """What to do about inputs of equal shape that do not fit."""
    first, count = inputs[0], sum(len(each.stored) for each in inputs)
    file = f"{first.name}: " if first.name and count == 1 else ""
    what = "a picture" if count == 1 else counted(count, "picture")
    remedy = 'use --tile auto (in Python: tile="auto")' if count == 1 else "use fewer at a time"
    return f"{file}there is not enough memory for {what} of {first.width}×{first.height} pixels; {remedy}"
