"""The loggers of a spec, from before the training until after it."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from i2i.core.protocols import Logger
from i2i.core.registry import Registry
from i2i.run.loggers.guarded import Guarded
from i2i.spec.spec import Spec


@contextmanager
def opened(
    spec: Spec, registry: Registry, folder: Path, note: Callable[[str], None]
) -> Iterator[list[Logger]]:
    """Start the loggers and tell them the spec; they end with the block.

    Args:
        spec: names them.
        registry: has them.
        folder: the run folder.
        note: is told when one is switched off.

    Raises:
        I2IError: a library is missing, or an option is wrong.
    """
    text = spec.toml()
    values = dict(flat(tomllib.loads(text)))
    with ExitStack() as closing:
        loggers = []
        for ref in spec.loggers:
            logger = Guarded(ref.name, registry.build(ref, {}, {}), note)
            logger.open(folder)
            closing.callback(logger.close)
            logger.spec(text, values)
            loggers.append(logger)
        yield list[Logger](loggers)


def flat(table: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """A table of tables as pairs of a dotted key and a value; the items of a list of tables are counted from 0."""
    for key, value in table.items():
        if isinstance(value, list) and value and all(isinstance(item, Mapping) for item in value):
            value = {str(number): item for number, item in enumerate(value)}
        if isinstance(value, Mapping):
            yield from flat(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value
