"""Colours for maps of whole numbers, so that they can be looked at."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from i2i.data.map_files import Colour, Numbers

DONT_CARE: Colour = (128, 128, 128)
_TURN = 0.618034
"""Of the colour circle, from one number to the next: the golden ratio, so that no two soon meet."""
_BRIGHTNESS = (0.95, 0.7, 0.45)


def paint(numbers: Numbers, palette: Sequence[Colour] = ()) -> NDArray[np.uint8]:
    """A map, (H, W), as a picture, (H, W, 3): in a palette's colours, or in fixed ones that can be told apart.

    The number that follows a palette's is don't-care, which is grey.
    """
    known = [*palette, DONT_CARE] if palette else []
    held, places = np.unique(numbers, return_inverse=True)
    colours = [known[n] if 0 <= n < len(known) else _colour(n) for n in held.tolist()]
    return np.array(colours, np.uint8)[places.reshape(numbers.shape)]


def _colour(number: int) -> Colour:
    saturation = 0.85 if number % 2 else 0.5
    shades = colorsys.hsv_to_rgb(number * _TURN % 1, saturation, _BRIGHTNESS[number % 3])
    red, green, blue = (round(255 * shade) for shade in shades)
    return red, green, blue
