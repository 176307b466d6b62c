"""How a result is compressed: as its source where that can be written, so that neither bits nor colours are lost."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from i2i.core.errors import I2IError
from i2i.pictures.video_colours import Form


@dataclass(frozen=True)
class Encoder:
    """A library that writes a codec.

    Attributes:
        name: FFmpeg's.
        options: for results in which no loss is seen.
        whole_chroma: whether sides must divide by what the chroma is subsampled by.
        most_ticks: a second can have.
        aspect: whether the shape of pixels is stored with them, and not by the container.
        alpha: whether transparency is stored so that it can be read again.
    """

    name: str
    options: Mapping[str, str] = field(default_factory=dict)
    whole_chroma: bool = False
    most_ticks: int = 2**31 - 1
    aspect: bool = False
    alpha: bool = False


@dataclass(frozen=True)
class Kind:
    """A container.

    Attributes:
        format: FFmpeg's name.
        codecs: for what its source's codec cannot do, best first.
        options: of the container.
        refuses: codecs that FFmpeg says it holds, and then does not write.
        only: the codecs that it holds, where they are few.
        steady: whether all frames last equally long.
        aspect: whether it stores the shape of pixels.
    """

    format: str
    codecs: Sequence[str]
    options: Mapping[str, str] = field(default_factory=dict)
    refuses: Container[str] = ()
    only: Container[str] | None = None
    steady: bool = False
    aspect: bool = False

    def holds(self, codec: str) -> bool:
        """Whether FFmpeg writes a codec into it."""
        return codec not in self.refuses and (self.only is None or codec in self.only)


_FASTSTART = {"movflags": "faststart"}  # a browser can play it while it is still loading
_ONLY_IN_MP4 = ("av1", "flac", "opus", "truehd", "vp8", "vp9")
_WEBM = ("av1", "opus", "vorbis", "vp8", "vp9", "webvtt")
_QUANTIZER = {"flags": "+qscale", "global_quality": "236"}  # 2 of 31, in FFmpeg's unit of 118

KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        ".mp4": Kind("mp4", ("h264", "hevc"), _FASTSTART, aspect=True),
        ".m4v": Kind("mp4", ("h264", "hevc"), _FASTSTART, aspect=True),
        ".mov": Kind("mov", ("h264", "hevc", "png"), _FASTSTART, _ONLY_IN_MP4, aspect=True),
        ".mkv": Kind("matroska", ("h264", "hevc", "ffv1")),
        ".webm": Kind("webm", ("vp9", "av1"), only=_WEBM),
        ".avi": Kind("avi", ("h264", "ffv1"), {"avoid_negative_ts": "disabled"}, steady=True),
    }
)

_ENCODERS: Mapping[str, Encoder] = MappingProxyType(
    {
        "h264": Encoder("libx264", {"crf": "14"}, whole_chroma=True, aspect=True),
        "hevc": Encoder(
            "libx265", {"crf": "14", "x265-params": "log-level=none"}, whole_chroma=True, aspect=True
        ),
        "vp8": Encoder("libvpx", {"crf": "4", "qmin": "0", "cpu-used": "2"}),
        "vp9": Encoder("libvpx-vp9", {"crf": "14", "cpu-used": "3", "row-mt": "1"}),
        "av1": Encoder("libsvtav1", {"crf": "14", "preset": "8"}, whole_chroma=True),
        "mpeg4": Encoder("mpeg4", _QUANTIZER, most_ticks=65535, aspect=True),
        "mjpeg": Encoder("mjpeg", _QUANTIZER),
        "prores": Encoder("prores_ks", whole_chroma=True, alpha=True),
        "ffv1": Encoder("ffv1", alpha=True),
        "ffvhuff": Encoder("ffvhuff", alpha=True),
        "huffyuv": Encoder("huffyuv"),
        "utvideo": Encoder("utvideo", alpha=True),
        "qtrle": Encoder("qtrle", alpha=True),
        "png": Encoder("png", alpha=True),
    }
)

# What was grey or had a palette can get any colour.
_COLOURED: Mapping[str, str] = MappingProxyType(
    {
        "gray": "yuv420p",
        "gray10le": "yuv420p10le",
        "gray12le": "yuv420p12le",
        "gray16le": "yuv420p16le",
        "gray16be": "yuv420p16le",
        "ya8": "yuva420p",
        "ya16be": "yuva420p16le",
        "monob": "yuv420p",
        "monow": "yuv420p",
        "pal8": "rgb24",
    }
)


@dataclass(frozen=True)
class Wanted:
    """What a result must keep: the codec and the form of pixels of its source, and its own size.

    Attributes:
        codec: of the source.
        form: of the source's pixels.
        width: of the result.
        height: of the result.
        ticks: of a second.
    """

    codec: str
    form: Form
    width: int
    height: int
    ticks: int


def choose(wanted: Wanted, held: Container[str], target: Path) -> tuple[Encoder, str]:
    """What writes a result, and FFmpeg's name of the form of its pixels.

    Args:
        wanted: what must be kept.
        held: the codecs that the container can hold.
        target: the file, whose suffix names the container.

    Raises:
        I2IError: nothing that the container holds keeps all of it.
    """
    kind = KINDS[target.suffix.lower()]
    for codec in dict.fromkeys((wanted.codec, *kind.codecs)):
        encoder = _ENCODERS.get(codec)
        if encoder is None or codec not in held or not kind.holds(codec) or wanted.ticks > encoder.most_ticks:
            continue
        if form := _form(wanted, encoder):
            return encoder, form
    clear = " and transparency" if wanted.form.alpha else ""
    raise I2IError(
        f"{target}: {target.suffix} cannot hold {wanted.form.bits} bits for each channel{clear} at "
        f"{wanted.width}×{wanted.height} pixels; end it in .mkv"
    )


def _form(wanted: Wanted, encoder: Encoder) -> str | None:
    """The nearest of the forms that an encoder takes, or None where it would lose something."""
    import av
    from av.codec.codec import PixFmtLoss, find_best_pix_fmt_of_list

    if encoder.name not in av.codecs_available or (wanted.form.alpha and not encoder.alpha):
        return None
    taken = [format.name for format in av.Codec(encoder.name, "w").video_formats or []]
    possible = [name for name in taken if not encoder.whole_chroma or _divides(wanted, name)]
    source = _COLOURED.get(wanted.form.name, wanted.form.name)
    best, loss = find_best_pix_fmt_of_list(possible, source, wanted.form.alpha)
    lossy = (
        PixFmtLoss.RESOLUTION
        | PixFmtLoss.DEPTH
        | PixFmtLoss.ALPHA
        | PixFmtLoss.COLORQUANT
        | PixFmtLoss.CHROMA
    )
    return None if best is None or loss & lossy else best.name


def _divides(wanted: Wanted, name: str) -> bool:
    """Whether every block of pixels that has one chroma is whole: H.264 stores no others."""
    from av.video.format import VideoFormat

    side = 16
    format = VideoFormat(name, side, side)
    return not (
        wanted.width % (side // format.chroma_width()) or wanted.height % (side // format.chroma_height())
    )
