"""Grids: equal cells below their labels, names beside the rows, whatever the sizes of pictures and words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from many import many
from numpy.typing import NDArray
from PIL import Image, ImageFont

from i2i.core.errors import I2IError
from i2i.translate.grid import (
    BAND,
    FONT_SIZE,
    GAP,
    LARGE,
    LEAST,
    LINE,
    MOST,
    SMALL,
    as_cell,
    check_grid,
    draw_grid,
    wrapped,
)

FONT = ImageFont.load_default(size=FONT_SIZE)


def plain(width: int, height: int, colour: str = "black") -> Image.Image:
    return Image.new("RGB", (width, height), colour)


def pixels(sheet: Image.Image) -> NDArray[np.uint8]:
    return np.asarray(sheet)


def cell(sheet: Image.Image, row: int, column: int, rows: int, columns: int, side: int) -> NDArray[np.uint8]:
    """A square cell, counted from the right and the bottom, where there are no labels."""
    left = sheet.width - (columns - column) * (side + GAP)
    top = sheet.height - (rows - row) * (side + GAP)
    return pixels(sheet)[top : top + side, left : left + side]


# Words


def test_a_label_is_wrapped_where_words_end() -> None:
    assert wrapped("dark brown hair", FONT, 70, 3) == ["dark brown", "hair"]
    assert wrapped("night_with_stars.png", FONT, 64, 3) == ["night_with_", "stars.png"]
    assert wrapped("  one\ntwo ", FONT, 200, 3) == ["one two"]
    assert wrapped("", FONT, 100, 3) == [""]
    assert wrapped("Bäume in Öl", FONT, 200, 3) == ["Baume in Ol"]


@pytest.mark.parametrize("text", ["x" * 300, "many words " * 30, "Brown_Hair+Young+" * 9, "W"])
@pytest.mark.parametrize("width", [8, 64, 128])
def test_a_label_of_any_length_fits(text: str, width: int) -> None:
    lines = wrapped(text, FONT, width, 3)
    assert 1 <= len(lines) <= 3
    # one letter and the dots are always shown
    assert all(FONT.getlength(line) <= max(width, FONT.getlength("W…")) for line in lines)
    assert (lines[-1][-1] == "…") == ("".join(lines).replace(" ", "") != text.replace(" ", ""))


def test_long_labels_do_not_touch() -> None:
    names = ["Brown_Hair and Young and Smiling and Eyeglasses" * 2, "Black_Hair", "x" * 200]
    sheet = draw_grid([(name, [plain(64, 64, "white")]) for name in names])
    ink = (pixels(sheet) < 128).any(axis=(0, 2))
    assert sheet.size == (GAP + 3 * (64 + GAP), BAND + 2 * LINE + GAP + 64 + GAP)
    for border in range(4):
        assert not ink[border * (64 + GAP) :][:GAP].any()


# Cells


def test_cells_are_as_large_as_the_first_picture_and_others_are_fitted() -> None:
    sheet = draw_grid([("a", [plain(60, 60), plain(80, 40)]), ("b", [plain(10, 20), plain(7, 7)])])
    assert sheet.size == (GAP + 2 * (60 + GAP), BAND + GAP + 2 * (60 + GAP))
    dark = {
        (row, column): cell(sheet, row, column, 2, 2, 60).max(2) < 128 for row in (0, 1) for column in (0, 1)
    }
    assert dark[0, 0].all()
    assert dark[1, 1].all()
    wide, high = dark[1, 0], dark[0, 1]
    assert wide[15:45].all() and not wide[:15].any() and not wide[45:].any()
    assert high[:, 15:45].all() and not high[:, :15].any() and not high[:, 45:].any()


def test_without_labels_there_is_no_band_for_them() -> None:
    sheet = draw_grid([("", [plain(60, 60)] * 2)] * 3)
    assert sheet.size == (GAP + 3 * (60 + GAP), GAP + 2 * (60 + GAP))
    assert (pixels(sheet)[GAP : GAP + 60, GAP : GAP + 60] == 0).all()
    one = draw_grid([("", [plain(60, 60)] * 2), ("b", [plain(60, 60)] * 2)])
    assert one.height == BAND + GAP + 2 * (60 + GAP)


def test_a_narrow_picture_leaves_room_for_words() -> None:
    sheet = draw_grid([("one", [plain(2, 128)] * 2), ("other", [plain(2, 128)] * 2)])
    assert sheet.size == (GAP + 2 * (LEAST + GAP), BAND + GAP + 2 * (128 + GAP))
    sheet = draw_grid([("one", [plain(256, 1)] * 2)], ["a.png", "b.png"])
    assert sheet.height == BAND + GAP + 2 * (LEAST + GAP)


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        ((16, 8), (128, 64)),
        ((100, 50), (100, 50)),
        ((256, 256), (256, 256)),
        ((1024, 512), (256, 128)),
        ((3000, 1), (256, 1)),
    ],
)
def test_small_pictures_are_enlarged_and_large_ones_shrunk(
    size: tuple[int, int], shown: tuple[int, int]
) -> None:
    assert as_cell(torch.zeros(3, *reversed(size)), LARGE).size == shown


def test_a_picture_that_need_not_shrink_keeps_every_pixel() -> None:
    picture = torch.rand(3, SMALL, SMALL, generator=torch.Generator().manual_seed(0)) * 2 - 1
    shown = torch.from_numpy(pixels(as_cell(picture, LARGE)).copy()).permute(2, 0, 1)
    assert (shown / 127.5 - 1 - picture).abs().max() <= 0.5 / 127.5 + 1e-6  # rounded to 8 bits


@pytest.mark.parametrize(
    ("channels", "shown"),
    [(1, (255, 255, 255)), (2, (255, 0, 0)), (3, (255, 0, 255)), (4, (255, 0, 255)), (12, (255, 0, 255))],
)
def test_channels_become_colours(channels: int, shown: tuple[int, int, int]) -> None:
    """Grey, red and green, or the first three."""
    picture = torch.tensor([1.0, -1.0] * 6)[:channels, None, None].expand(-1, SMALL, SMALL)
    assert as_cell(picture).getpixel((0, 0)) == shown


def test_names_stand_beside_their_rows() -> None:
    columns = [("a", [plain(64, 64, "white")] * 2)]
    without, sheet = draw_grid(columns), draw_grid(columns, ["a.png", "night_" * 40])
    margin = sheet.width - without.width
    assert 0 < margin <= SMALL + 2 * GAP
    ink = (pixels(sheet)[:, :margin] < 128).any(axis=(1, 2))
    top = BAND + GAP
    first, second = ink[top : top + 64], ink[top + 64 + GAP : top + 2 * 64 + GAP]
    assert first[26:38].any() and not first[:20].any() and not first[44:].any()
    assert second.sum() > 3 * first.sum()  # several lines
    assert not ink[top + 64 : top + 64 + GAP].any()
    assert not (pixels(sheet)[:, margin : margin + GAP] < 128).any()


# Of a model


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    made = [tmp_path / name for name in ("one.png", "two.png")]
    for n, file in enumerate(made):
        noise = np.random.default_rng(n).integers(0, 256, (128, 128, 3)).astype(np.uint8)
        Image.fromarray(noise).save(file)
    return made


@pytest.mark.parametrize(
    ("asked", "columns"),
    [({}, 2), ({"samples": 3}, 4), ({"colour": "all"}, 4), ({"colour": "all", "samples": 2}, 7)],
)
def test_a_row_is_the_input_and_all_that_translate_gives(
    files: list[Path], asked: dict[str, Any], columns: int
) -> None:
    sheet = many().grid(files, seed=3, **asked)
    assert (sheet.height - BAND - GAP) // (SMALL + GAP) == 2
    for row, file in enumerate(files):
        made = many().translate(file, seed=3, **asked)
        rows = list(made.values()) if isinstance(made, dict) else [made]
        results = [each for part in rows for each in (part if isinstance(part, list) else [part])]
        shown = [cell(sheet, row, column, 2, columns, SMALL) for column in range(columns)]
        assert len(results) == columns - 1
        for picture, expected in zip(shown, [Image.open(file), *results], strict=True):
            assert np.array_equal(picture, np.asarray(expected))


def test_a_grid_takes_a_file_a_folder_or_many(files: list[Path]) -> None:
    whole = many().grid(files)
    assert pixels(many().grid(files[0].parent)).tobytes() == pixels(whole).tobytes()
    assert pixels(many().grid(str(file) for file in files)).tobytes() == pixels(whole).tobytes()
    assert many().grid(files[0]).height < whole.height
    with pytest.raises(I2IError, match=r"three\.png: there is no such file or folder"):
        many().grid([files[0], files[0].with_name("three.png")])


def test_numbers_in_sync_are_those_of_the_rows(files: list[Path]) -> None:
    grey = [plain(SMALL, SMALL, "grey"), plain(SMALL, SMALL, "grey")]
    for file, picture in zip(files, grey, strict=True):
        picture.save(file)
    for sync in (False, True):
        sheet = many().grid(files, samples=2, sync=sync)
        one, other = (cell(sheet, row, 2, 2, 3, SMALL) for row in (0, 1))
        assert np.array_equal(one, other) == sync


def test_a_grid_that_no_file_could_hold_is_refused(tmp_path: Path, files: list[Path]) -> None:
    check_grid(MOST, MOST, tmp_path / "grid.png")
    with pytest.raises(
        I2IError, match="a grid of 2 rows and 251 columns is too large; 250 of each is the most"
    ):
        many().grid(files, samples=MOST)
    for name in ("grid", "grid.txt", "grid.gif"):
        with pytest.raises(
            I2IError, match=f"{name}: a grid is one picture; name a file that ends in .png or"
        ):
            check_grid(1, 1, tmp_path / name)
    (tmp_path / "x.png").mkdir()
    with pytest.raises(I2IError, match="a grid is one picture"):
        check_grid(1, 1, tmp_path / "x.png")
