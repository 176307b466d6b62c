"""Tiny videos, drawn on the spot with PyAV."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT, RATE, SAMPLES = 64, 48, 25, 48_000
Pixels = NDArray[Any]


def scene(count: int = 10, width: int = WIDTH, height: int = HEIGHT, deep: bool = False) -> list[Pixels]:
    """Soft colours that move: what a codec keeps almost as they are."""
    y, x = np.mgrid[0:height, 0:width]
    phases = [np.stack([x / 40 + t / 8, y / 30 - t / 9, (x + y) / 60], axis=2) for t in range(count)]
    most = 65535 if deep else 255
    return [
        np.rint((0.5 + 0.3 * np.sin(phase)) * most).astype(np.uint16 if deep else np.uint8)
        for phase in phases
    ]


def flat(value: int, count: int = 1) -> list[Pixels]:
    """Grey frames."""
    return [np.full((HEIGHT, WIDTH, 3), value, np.uint8)] * count


def click(at: float, seconds: float) -> Pixels:
    """Silence with a short burst in it, (1, samples)."""
    sound = np.zeros((1, round(seconds * SAMPLES)), np.int16)
    start = round(at * SAMPLES)
    sound[0, start : start + 480] = np.rint(20_000 * np.sin(np.arange(480) * 0.8))
    return sound


def draw_video(
    path: Path,
    pictures: Sequence[Pixels],
    codec: str = "libx264",
    form: str = "yuv420p",
    *,
    times: Sequence[int] = (),
    sound: Pixels | None = None,
    voice: str = "aac",
    options: dict[str, str] | None = None,
    **context: Any,
) -> Path:
    """Write a video.

    Args:
        path: its suffix names the container.
        pictures: (H, W, 3 or 4), uint8 or uint16.
        codec: of the pictures.
        form: of their pixels.
        times: of the frames, in frames at `RATE`.
        sound: (1, samples), int16.
        voice: codec of the sound.
        options: of the codec.
        context: more attributes of the encoder; `rotation`, in degrees against the clock, `title` and `chapters`.
    """
    import av

    rotation, title = context.pop("rotation", 0), context.pop("title", "")
    chapters = context.pop("chapters", [])
    with av.open(str(path), "w") as file:
        stream: Any = file.add_stream(codec, RATE, options or {})
        stream.pix_fmt, stream.height, stream.width = form, *pictures[0].shape[:2]
        voices: Any = file.add_stream(voice, SAMPLES) if sound is not None else None
        if voices is not None:
            voices.layout = "mono"
        for name, value in context.items():
            setattr(stream.codec_context, name, value)
        if rotation:
            stream.set_display_rotation(rotation)
        if title:
            file.metadata["title"] = title
        file.set_chapters(chapters)
        for number, pixels in enumerate(pictures):
            file.mux(
                stream.encode(_frame(pixels, form, times[number] if times else number, stream.codec_context))
            )
        file.mux(stream.encode(None))
        if sound is not None:
            heard = av.AudioFrame.from_ndarray(sound, "s16", "mono")
            heard.sample_rate, heard.pts = SAMPLES, 0
            file.mux([*voices.encode(heard), *voices.encode(None)])
    return path


def _frame(pixels: Pixels, form: str, time: int, context: Any) -> Any:
    import av

    names = {(3, 1): "rgb24", (3, 2): "rgb48le", (4, 1): "rgba"}
    frame = av.VideoFrame.from_ndarray(pixels, names[pixels.shape[2], pixels.itemsize])
    matrix = {1: 1, 9: 9}.get(context.colorspace, 5)  # as libswscale numbers them
    frame = frame.reformat(format=form, dst_colorspace=matrix, dst_color_range=context.color_range or 1)
    frame.pts, frame.time_base = time, Fraction(1, RATE)
    return frame


def heard_at(path: Path) -> float:
    """When the first loud sample of a video is heard, in seconds."""
    import av

    with av.open(str(path)) as file:
        for frame in file.decode(audio=0):
            sound = np.abs(np.atleast_2d(frame.to_ndarray()).astype(float))
            channels = frame.layout.nb_channels
            sound = sound.reshape(-1, channels)[:, 0] if not frame.format.is_planar else sound[0]
            loud = np.flatnonzero(sound > 0.1 * (1 if frame.format.name.startswith("flt") else 32767))
            if loud.size:
                return float(frame.time) + int(loud[0]) / frame.sample_rate
    raise AssertionError("nothing was heard")
