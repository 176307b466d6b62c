"""Libraries that not everybody needs: imported when they are, and asked for in one sentence where they are missing."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from i2i.core.errors import I2IError

DISTRIBUTION = "i2i-toolkit"


def needs(module: str, extra: str, purpose: str) -> Any:
    """A module of an extra.

    Args:
        module: its import name.
        extra: the extra that installs it.
        purpose: what it is needed for, "to read 'x.tif'".

    Raises:
        I2IError: it is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise I2IError(
            f"{module.partition('.')[0]} is needed {purpose}: pip install '{DISTRIBUTION}[{extra}]'"
        ) from error
