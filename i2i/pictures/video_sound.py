"""What goes with the pictures of a video: sound, subtitles, fonts and covers, copied where that can be done."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from i2i.core.errors import I2IWarning
from i2i.pictures.video_codecs import KINDS, Kind
from i2i.pictures.video_opening import Video, reading

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import OutputContainer
    from av.packet import Packet
    from av.stream import Stream

_BITS_A_SECOND = 96_000
"""For a channel of sound that has to be compressed anew."""

_TOLD = ("language", "title", "handler_name", "creation_time", "comment")
_COPIED = ("audio", "subtitle")
_ATTACHES = "matroska"
"""The container that holds files of any kind, fonts for example."""
_COVERED = "mp4"
"""The container whose covers are copied; in others they would become a second film."""

_CHAPTERS = "data (bin_data)"
"""What the names of chapters are stored in, which are written anew."""


class Companions:
    """The other streams of a source, on their way into a result in step with its frames."""

    def __init__(self, source: Video, outside: OutputContainer, target: Path) -> None:
        self._outside = outside
        self._targets: dict[int, Any] = {}
        left_out: Counter[str] = Counter()
        for stream in source.container.streams:
            if stream.index == source.stream.index:
                continue
            made = _copied(stream, outside, KINDS[target.suffix.lower()]) or _made_anew(stream, outside)
            if made is None:
                left_out[f"{stream.type} ({stream.name or 'unknown'})"] += 1
            else:
                tell(stream, made)
                self._targets[stream.index] = made
        if source.container.chapters():
            left_out.pop(_CHAPTERS, None)
        if left_out:
            what = ", ".join(f"{count} {name}" for name, count in left_out.items())
            warnings.warn(f"{target}: left out, because it cannot be kept: {what}", I2IWarning, stacklevel=2)
        self._source, self._packets = source.path, self._read(source)
        self._next = self._following()

    def copy(self, until: Fraction | None = None) -> None:
        """Write all that belongs before a time, or all."""
        while self._next is not None and (until is None or _time(self._next) <= until):
            self._write(self._next)
            self._next = self._following()

    def _following(self) -> Packet[Any] | None:
        with reading(self._source):
            return next(self._packets, None)

    def _read(self, source: Video) -> Iterator[Packet[Any]]:
        chosen = [source.container.streams[index] for index in self._targets]
        return source.container.demux(*chosen) if chosen else iter(())

    def _write(self, packet: Packet[Any]) -> None:
        made = self._targets[packet.stream.index]
        if made.codec_context is not None and made.codec_context.is_encoder:
            with reading(self._source):
                heard = packet.decode()
            for frame in heard:
                self._outside.mux(made.encode(frame))
            if not packet.size:
                self._outside.mux(made.encode(None))
        elif packet.size:
            packet.stream = made
            self._outside.mux(packet)


def tell(source: Stream, made: Stream) -> None:
    """Carry over the language of a stream, its title and what it is for."""
    made.metadata.update({key: text for key, text in source.metadata.items() if key in _TOLD})
    made.disposition = source.disposition


def _copied(stream: Stream, outside: OutputContainer, kind: Kind) -> Stream | None:
    """A stream of the same form, or None where the container cannot hold it."""
    from av.stream import Disposition

    cover = stream.disposition & Disposition.attached_pic and kind.format == _COVERED
    codec = stream.codec_context.codec.canonical_name if stream.codec_context else ""
    attached = stream.type == "attachment" and kind.format == _ATTACHES
    if not kind.holds(codec) or not (stream.type in _COPIED or cover or attached):
        return None
    try:
        made: Stream = outside.add_stream_from_template(stream, opaque=True)
    except ValueError:
        return None
    return made


def _made_anew(stream: Stream, outside: OutputContainer) -> Stream | None:
    """Sound that the container cannot hold as it is, in its usual form."""
    if stream.type != "audio" or stream.codec_context is None:
        return None
    context: Any = stream.codec_context
    made: Any = outside.add_stream(outside.default_audio_codec)
    rates = made.codec.audio_rates or [context.sample_rate]
    made.codec_context.sample_rate = context.sample_rate if context.sample_rate in rates else max(rates)
    made.codec_context.layout = context.layout
    made.codec_context.bit_rate = _BITS_A_SECOND * context.layout.nb_channels
    sound: AudioStream = made
    return sound


def _time(packet: Packet[Any]) -> Fraction:
    ticks = packet.dts if packet.dts is not None else packet.pts
    return Fraction(0) if ticks is None else ticks * packet.time_base
