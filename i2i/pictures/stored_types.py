"""The types that pictures are kept in, and the way of others into them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from i2i.core.errors import I2IError
from i2i.pictures.pixels import Pixels

TYPES = ("uint8", "uint16", "uint32", "int16", "int32", "float16", "float32", "float64")
"""numpy's names of the types that pictures are kept in."""

_NEAREST: Mapping[str, str] = MappingProxyType(
    {name: name for name in TYPES}
    | {"bool": "uint8", "int8": "int16", "int64": "float64", "uint64": "float64"}
)


def nearest_type(stored: np.dtype[Any]) -> str:
    """The type that values of another are kept in without loss; "" for what are no numbers of a picture."""
    return _NEAREST.get(stored.newbyteorder("=").name, "")


def to_stored(values: Pixels, path: Path) -> Pixels:
    """Values in the nearest type; true becomes 255, as in pictures of one bit.

    Raises:
        I2IError: whole numbers of 64 bits that no type of pictures holds.
    """
    kept = np.dtype(nearest_type(values.dtype))
    if values.dtype == np.bool_:
        return values.astype(np.uint8) * np.uint8(255)
    with np.errstate(all="ignore"):
        converted = values.astype(kept, copy=False)
        if values.dtype.itemsize == 8 and values.dtype.kind in "iu" and _changed(values, converted):
            raise I2IError(f"'{path}' holds numbers above 2^53, which no picture keeps; save smaller numbers")
    return converted


def _changed(whole: Pixels, real: Pixels) -> bool:
    return bool((np.abs(real) > 2.0**53).any()) or not np.array_equal(whole, real.astype(whole.dtype))
