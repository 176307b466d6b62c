"""Labelled grids of pictures: columns of equal cells below their labels, rows beside their names."""

from __future__ import annotations

import json
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from i2i.core.errors import I2IError
from i2i.data.map_files import Colour
from i2i.data.values import from_unit
from i2i.pictures.finding import is_image
from i2i.translate.colours import paint

GAP = 4
BAND, LINE, FONT_SIZE = 20, 14, 12
"""Height of a label of one line, of each further line, and of its letters, in pixels."""

LINES, BESIDE = 3, 128
"""The most lines of a label, and the most pixels beside a row."""

SMALL, LARGE, LEAST = 128, 256, 48
"""The longer side of a picture: smaller ones are enlarged, larger ones shrunk; a cell has room for words anyway."""

MOST = 250
"""Rows and columns: of more, no JPEG file could hold the pictures (65,535 pixels)."""

BREAKS = re.compile(r"[\s_\-+/.,:]+")
Font = ImageFont.ImageFont | ImageFont.FreeTypeFont


@dataclass(frozen=True)
class Row:
    """An input and its results, as pictures of a grid; `problem` is empty if it was translated."""

    name: str
    pictures: Sequence[Image.Image] = ()
    problem: str = ""


@dataclass(frozen=True)
class Layout:
    """Where everything is: the margins, and the size of a cell."""

    left: int
    top: int
    width: int
    height: int

    def corner(self, row: int, column: int) -> tuple[int, int]:
        """Left and top of a cell."""
        return self.left + column * (self.width + GAP), self.top + row * (self.height + GAP)


