"""Opening videos of strangers: only local files of known kinds, only sizes that fit, every failure a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from i2i.core.errors import I2IError
from i2i.core.extras import needs
from i2i.pictures.video_whole import check_whole

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

MOST_PIXELS = 2**26
"""What a frame may claim, 8192×8192: several of them are in memory at once."""

ANY_TEXT = "surrogateescape"
"""Metadata that is no UTF-8 is kept as it is."""

# FFmpeg would follow a playlist, or a list of files, to other files and to the network.
_SAFELY = {
    "protocol_whitelist": "file",
    "format_whitelist": "mov,matroska,webm,avi",
    "max_pixels": str(MOST_PIXELS),
}

_USUAL_RATE = Fraction(25)
"""Frames in a second, where a file does not say it."""
_HIGHEST_RATE = 1000


@dataclass(frozen=True)
class Video:
    """An open video file, and the stream in it that is its pictures."""

    path: Path
    container: InputContainer
    stream: VideoStream

    @property
    def rate(self) -> Fraction:
        """Frames in a second, on average."""
        return self.stream.average_rate or self.stream.guessed_rate or _USUAL_RATE

    @property
    def grid(self) -> Fraction:
        """The lowest rate at which every frame has a time of its own, if any does."""
        finest = self.stream.base_rate
        return finest if finest and finest <= _HIGHEST_RATE else self.rate


@contextmanager
def opened(path: Path) -> Iterator[Video]:
    """An open video; what is wrong with it, here or while it is read, becomes a sentence.

    Raises:
        I2IError: it is missing, no video of a known kind, cut off, damaged, without pictures, or its frames are too
            large.
    """
    av = needs("av", "video", f"to read '{path}'")
    if path.exists() and not path.is_file():  # opening a pipe would wait for ever
        raise I2IError(f"'{path}' is {'a folder; name a video' if path.is_dir() else 'no file; remove it'}")
    check_whole(path)
    with reading(path), av.open(url(path), options=_SAFELY, metadata_errors=ANY_TEXT) as container:
        yield Video(path, container, _pictures(container, path))


def url(path: Path) -> str:
    """A path for FFmpeg, which takes a name such as `http:x.mp4` for an address."""
    return f"file:{path.absolute()}"


def _pictures(container: InputContainer, path: Path) -> VideoStream:
    """The stream of pictures that a player would show, decoded in threads."""
    from av.stream import Disposition

    found = [each for each in container.streams.video if not each.disposition & Disposition.attached_pic]
    if not found:
        raise I2IError(f"'{path}' holds no moving pictures; name a video, or remove it")
    stream = next((each for each in found if each.disposition & Disposition.default), found[0])
    if stream.codec_context is None:
        raise I2IError(f"'{path}' is compressed in a way that cannot be read; save it as H.264")
    if stream.metadata.get("alpha_mode") == "1":
        raise I2IError(f"'{path}' stores transparency in a way that cannot be read; save it as ProRes 4444")
    if stream.width * stream.height > MOST_PIXELS:
        size = f"{stream.width:,}×{stream.height:,}"
        raise I2IError(
            f"'{path}' claims frames of {size} pixels, and they may have {MOST_PIXELS:,}; shrink it"
        )
    stream.thread_type = "AUTO"
    stream.codec_context.options = {"max_pixels": str(MOST_PIXELS)}
    return stream


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Say in words what FFmpeg finds wrong with a file that it reads.

    Raises:
        I2IError: it does.
    """
    from av.error import FFmpegError, InvalidDataError

    try:
        yield
    except FFmpegError as error:
        foreign = isinstance(error, (InvalidDataError, ValueError, EOFError))
        why = "it is no video (mp4, mov, mkv, webm, avi), or damaged" if foreign else says(error)
        raise I2IError(f"'{path}' cannot be read: {why}; replace or remove it") from error


def says(error: Exception) -> str:
    """What is wrong, as the middle of a sentence."""
    words = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return str(words).splitlines()[0].rstrip(".").lower()
