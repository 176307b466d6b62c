"""Previews of a run, small enough for a page."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from i2i.report.record import Record

ALL_SIZE = 3_600_000
"""Characters of the pictures of a page."""

LADDER = ((40, 1280), (24, 1280), (24, 960), (16, 800), (16, 640), (12, 480), (6, 480), (2, 320))
"""How many previews of a run, and their longer side in pixels: the first that fits is taken."""

QUALITY = 85  # of 100
LARGEST = 2**26  # pixels of a file
MOST_COLUMNS = 12


@dataclass(frozen=True)
class Shown:
    """A picture of a page.

    Attributes:
        step: when it was drawn.
        label: of a column; empty for a whole preview.
        source: its address, the picture itself.
        width: in pixels, as `height`.
        height: see `width`.
    """

    step: int
    label: str
    source: str = field(repr=False)
    width: int
    height: int


@dataclass(frozen=True)
class Previews:
    """What a page shows of the previews of a run.

    Attributes:
        whole: evenly chosen, the first and the last among them.
        columns: those of the last one, each alone, where its file says where they are.
        found: how many there are.
        faults: sentences about those that could not be read.
    """

    whole: Sequence[Shown]
    columns: Sequence[Shown]
    found: int
    faults: Sequence[str]


class Album:
    """Takes pictures out of files, of a longer side at most; collects what is wrong with them."""

    def __init__(self, longest: int) -> None:
        self.longest, self.size = longest, 0
        self.faults: list[str] = []

    def whole(self, step: int, path: Path) -> list[Shown]:
        """A preview; none if its file is damaged."""
        image = self._open(path)
        return [self._shown(step, "", image)] if image else []

    def columns(self, step: int, path: Path) -> list[Shown]:
        """The columns of a preview, if it says where they are."""
        image = self._open(path)
        boxes = list(boxes_of(image))[:MOST_COLUMNS] if image else []
        return [self._shown(step, label, image.crop(box)) for label, box in boxes] if image else []

    def _open(self, path: Path) -> Image.Image | None:
        try:
            with Image.open(path, formats=["PNG"]) as image:
                if image.width * image.height > LARGEST:
                    raise ValueError(f"it has {image.width}×{image.height} pixels")
                image.load()
                return image
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            sentence = f"{path.name} is left out: {error}".replace(str(path.parent), "samples")
            self.faults += [sentence] if sentence not in self.faults else []
            return None

    def _shown(self, step: int, label: str, image: Image.Image) -> Shown:
        small = image.convert("RGB")
        small.thumbnail((self.longest, self.longest), Image.Resampling.LANCZOS)
        file = io.BytesIO()
        small.save(file, "WEBP", quality=QUALITY)
        source = f"data:image/webp;base64,{base64.b64encode(file.getvalue()).decode()}"
        self.size += len(source)
        return Shown(step, label, source, *small.size)


def boxes_of(image: Image.Image) -> Iterator[tuple[str, tuple[int, int, int, int]]]:
    """Labels and places of the columns of a preview, as its text `columns` says: `[[label, left, top, width], …]`."""
    try:
        entries = json.loads(image.info.get("columns", "[]"))
        for label, left, top, width in entries:
            box = int(left), int(top), int(left) + int(width), image.height
            if 0 <= box[0] < box[2] <= image.width and 0 <= box[1] < box[3]:
                yield str(label), box
    except (ValueError, TypeError, RecursionError):
        return  # a picture that another program has written


def evenly(count: int, most: int) -> list[int]:
    """At most so many of `count` positions (two at least), evenly apart, the first and the last among them."""
    if count <= most:
        return list(range(count))
    return [round(n * (count - 1) / (most - 1)) for n in range(most)]


def previews(record: Record, size: int) -> Previews:
    """The previews of a run in `size` characters of a page, or in as few as possible."""
    for most, longest in LADDER:
        album = Album(longest)
        chosen = [record.previews[n] for n in evenly(len(record.previews), most)]
        columns = [shown for step, path in chosen[-1:] for shown in album.columns(step, path)]
        whole: list[Shown] = []
        for step, path in chosen:
            whole += album.whole(step, path) if album.size <= size else []
        if album.size <= size:
            break
    return Previews(whole, columns, len(record.previews), album.faults)
