"""The colours of the demo scenes, as red, green and blue from 0 to 1."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from i2i.data.scenes import COLOURS

Palette = Mapping[str, tuple[float, float, float]]

PARTS = ("sky", "sun", "cloud", "hill", "ground", *COLOURS)

DAY: Palette = MappingProxyType(
    {
        "sky": (0.27, 0.58, 0.88),
        "haze": (0.76, 0.88, 0.95),
        "sun": (1.00, 0.93, 0.55),
        "cloud": (0.98, 0.99, 1.00),
        "hill": (0.47, 0.68, 0.56),
        "ground": (0.60, 0.78, 0.31),
        "front": (0.32, 0.56, 0.20),
        "red": (0.88, 0.27, 0.20),
        "yellow": (0.99, 0.73, 0.16),
        "violet": (0.52, 0.31, 0.75),
    }
)
NIGHT: Palette = MappingProxyType(
    {
        "sky": (0.07, 0.08, 0.27),
        "haze": (0.42, 0.33, 0.60),
        "sun": (0.99, 0.98, 0.88),
        "cloud": (0.53, 0.55, 0.80),
        "hill": (0.17, 0.22, 0.42),
        "ground": (0.15, 0.44, 0.45),
        "front": (0.05, 0.23, 0.30),
        "red": (1.00, 0.35, 0.36),
        "yellow": (1.00, 0.82, 0.36),
        "violet": (0.70, 0.50, 1.00),
    }
)
MAP: Palette = MappingProxyType(
    {
        "sky": (0.27, 0.51, 0.71),
        "sun": (1.00, 1.00, 0.40),
        "cloud": (0.90, 0.90, 0.95),
        "hill": (0.40, 0.55, 0.45),
        "ground": (0.42, 0.56, 0.14),
        "red": (0.86, 0.08, 0.24),
        "yellow": (0.98, 0.67, 0.12),
        "violet": (0.50, 0.25, 0.50),
    }
)