def draw_grid(columns: Iterable[tuple[str, Sequence[Image.Image]]], names: Sequence[str] = ()) -> Image.Image:
    """One labelled column for each entry; `names` stand beside the rows.

    A cell is as large as the first picture, others are fitted into it; labels are wrapped and, if very long, cut. Where
    all are empty there is no band for them.
    """
    labels, pictures = zip(*columns, strict=True)
    width, height = (max(side, LEAST) for side in pictures[0][0].size)
    font = ImageFont.load_default(size=FONT_SIZE)
    above = [wrapped(label, font, width, LINES) for label in labels]
    beside = [wrapped(name, font, BESIDE, max(1, height // LINE)) for name in names]
    margin = max((round(font.getlength(line)) + 2 * GAP for lines in beside for line in lines), default=0)
    band = BAND + LINE * (max(map(len, above)) - 1) if any(line for lines in above for line in lines) else 0
    layout = Layout(GAP + margin, band + GAP, width, height)
    sheet = Image.new("RGB", layout.corner(max(map(len, pictures)), len(labels)), "white")
    places = [[label, *layout.corner(0, column), width] for column, label in enumerate(labels)]
    sheet.info["columns"] = json.dumps(places)
    _write(sheet, font, layout, above, beside)
    for c, column in enumerate(pictures):
        for r, picture in enumerate(column):
            _paste(sheet, picture, layout, layout.corner(r, c))
    return sheet


def draw_rows(labels: Sequence[str], rows: Sequence[Row]) -> Image.Image:
    """Inputs and the results that the labels name, beside the names of the inputs."""
    columns = zip(("input", *labels), zip(*(row.pictures for row in rows), strict=True), strict=True)
    return draw_grid(columns, [row.name for row in rows])


def _write(
    sheet: Image.Image, font: Font, layout: Layout, above: Sequence[list[str]], beside: Sequence[list[str]]
) -> None:
    """Labels stand on the pictures, names in the middle of their rows."""
    draw = ImageDraw.Draw(sheet)
    for column, lines in enumerate(above):
        middle = layout.corner(0, column)[0] + layout.width / 2
        for n, line in enumerate(reversed(lines)):
            down = layout.top - GAP - BAND / 2 + 2 - n * LINE
            draw.text((middle, down), line, fill="black", font=font, anchor="mm")
    for row, lines in enumerate(beside):
        middle = layout.corner(row, 0)[1] + (layout.height - LINE * (len(lines) - 1)) / 2
        for n, line in enumerate(lines):
            draw.text((layout.left - 2 * GAP, middle + n * LINE), line, fill="black", font=font, anchor="rm")


def _paste(sheet: Image.Image, picture: Image.Image, layout: Layout, corner: tuple[int, int]) -> None:
    """Into the middle of a cell, as large as the cell allows."""
    size = layout.width, layout.height
    factor = min(room / side for room, side in zip(size, picture.size, strict=True))
    picture = _scaled(picture, factor, Image.Resampling.BICUBIC)
    left, top = ((room - side) // 2 for room, side in zip(size, picture.size, strict=True))
    sheet.paste(picture, (corner[0] + left, corner[1] + top))


def wrapped(text: str, font: Font, width: float, most: int) -> list[str]:
    """A text as at most so many lines of a width in pixels; what is left over becomes "…"."""
    lines: list[str] = []
    rest = " ".join(_without_accents(text).split())
    while rest and len(lines) < most:
        end = _fitting(rest, font, width)
        if end < len(rest) and not rest[end].isspace():
            end = max((found.end() for found in BREAKS.finditer(rest, 0, end)), default=end)
        lines.append(rest[:end].strip())
        rest = rest[end:].strip()
    if rest:
        end = _fitting(lines[-1], font, width - font.getlength("…"))
        lines[-1] = f"{lines[-1][:end]}…"
    return lines or [""]


def _without_accents(text: str) -> str:
    """The font that comes with Pillow has none: ü becomes u."""
    return "".join(
        letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter)
    )


def _fitting(text: str, font: Font, width: float) -> int:
    """How many letters fit into a width; one at least."""
    longer = bisect_right(range(len(text) + 1), width, key=lambda n: font.getlength(text[:n]))
    return max(1, longer - 1)


def as_cell(picture: Tensor, large: int | None = None, palette: Sequence[Colour] = ()) -> Image.Image:
    """(C, H, W) in [-1, 1] for looking at: one channel is grey, two are red and green, of more the first three are RGB.

    Maps of whole numbers, (1, H, W), are shown in colours. Small pictures are enlarged by a whole number, without a
    blur; those with a longer side than `large` are shrunk.
    """
    if picture.is_floating_point():
        image = _as_colours(picture)
    else:
        image = Image.fromarray(paint(picture[0].cpu().numpy(), palette))
    longer = max(image.size)
    if large and longer > large:
        return _scaled(image, large / longer, Image.Resampling.BICUBIC)
    return _scaled(image, max(1, SMALL // longer), Image.Resampling.NEAREST)


def _as_colours(picture: Tensor) -> Image.Image:
    stored = from_unit(picture.detach().cpu(), (0, 255), torch.uint8)
    if len(stored) == 1:
        stored = stored.expand(3, -1, -1)
    elif len(stored) == 2:
        stored = torch.cat([stored, torch.zeros_like(stored[:1])])
    stored = stored[:3]
    return Image.fromarray(stored.permute(1, 2, 0).contiguous().numpy())


def _scaled(image: Image.Image, factor: float, how: Image.Resampling) -> Image.Image:
    width, height = (max(1, round(side * factor)) for side in image.size)
    return image if (width, height) == image.size else image.resize((width, height), how)


def check_grid(rows: int, columns: int, out: Path | None = None) -> None:
    """Refuse a grid that no picture file could hold, or that is to be written to something else.

    Raises:
        I2IError: it has too many rows or columns, or the name is not that of a picture.
    """
    if max(rows, columns) > MOST:
        raise I2IError(
            f"a grid of {rows} rows and {columns} columns is too large; {MOST} of each is the most"
        )
    if out is not None and (out.is_dir() or not is_image(out.name)):
        raise I2IError(f"{out}: a grid is one picture; name a file that ends in .png or .jpg")
