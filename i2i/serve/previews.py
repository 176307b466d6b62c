"""Pictures as a browser can show them: of 8 bits, in colour or grey, and not too large."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from i2i.core.data import DataFacts
from i2i.data.legend import legend_of
from i2i.data.map_files import read_map
from i2i.pictures.images import decode
from i2i.translate.colours import paint
from i2i.translate.values import Range

FULL: Mapping[str, Range] = MappingProxyType({"uint8": (0, 255), "uint16": (0, 65535)})
"""Of the types that have a range of their own."""
LONGEST = 1600
"""The longer side of what is shown; the files themselves keep their size."""


def preview(path: Path, facts: DataFacts, field: str, given: Range | None = None) -> Image.Image:
    """A picture file as it is shown; maps of whole numbers are painted.

    Args:
        path: the file.
        facts: of the training data.
        field: what the file is like.
        given: the values that stand for black and white; else they are those of the field where the file is of its
            type or of one without a range of its own, and all of its type otherwise.

    Raises:
        I2IError: it cannot be read.
    """
    if field in facts.maps:
        numbers = legend_of(facts, field).read(path) if facts.maps[field] else read_map(path).numbers
        image = Image.fromarray(paint(numbers, facts.palette) if numbers.ndim == 2 else numbers)
        image.thumbnail((LONGEST, LONGEST), Image.Resampling.NEAREST)
        return image
    pixels = decode(path)
    trained = facts.value_range.get(field, (0.0, 1.0))
    kind = pixels.dtype.name
    image = as_image(
        pixels, given or (trained if facts.stored.get(field) == kind else FULL.get(kind, trained))
    )
    image.thumbnail((LONGEST, LONGEST))
    return image


def as_image(pixels: NDArray[np.generic], value_range: Range) -> Image.Image:
    """Pixels (H, W, C) of any type; the first channel or the first three are shown, from black to white."""
    low, high = value_range
    share = (pixels.astype(np.float64) - low) / (high - low)
    bright = np.nan_to_num(255 * share).clip(0, 255).round().astype(np.uint8)
    return Image.fromarray(bright[..., :3] if bright.shape[-1] >= 3 else bright[..., 0])
