"""A picture with all that its file holds beside the pixels."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from PIL import Image, ImageFile, PngImagePlugin

from i2i.pictures.georeference import Georeference
from i2i.pictures.pixels import Pixels

ORIENTATION = 0x0112
EXIF_FOLDER, GPS_FOLDER = 0x8769, 0x8825
_PIXEL_WIDTH, _PIXEL_HEIGHT, _INTEROPERABILITY = 0xA002, 0xA003, 0xA005
_XMP_ORIENTATION = re.compile(rb"""(tiff:Orientation(?:\s*=\s*["']|>))[2-8]""")
_XMP_KEY = "XML:com.adobe.xmp"
_PROFILES = {b"GRAY": 1, b"RGB ": 3}


@dataclass(frozen=True)
class Carried:
    """What a file holds beside its pixels, to be written beside the result; opaque outside this room.

    Attributes:
        profile: its ICC profile.
        exif: its EXIF block, of an upright picture.
        xmp: its XMP packet, of an upright picture.
        resolution: dots across and down, and their unit as in TIFF: 1 none, 2 inches, 3 centimetres.
        text: comments of PNG and JPEG.
        compressed: whether a TIFF file is.
        key: what an array is called in its `.npz`.
        flat: an array was H×W, without an axis of channels.
        georeference: where on Earth it lies.
    """

    profile: bytes = b""
    exif: bytes = b""
    xmp: bytes = b""
    resolution: tuple[float, float, int] | None = None
    text: Mapping[str, str] = field(default_factory=dict)
    compressed: bool = True
    key: str = ""
    flat: bool = False
    georeference: Georeference | None = None

    def profile_for(self, channels: int) -> bytes:
        """The profile, if it describes pictures of so many channels."""
        return self.profile if _PROFILES.get(self.profile[16:20]) == channels else b""

    def exif_for(self, pixels: Pixels) -> bytes:
        """The EXIF block, with the size of the result where it says one."""
        exif = Image.Exif()
        exif.load(self.exif)
        inner = exif.get_ifd(EXIF_FOLDER)
        sizes = {_PIXEL_WIDTH: pixels.shape[1], _PIXEL_HEIGHT: pixels.shape[0]}
        inner.update({tag: size for tag, size in sizes.items() if tag in inner})
        return exif.tobytes() if self.exif else b""

    @property
    def dpi(self) -> tuple[float, float] | None:
        """Dots per inch."""
        if self.resolution is None or self.resolution[2] == 1:
            return None
        across, down, unit = self.resolution
        return (across, down) if unit == 2 else (across * 2.54, down * 2.54)


@dataclass(frozen=True)
class PictureFile:
    """A picture file, read without losing anything.

    Attributes:
        pixels: (H, W, C), upright, in the stored type, without alpha.
        alpha: (H, W, 1), of the same type; None if there is none.
        carried: all else that the file holds.
        empty: (H, W, 1), bool: pixels that hold nothing; None where the file does not tell.
    """

    pixels: Pixels
    alpha: Pixels | None = None
    carried: Carried = field(default_factory=Carried)
    empty: Pixels | None = None


def carried_by(image: ImageFile.ImageFile, orientation: int) -> Carried:
    """What a file other than TIFF holds beside its pixels; `orientation` is the one that was honoured."""
    image.load()  # some of it stands behind the pixels
    info = image.info
    dpi = info.get("dpi")
    return Carried(
        profile=info.get("icc_profile") or b"",
        exif=exif_bytes(image.getexif(), orientation),
        xmp=upright_xmp(_as_bytes(info.get("xmp", b"")), orientation),
        resolution=resolution(dpi[0], dpi[1], 2, orientation) if dpi else None,
        text=_text(image),
    )


def exif_bytes(exif: Image.Exif, orientation: int) -> bytes:
    """An EXIF block of an upright picture; what was not turned as it asks keeps its orientation."""
    kept = Image.Exif()
    tags = {tag: exif.get(tag) for tag in exif if tag not in (EXIF_FOLDER, GPS_FOLDER)}
    if orientation != 1 and ORIENTATION in tags:
        tags[ORIENTATION] = 1
    kept.update(_writable(tags))
    for folder in (EXIF_FOLDER, GPS_FOLDER):
        if inner := _writable(exif.get_ifd(folder)):
            kept.get_ifd(folder).update(inner)
            kept[folder] = inner
    return kept.tobytes() if len(kept) else b""


def upright_xmp(xmp: bytes, orientation: int) -> bytes:
    """The XMP packet of an upright picture; of one that was not turned it stays as it is."""
    return _XMP_ORIENTATION.sub(rb"\g<1>1", xmp) if orientation != 1 else xmp


def resolution(across: Any, down: Any, unit: int, orientation: int) -> tuple[float, float, int] | None:
    """Dots across and down the upright picture; None where a file says nonsense."""
    try:
        dots = (float(across), float(down))
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    if not all(0 < each < 2**31 for each in dots) or unit not in (1, 2, 3):
        return None
    return (*(dots[::-1] if orientation >= 5 else dots), unit)


def _writable(tags: Mapping[int, Any]) -> dict[int, Any]:
    """The tags that can be written: those of damaged files may hold what no type holds."""
    known = {tag: value for tag, value in tags.items() if tag != _INTEROPERABILITY}  # a place in the old file
    if _can_be_written(known):
        return known
    return {tag: value for tag, value in known.items() if _can_be_written({tag: value})}


def _can_be_written(tags: Mapping[int, Any]) -> bool:
    trial = Image.Exif()
    trial.update(tags)
    try:
        return bool(trial.tobytes())
    except Exception:  # whatever a damaged tag leads to
        return False


def _text(image: ImageFile.ImageFile) -> dict[str, str]:
    if isinstance(image, PngImagePlugin.PngImageFile):
        return {key: str(value) for key, value in image.text.items() if key != _XMP_KEY}
    comment = image.info.get("comment") if image.format in ("JPEG", "MPO") else None
    return {"Comment": _words(_as_bytes(comment))} if comment else {}


def _words(comment: bytes) -> str:
    try:
        return comment.decode()
    except UnicodeDecodeError:
        return comment.decode("latin-1")


def _as_bytes(value: bytes | str) -> bytes:
    return value.encode() if isinstance(value, str) else bytes(value)
