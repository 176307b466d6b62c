"""Videos, frame by frame: reading them, and writing them anew with the times and the sound that they had."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from i2i.pictures.video_codecs import KINDS
from i2i.pictures.video_opening import opened
from i2i.pictures.video_reading import Frame, first_look, read
from i2i.pictures.video_writing import rewriting

VIDEO_EXTENSIONS = frozenset(KINDS)


@dataclass(frozen=True)
class Clip:
    """What a file says about its video.

    Attributes:
        width: of the upright frame.
        height: of the upright frame.
        frames: how many, where the file says it.
        rate: frames in a second, on average.
        bits: of each channel.
        has_sound: whether there is any.
    """

    width: int
    height: int
    frames: int | None
    rate: Fraction
    bits: int
    has_sound: bool


def is_video(name: str) -> bool:
    """Whether a file's name ends like a video's and is not hidden."""
    return Path(name).suffix.lower() in VIDEO_EXTENSIONS and not name.startswith(".")


def describe(path: Path) -> Clip:
    """Size, length and depth of a video; only its first frame is decoded.

    Raises:
        I2IError: it is missing, no video of a known kind, or damaged.
    """
    with opened(path) as video:
        look = first_look(video)
        width, height = look.size
        sound = bool(video.container.streams.audio)
        return Clip(width, height, video.stream.frames or None, video.rate, look.form.bits, sound)


def frames(path: Path) -> Iterator[Frame]:
    """The frames of a video in the order in which they are shown, decoded in other threads, a few at a time.

    Raises:
        I2IError: it is missing, no video of a known kind, damaged, cut off, or its frames change their size.
    """
    with opened(path) as video:
        yield from read(video)


def rewrite(source: Path, target: Path, translated: Iterable[Frame]) -> None:
    """Write a video anew with other pictures; times, sound, subtitles, chapters and metadata are the source's.

    The target's suffix names the container. The codec is the source's where it can be written; bits, colour space and
    value range stay. The file appears when it is whole.

    Args:
        source: the video that the frames were made from.
        target: the file to write; folders are made.
        translated: its frames, all of one size, with the times of the source's.

    Raises:
        I2IError: the source cannot be read, the container cannot hold the result, or the disk refuses.
    """
    with rewriting(source, target) as writer:
        for frame in translated:
            writer.write(frame)
