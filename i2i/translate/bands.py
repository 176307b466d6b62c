"""A picture in a file of which a band is in memory at a time."""

from __future__ import annotations

import dataclasses

from torch import Tensor

from i2i.pictures.carried import PictureFile
from i2i.pictures.nothing import fill_empty
from i2i.pictures.pixels import to_tensor
from i2i.pictures.windows import Windows
from i2i.translate.values import Range


class Bands:
    """Reads rows of full width, as they are asked for; rows once gone are read again.

    Args:
        windows: the file.
        full: its values that stand for black and white.
    """

    def __init__(self, windows: Windows, full: Range) -> None:
        self.windows, self.full = windows, full
        self._held: tuple[slice, PictureFile, Tensor] | None = None

    def cut(self, rows: slice, columns: slice) -> Tensor:
        """The pixels of a part, (1, C, H, W), without those that hold nothing."""
        start, _, pixels = self._band(rows)
        return pixels[None, :, rows.start - start : rows.stop - start, columns]

    def beside(self, rows: slice) -> PictureFile:
        """What belongs to rows of the band that was read last, the pixels apart."""
        start, file, _ = self._band(rows)
        inside = slice(rows.start - start, rows.stop - start)
        alpha, empty = (None if each is None else each[inside] for each in (file.alpha, file.empty))
        return dataclasses.replace(file, alpha=alpha, empty=empty)

    def close(self) -> None:
        """Forget the band."""
        self._held = None

    def _band(self, rows: slice) -> tuple[int, PictureFile, Tensor]:
        if self._held is None or not (self._held[0].start <= rows.start and rows.stop <= self._held[0].stop):
            self.close()  # not two at a time
            file = self.windows.read(rows.start, rows.stop, 0, self.windows.width)
            pixels = to_tensor(file.pixels)
            fill_empty(pixels, file, *self.full)
            alpha = None if file.alpha is None else file.alpha.copy()  # its own memory: the pixels go
            self._held = (
                rows,
                dataclasses.replace(file, pixels=file.pixels[:0, :0].copy(), alpha=alpha),
                pixels,
            )
        held, file, pixels = self._held
        return held.start, file, pixels
