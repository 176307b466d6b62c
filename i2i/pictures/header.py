"""What a picture file says about itself, before it is decoded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Header:
    """What a file says about its picture, before decoding.

    Attributes:
        width: of the upright picture.
        height: of the upright picture.
        channels: 1 for grey, 3 for colour; alpha does not count.
        dtype: numpy's name of the type that `decode` gives, "uint16".
        declared_bits: that its whole numbers use by its own word, 12 of 16 for example; None if all of the type's.
        jpeg: it can be decoded at a half, a quarter or an eighth of its size.
    """

    width: int
    height: int
    channels: int
    dtype: str
    declared_bits: int | None = None
    jpeg: bool = False

    @property
    def bits(self) -> int:
        """Of each channel."""
        return np.dtype(self.dtype).itemsize * 8
