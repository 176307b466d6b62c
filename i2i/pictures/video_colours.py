"""Frames of a video to upright RGB and back, so that every player shows the colours that the source had."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from i2i.pictures.pixels import Pixels, upright

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

BT709, BT601 = 1, 6
_LIMITED, _FULL = 1, 2
_HD = 576
"""Lines of the largest picture of standard definition; larger ones that do not say it have the colours of BT.709."""

# What ITU-T H.273 calls a matrix, and what libswscale calls it; of others there is no arithmetic.
_MATRICES: Mapping[int, int] = MappingProxyType({1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9})

# The signs of a, b, c, d in x' = ax + cy, y' = bx + dy, and what EXIF calls the turn.
_ORIENTATIONS: Mapping[tuple[int, int, int, int], int] = MappingProxyType(
    {
        (1, 0, 0, 1): 1,
        (-1, 0, 0, 1): 2,
        (-1, 0, 0, -1): 3,
        (1, 0, 0, -1): 4,
        (0, 1, 1, 0): 5,
        (0, 1, -1, 0): 6,
        (0, -1, -1, 0): 7,
        (0, -1, 1, 0): 8,
    }
)


@dataclass(frozen=True)
class Form:
    """In what form pixels are stored.

    Attributes:
        name: FFmpeg's.
        bits: of each channel.
        alpha: whether there is transparency.
        rgb: whether there are red, green and blue, and not luma and chroma.
    """

    name: str
    bits: int
    alpha: bool
    rgb: bool

    @classmethod
    def of(cls, name: str) -> Form:
        """By FFmpeg's name."""
        from av.video.format import VideoFormat

        format = VideoFormat(name)
        bits = max(part.bits for part in format.components)
        alpha = any(part.is_alpha for part in format.components)
        return cls(name, bits, alpha, format.is_rgb or format.has_palette)


@dataclass(frozen=True)
class Look:
    """How a video stores its frames.

    Attributes:
        width: of the stored frame.
        height: of the stored frame.
        form: of its pixels.
        matrix: from RGB to luma and chroma, by the numbers of ITU-T H.273.
        range: 1 for luma from 16 to 235, 2 for all values.
        primaries: as H.273 has them.
        transfer: as H.273 has it.
        orientation: as EXIF has it, 1 to 8.
    """

    width: int
    height: int
    form: Form
    matrix: int
    range: int
    primaries: int
    transfer: int
    orientation: int

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the upright frame."""
        return (self.height, self.width) if self.orientation >= 5 else (self.width, self.height)


def look_of(frame: VideoFrame) -> Look:
    """How a decoded frame is stored; what it does not say is guessed as players do."""
    form = Form.of(frame.format.name.replace("yuvj", "yuv"))  # the j says that all values are used
    guessed = BT709 if max(frame.width * 9 // 16, frame.height) > _HD else BT601
    known = frame.colorspace in _MATRICES and not form.rgb
    full = frame.color_range == _FULL or frame.format.name.startswith("yuvj")
    return Look(
        frame.width,
        frame.height,
        form,
        frame.colorspace if known else guessed,
        _FULL if full and not form.rgb else _LIMITED,
        frame.color_primaries,
        frame.color_trc,
        _orientation(frame),
    )


class Colours:
    """Conversion in both directions for one video; the tables that it needs are made once."""

    def __init__(self, look: Look) -> None:
        from av.video.reformatter import Interpolation, VideoReformatter

        self._look, self._reformatter = look, VideoReformatter()
        self._rgb = _rgb(4 if look.form.alpha else 3, look.form.bits > 8)
        self._filter = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT

    def to_rgb(self, frame: VideoFrame) -> Pixels:
        """An upright frame, (H, W, 3), or (H, W, 4) with alpha: uint8, or uint16 where it has more than 8 bits."""
        rgb = self._reformatter.reformat(
            frame,
            format=self._rgb,
            src_colorspace=_MATRICES[self._look.matrix],
            src_color_range=_FULL if self._look.form.rgb else self._look.range,
            dst_color_range=_FULL,
            interpolation=self._filter,
        )
        return np.ascontiguousarray(upright(rgb.to_ndarray(), self._look.orientation))

    def from_rgb(self, pixels: Pixels, format: str) -> VideoFrame:
        """A frame to encode, from (H, W, 1), (H, W, 3) or (H, W, 4), uint8 or uint16."""
        from av.video.frame import VideoFrame

        coloured = np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else pixels
        rgb = _rgb(coloured.shape[2], pixels.dtype != np.uint8)
        return self._reformatter.reformat(
            VideoFrame.from_ndarray(np.ascontiguousarray(coloured), rgb),
            format=format,
            dst_colorspace=_MATRICES[self._look.matrix],
            src_color_range=_FULL,
            dst_color_range=_FULL if Form.of(format).rgb else self._look.range,
            interpolation=self._filter,
        )


def _rgb(channels: int, deep: bool) -> str:
    """FFmpeg's name of plain RGB, or RGB and alpha."""
    return {3: ("rgb24", "rgb48le"), 4: ("rgba", "rgba64le")}[channels][deep]


def _orientation(frame: VideoFrame) -> int:
    beside: Any = frame.side_data
    stored = beside.get("DISPLAYMATRIX")
    if stored is None:
        return 1
    a, b, _, c, d, *_ = struct.unpack("=9i", bytes(stored))
    most = max(map(abs, (a, b, c, d))) or 1
    signs = (round(a / most), round(b / most), round(c / most), round(d / most))
    return _ORIENTATIONS.get(signs, 1)
