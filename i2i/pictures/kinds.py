"""The kinds of picture files: what reads each, what writes each, and what it holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from i2i.pictures import arrays, plain, plain_writing, tiff
from i2i.pictures.carried import PictureFile
from i2i.pictures.geotiff import write_geotiff
from i2i.pictures.header import Header
from i2i.pictures.opening import damaged, first_bytes
from i2i.pictures.pixels import Pixels
from i2i.pictures.stored_types import TYPES
from i2i.pictures.tiff_pages import is_tiff, read_page, suits_pillow
from i2i.pictures.tiff_writing import write_tiff


@dataclass(frozen=True)
class Reader:
    """What reads a kind: its header, its pixels without alpha, all of it, and fewer pixels sooner, where that goes."""

    header: Callable[[Path], Header]
    pixels: Callable[[Path], Pixels]
    picture: Callable[[Path], PictureFile]
    reduced: Callable[[Path, tuple[int, int]], Pixels] | None = None


@dataclass(frozen=True)
class Kind:
    """What a name's ending stands for.

    Attributes:
        suffixes: the endings.
        write: writes a picture to a path, whatever that ends in.
        channels: by numpy's name of a type, how many channels can be written; none stands for any number.
        alpha: the numbers of channels that alpha can stand beside; none stands for any number.
    """

    suffixes: tuple[str, ...]
    write: Callable[[PictureFile, Path], None]
    channels: dict[str, Sequence[int]]
    alpha: Sequence[int] | None = ()

    def holds(self, channels: int, dtype: str, alpha: bool) -> bool:
        """Whether such a picture can be written."""
        if dtype not in self.channels:
            return False
        allowed = self.channels[dtype]
        beside = self.alpha is None or channels in self.alpha
        return (not allowed or channels in allowed) and (beside or not alpha)


def _write_tiff(picture: PictureFile, path: Path) -> None:
    georeference = picture.carried.georeference
    if georeference is None:
        write_tiff(picture, path)
    else:
        write_geotiff(picture, georeference, path)


_ANY: dict[str, Sequence[int]] = dict.fromkeys(TYPES, ())
_EIGHT: dict[str, Sequence[int]] = {"uint8": (1, 3)}

KINDS = (
    Kind((".png",), plain_writing.write_png, {"uint8": (1, 3), "uint16": (1, 3)}, alpha=(1, 3)),
    Kind((".jpg", ".jpeg"), plain_writing.write_jpeg, _EIGHT),
    Kind((".webp",), plain_writing.write_webp, _EIGHT, alpha=(1, 3)),
    Kind((".bmp",), plain_writing.write_bmp, _EIGHT),
    Kind((".ppm",), plain_writing.write_ppm, {"uint8": (1, 3), "uint16": (1,)}),
    Kind((".tif", ".tiff"), _write_tiff, _ANY, alpha=None),
    Kind((".npy",), arrays.write_npy, _ANY),
    Kind((".npz",), arrays.write_npz, _ANY),
)
"""The kinds that are written, the most usual first; what is read goes by a file's content, whatever it is called."""

_PLAIN = Reader(plain.read_header, plain.read_pixels, plain.read_picture, plain.read_reduced)
_TIFF = Reader(tiff.read_header, tiff.read_pixels, tiff.read_picture)
_ARRAY = Reader(arrays.read_header, arrays.read_pixels, arrays.read_picture)


def reader_of(path: Path) -> Reader:
    """What reads a file, by its first bytes.

    Raises:
        I2IError: it is missing or empty, or a TIFF file of several pages.
    """
    head = first_bytes(path)
    if not head:
        raise damaged(path, "the file is empty")
    packed = path.suffix.lower() == ".npz"  # many other files are zip archives too
    if head.startswith(arrays.NPY_MAGIC) or (packed and head.startswith(arrays.NPZ_MAGIC)):
        return _ARRAY
    if is_tiff(head) and not suits_pillow(read_page(path)):
        return _TIFF
    return _PLAIN
