"""The frames of an open video, with their times."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from i2i.core.errors import I2IError
from i2i.pictures.pixels import Pixels
from i2i.pictures.video_colours import Colours, Look, look_of
from i2i.pictures.video_opening import Video

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

_NO_TIMES = "avi"
"""The container that stores no times of frames, only the order in which they are decoded."""


@dataclass(frozen=True)
class Frame:
    """A picture of a video.

    Attributes:
        pixels: upright, (H, W, 3), uint8, or uint16 where the video has more than 8 bits; a result can be grey.
        alpha: (H, W, 1) where the video stores transparency.
        time: when it is shown, in seconds.
        duration: how long it is shown, in seconds; 0 if the file does not say it.
    """

    pixels: Pixels
    alpha: Pixels | None
    time: Fraction
    duration: Fraction = Fraction(0)


def first_look(video: Video) -> Look:
    """How a video that was just opened stores its frames.

    Raises:
        I2IError: it has none, or they are damaged.
    """
    return look_of(next(_decoded(video))[0])


def read(video: Video) -> Iterator[Frame]:
    """The frames of a video that was just opened, in the order in which they are shown.

    Raises:
        I2IError: they are damaged, or change their size.
    """
    decoded = _decoded(video)
    frame, ticks = next(decoded)
    look, tick = look_of(frame), video.stream.time_base or 1 / video.rate
    colours = Colours(look)
    while True:
        _check_size(frame, look, video, ticks * tick)
        pixels = colours.to_rgb(frame)
        alpha = pixels[..., 3:] if look.form.alpha else None
        yield Frame(pixels[..., :3], alpha, ticks * tick, frame.duration * tick)
        if (following := next(decoded, None)) is None:
            return
        frame, ticks = following


def _decoded(video: Video) -> Iterator[tuple[VideoFrame, int]]:
    """Every frame and its time in ticks of the stream, which grows."""
    sent: deque[int] = deque()
    last: int | None = None
    for packet in video.container.demux(video.stream):
        if packet.is_corrupt:
            raise I2IError(f"'{video.path}' is damaged{_after(last, video)}; replace or remove it")
        if packet.size and packet.dts is not None and video.container.format.name == _NO_TIMES:
            sent.append(packet.dts)
        for frame in packet.decode():
            ticks = sent.popleft() if sent else frame.pts
            if last is not None and (ticks is None or ticks <= last):
                ticks = last + 1
            last = ticks or 0
            yield frame, last
    if last is None:
        raise I2IError(f"'{video.path}' holds no frame; replace or remove it")


def _after(ticks: int | None, video: Video) -> str:
    return "" if ticks is None else f" after {float(ticks * (video.stream.time_base or 0)):.2f} seconds"


def _check_size(frame: VideoFrame, look: Look, video: Video, time: Fraction) -> None:
    if (frame.width, frame.height) != (look.width, look.height):
        raise I2IError(
            f"'{video.path}' changes its size from {look.width}×{look.height} to {frame.width}×{frame.height} "
            f"after {float(time):.2f} seconds; cut it there"
        )
