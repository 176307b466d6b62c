"""The directories of a TIFF file (TIFF 6.0, and BigTIFF): which pages it has, and how the picture is stored."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO

from PIL import TiffImagePlugin

from i2i.core.errors import I2IError
from i2i.pictures.opening import damaged, in_sentences

MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
GEO_TAGS = frozenset({33550, 33922, 34264, 34735, 42112, 42113, 50844})
"""Scale, points, transformation, keys; GDAL's metadata and missing values; rational polynomials."""
MOST_PAGES = 10_000

_WIDTH, _HEIGHT = 256, 257
_SUBFILE, _OLD_SUBFILE, _BITS, _COMPRESSION, _PHOTOMETRIC, _FILL_ORDER = 254, 255, 258, 259, 262, 266
_ORIENTATION, _SAMPLES, _PLANAR, _EXTRA, _FORMAT, _DEPTH = 274, 277, 284, 338, 339, 32997
_READ = (254, 255, 256, 257, 258, 259, 262, 266, 274, 277, 284, 338, 339, 32997)
_NUMBERS: Mapping[int, str] = MappingProxyType({1: "B", 3: "H", 4: "L", 13: "L", 16: "Q"})
_SIZES: Mapping[int, int] = MappingProxyType(
    {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
)
Tags = Mapping[int, tuple[int, ...]]


@dataclass(frozen=True)
class Page:
    """How a TIFF file stores its picture.

    Attributes:
        order: "<" or ">", of bytes.
        big: whether it is a BigTIFF.
        offset: of its directory in the file.
        tags: the numbers of the tags that decide how it is read; of others nothing.
    """

    order: str
    big: bool
    offset: int
    tags: Tags

    @property
    def size(self) -> tuple[int, int]:
        """Width and height by its own word, as it is stored."""
        return self.number(_WIDTH, 0), self.number(_HEIGHT, 0)

    @property
    def samples(self) -> int:
        """Numbers of a pixel."""
        return self.number(_SAMPLES, 1)

    @property
    def compression(self) -> int:
        """How the pixels are packed; 1 is not at all."""
        return self.number(_COMPRESSION, 1)

    @property
    def backwards(self) -> bool:
        """Whether the bits of each byte stand the other way around."""
        return self.number(_FILL_ORDER, 1) != 1

    @property
    def orientation(self) -> int:
        """How the picture is to be turned, as EXIF counts: 1 to 8."""
        stored = self.number(_ORIENTATION, 1)
        return stored if stored in range(1, 9) else 1

    @property
    def strange_order(self) -> bool:
        """Whether it is a BigTIFF whose bytes stand the other way around, which Pillow does not know."""
        return self.big and self.order == ">"

    @property
    def compressed(self) -> bool:
        """Whether the pixels are."""
        return self.number(_COMPRESSION, 1) != 1

    @property
    def photometric(self) -> int:
        """What the numbers stand for: 0 white is zero, 1 black is zero, 2 RGB, and so on."""
        return self.number(_PHOTOMETRIC, 0)

    @property
    def extra(self) -> tuple[int, ...]:
        """What the samples behind the colours are: 0 anything, 1 alpha that colours are multiplied by, 2 alpha."""
        return self.tags.get(_EXTRA, ())

    @property
    def bits(self) -> tuple[int, ...]:
        """Of each sample."""
        return self.tags.get(_BITS, (1,))

    @property
    def georeferenced(self) -> bool:
        """Whether it is a GeoTIFF."""
        return not GEO_TAGS.isdisjoint(self.tags)

    def number(self, tag: int, default: int) -> int:
        """The first number of a tag."""
        return (self.tags.get(tag) or (default,))[0]


def is_tiff(head: bytes) -> bool:
    """Whether a file that begins so is a TIFF."""
    return head.startswith(MAGIC)


def read_page(path: Path) -> Page:
    """The one picture of a TIFF file; smaller copies of it do not count.

    Raises:
        I2IError: it holds several, or is damaged.
    """
    with in_sentences(path), path.open("rb") as file:
        pages = list(_pages(file, path))
    if not pages:
        raise damaged(path, "it holds no picture")
    skipped = 0b101 if pages[0].georeferenced else 0b001  # GDAL keeps a mask as another page
    several = 1 + sum(not _is_copy(page, skipped) for page in pages[1:])
    if several > 1:
        raise I2IError(
            f"'{path}' holds {several:,} pages, and a picture is one: save the page that is wanted, or, where pages "
            f"are channels, all of them as one page of H×W×{several}"
        )
    if (slices := pages[0].number(_DEPTH, 1)) > 1:
        raise I2IError(
            f"'{path}' holds a volume of {slices:,} slices, and a picture is one: save the slices one by one"
        )
    return pages[0]


def suits_pillow(page: Page) -> bool:
    """Whether Pillow reads the picture without losing channels, bits or signs."""
    photometric = 6 if page.number(_COMPRESSION, 1) == 6 else page.photometric
    formats = set(page.tags.get(_FORMAT, (1,)))
    samples = page.number(_SAMPLES, 3 if photometric in (2, 6) and page.compressed else 1)
    bits = page.bits * samples if len(page.bits) == 1 else page.bits[:samples]
    key = (_PREFIX[page.order], photometric, tuple(formats), page.number(_FILL_ORDER, 1), bits, page.extra)
    raw = _RAW.get(key, "")
    known = page.number(_COMPRESSION, 1) in _UNPACKED and not page.strange_order
    if not known or not raw or (page.compressed and raw in _MISREAD):
        return False
    if max(bits) > 8 and len(bits) > 1 and (raw not in _DEEP or page.number(_PLANAR, 1) != 1):
        return False
    return ("X" not in raw or photometric == 6) and not (formats == {2} and max(bits) == 8)


_PREFIX: Mapping[str, bytes] = MappingProxyType({"<": b"II", ">": b"MM"})
# Pillow's own table of what it reads, and how
_RAW: Mapping[tuple[object, ...], str] = MappingProxyType(
    {key: raw for key, (_, raw) in TiffImagePlugin.OPEN_INFO.items()}
)
# the others are not in every libtiff
_UNPACKED = (1, 2, 3, 4, 5, 6, 7, 8, 32773, 32946)
# what libtiff unpacks is in this machine's order, and Pillow takes it for the file's
_MISREAD = ("I;16BS", "I;32BS", "F;32BF")
_DEEP = ("RGB;16L", "RGB;16B", "RGBA;16L", "RGBA;16B")


def _is_copy(page: Page, skipped: int) -> bool:
    return bool(page.number(_SUBFILE, 0) & skipped) or page.number(_OLD_SUBFILE, 1) == 2


def _pages(file: BinaryIO, path: Path) -> Iterator[Page]:
    head = file.read(16)
    order, big = "<" if head.startswith(b"II") else ">", b"+" in head[2:4]
    (offset,) = struct.unpack_from(order + ("Q" if big else "L"), head, 8 if big else 4)
    end, seen = file.seek(0, 2), set[int]()
    while 0 < offset < end and offset not in seen and len(seen) < MOST_PAGES:
        seen.add(offset)
        file.seek(offset)
        tags, following = _directory(file, order, big, end)
        yield Page(order, big, offset, tags)
        offset = following


def _directory(file: BinaryIO, order: str, big: bool, end: int) -> tuple[Tags, int]:
    """The tags of a directory, and where the next one is."""
    width = 8 if big else 4
    (count,) = struct.unpack(order + ("Q" if big else "H"), _exactly(file, 8 if big else 2))
    entries = _exactly(file, min(count, 65_536) * (4 + 2 * width))
    following = file.read(width)
    tags, total = dict[int, tuple[int, ...]](), 0
    for tag, kind, number, value in struct.iter_unpack(f"{order}HH{'Q8s' if big else 'L4s'}", entries):
        total += number * _SIZES.get(kind, 0)
        tags[tag] = _numbers(file, order, kind, number, value) if tag in _READ else ()
    if total > 4 * end:  # tags that all claim the same bytes would fill the memory
        raise ValueError("its tags claim more than the file holds")
    return tags, int.from_bytes(following, "little" if order == "<" else "big")


def _numbers(file: BinaryIO, order: str, kind: int, number: int, value: bytes) -> tuple[int, ...]:
    form = _NUMBERS.get(kind)
    if form is None or number > 65_535:
        return ()
    size = struct.calcsize(f"={number}{form}")
    if size > len(value):
        file.seek(int.from_bytes(value, "little" if order == "<" else "big"))
        value = _exactly(file, size)
    return struct.unpack(f"{order}{number}{form}", value[:size])


def _exactly(file: BinaryIO, count: int) -> bytes:
    data = file.read(count)
    if len(data) < count:
        raise ValueError("it ends too early")
    return data
