"""Writing a video in place of another: the same times, sound and colours, other pictures."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from i2i.core.errors import I2IError, I2IWarning, nearest
from i2i.pictures.pixels import Pixels
from i2i.pictures.video_codecs import KINDS, Encoder, Kind, Wanted, choose
from i2i.pictures.video_colours import Colours, Form, Look
from i2i.pictures.video_opening import ANY_TEXT, Video, opened, says, url
from i2i.pictures.video_reading import Frame, first_look
from i2i.pictures.video_sound import Companions, tell

if TYPE_CHECKING:
    from av.container import OutputContainer

_WRITERS_OWN = ("major_brand", "minor_version", "compatible_brands", "encoder")
"""Metadata that says how the source was written."""


@contextmanager
def rewriting(source: Path, target: Path) -> Iterator[Writer]:
    """A writer of a video that has the times, the sound and the colours of a source; the file appears at the end.

    Raises:
        I2IError: the source cannot be read, no frame was written, the container cannot hold the result, or the disk
            refuses.
    """
    kind = KINDS.get(target.suffix.lower())
    if kind is None:
        raise I2IError(f"{target}: '{target.suffix}' is no video's ending; {nearest(target.suffix, KINDS)}")
    with opened(source) as video:
        look = first_look(video)
    with _drafted(target) as draft, opened(source) as video, _created(draft, kind, target) as out:
        writer = Writer(video, look, out, target)
        yield writer
        writer.finish()


@contextmanager
def _drafted(target: Path) -> Iterator[Path]:
    """A hidden file beside the target that takes its place at the end, and is removed if anything fails."""
    draft = target.with_name(f".{target.name}.draft")
    try:
        with _writing(target):
            target.parent.mkdir(parents=True, exist_ok=True)
        yield draft
        with _writing(target):
            draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def _created(draft: Path, kind: Kind, target: Path) -> Iterator[OutputContainer]:
    """A container, closed as it must be: what is wrong first is what is said."""
    import av

    options = dict(kind.options)
    out = av.open(url(draft), "w", kind.format, container_options=options, metadata_errors=ANY_TEXT)
    try:
        yield out
    except BaseException:
        with suppress(av.FFmpegError):
            out.close()
        raise
    with _writing(target):
        out.close()


@contextmanager
def _writing(target: Path) -> Iterator[None]:
    from av.error import FFmpegError

    try:
        yield
    except (FFmpegError, OSError) as error:
        raise I2IError(f"{target}: the result could not be written ({says(error)})") from error


class Writer:
    """Takes the frames of a result in order, and brings in the rest of the source in step with them."""

    def __init__(self, source: Video, look: Look, out: OutputContainer, target: Path) -> None:
        self._source, self._look, self._out, self._target = source, look, out, target
        self._colours, self._steady = Colours(look), KINDS[target.suffix.lower()].steady
        # of a container without times every tick is a frame
        self._tick = 1 / source.grid if self._steady else source.stream.time_base or 1 / source.rate
        self._last: int | None = None
        self._stream: Any = None
        self._companions: Companions | None = None

    def write(self, frame: Frame) -> None:
        """Add a frame, (H, W, 1) or (H, W, 3), uint8 or uint16; all have one size.

        Raises:
            I2IError: it has another size or type, a time that the container cannot store, or the disk refuses.
        """
        pixels = self._with_alpha(frame)
        with _writing(self._target):
            if self._companions is None:
                self._companions = self._start(*pixels.shape[:2])
            made = self._colours.from_rgb(pixels, self._stream.pix_fmt)
            made.time_base, made.pts = self._tick, self._ticks(frame.time)
            made.duration = round(frame.duration / self._tick)
            self._out.mux(self._stream.encode(made))
            self._companions.copy(frame.time)

    def finish(self) -> None:
        """Write what is still on its way, and the rest of the source.

        Raises:
            I2IError: there was no frame, or the disk refuses.
        """
        if self._companions is None:
            raise I2IError(f"{self._target}: no frame was given; a video has one at least")
        with _writing(self._target):
            self._out.mux(self._stream.encode(None))
            self._companions.copy()

    def _with_alpha(self, frame: Frame) -> Pixels:
        """The pixels to encode, (H, W, 1), (H, W, 3), or (H, W, 4) with the transparency of the source."""
        pixels = frame.pixels
        if pixels.dtype not in (np.uint8, np.uint16) or pixels.ndim != 3 or pixels.shape[2] not in (1, 3):
            shape = "×".join(map(str, pixels.shape))
            raise I2IError(
                f"{self._target}: {shape} of {pixels.dtype} is no frame; H×W×3 of uint8 or uint16 is"
            )
        height, width = pixels.shape[:2]
        if self._stream is not None and (width, height) != (self._stream.width, self._stream.height):
            first = f"{self._stream.width}×{self._stream.height}"
            raise I2IError(f"{self._target}: a frame has {width}×{height} pixels, the ones before {first}")
        if not self._look.form.alpha:
            return pixels
        alpha = frame.alpha
        if alpha is None or (alpha.shape, alpha.dtype) != ((height, width, 1), pixels.dtype):
            raise I2IError(
                f"{self._target}: a frame of {width}×{height} pixels lacks transparency that fits it"
            )
        return np.concatenate([np.broadcast_to(pixels, (height, width, 3)), alpha], axis=2)

    def _ticks(self, time: Fraction) -> int:
        """A time as the container stores it."""
        ticks = round(time / self._tick)
        if self._last is not None and ticks <= self._last:
            kind = self._target.suffix
            raise I2IError(f"{self._target}: {kind} stores no varying frame rate; end it in .mp4 or .mkv")
        self._last = ticks
        return ticks

    def _start(self, height: int, width: int) -> Companions:
        """Lay out the container, now that the size of the result is known."""
        source = self._source
        codec = source.stream.codec_context.codec.canonical_name
        wanted = Wanted(codec, self._look.form, width, height, self._tick.denominator)
        encoder, form = choose(wanted, self._out.supported_codecs, self._target)
        self._stream = self._out.add_stream(encoder.name, source.rate, dict(encoder.options))
        self._set_up(width, height, form)
        self._warn_of_aspect(encoder)
        tell(source.stream, self._stream)
        companions = Companions(source, self._out, self._target)
        told = source.container.metadata.items()
        self._out.metadata.update({key: text for key, text in told if key.lower() not in _WRITERS_OWN})
        self._out.set_chapters(source.container.chapters())
        return companions

    def _set_up(self, width: int, height: int, form: str) -> None:
        """The encoder before its first frame."""
        from av.codec.context import Flags

        context, look = self._stream.codec_context, self._look
        context.width, context.height, context.pix_fmt = width, height, form
        context.time_base = self._tick
        context.flags |= Flags.frame_duration
        if self._steady:
            context.max_b_frames = 0  # they would be stored out of order
        if context.codec.canonical_name == "hevc" and self._out.format.name in ("mp4", "mov"):
            context.codec_tag = "hvc1"  # Apple's players know no other
        if not Form.of(form).rgb:
            context.colorspace, context.color_range = look.matrix, look.range
        context.color_primaries, context.color_trc = look.primaries, look.transfer
        context.sample_aspect_ratio = self._aspect()

    def _warn_of_aspect(self, encoder: Encoder) -> None:
        shape = self._aspect()
        if shape != 1 and not encoder.aspect and not KINDS[self._target.suffix.lower()].aspect:
            warnings.warn(
                f"{self._target}: {self._target.suffix} does not store that a pixel is {shape} as wide as high, so "
                "players will show another shape; end it in .mp4",
                I2IWarning,
                stacklevel=2,
            )

    def _aspect(self) -> Fraction:
        """Width by height of an upright pixel."""
        stored = self._source.stream.sample_aspect_ratio or Fraction(1)
        return 1 / stored if self._look.orientation >= 5 else stored
