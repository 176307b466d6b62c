"""Previews: few, small, the first and the last among them."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from recorded import SIDE, write_run

from i2i.report.previews import LADDER, boxes_of, evenly, previews
from i2i.report.record import read_record


def opened(source: str) -> Image.Image:
    head, _, data = source.partition(",")
    assert head == "data:image/webp;base64"
    return Image.open(io.BytesIO(base64.b64decode(data)))


@pytest.mark.parametrize(("count", "most"), [(0, 5), (1, 5), (5, 5), (6, 5), (400, 40), (41, 40), (3, 2)])
def test_the_first_and_the_last_are_kept(count: int, most: int) -> None:
    found = evenly(count, most)
    assert len(found) == len(set(found)) == min(count, most)
    assert found == sorted(found)
    assert count == 0 or (found[0], found[-1]) == (0, count - 1)
    assert max(np.diff(found), default=0) <= min(np.diff(found), default=0) + 1


def test_previews_are_the_files(tmp_path: Path) -> None:
    found = previews(read_record(write_run(tmp_path / "run"), "run"), 10**6)
    assert [picture.step for picture in found.whole] == [10, 20, 30, 40]
    seen = np.asarray(opened(found.whole[-1].source).convert("RGB")).astype(int)
    assert seen.shape == (SIDE, 2 * SIDE, 3)
    # 12 levels: what WebP of quality 85 may change in the middle of a surface of one colour
    assert np.abs(seen[SIDE // 2, 3 * SIDE // 2] - (0, 0, 255)).max() < 12


def test_columns_are_those_that_the_file_names(tmp_path: Path) -> None:
    found = previews(read_record(write_run(tmp_path / "run"), "run"), 10**6)
    assert [(picture.label, picture.step) for picture in found.columns] == [("a", 40), ("a to b", 40)]
    assert all(opened(picture.source).size == (SIDE, SIDE) for picture in found.columns)


@pytest.mark.parametrize(
    "text", ["", "{", "3", '[["a", 0, 0]]', '[["a", 0, 0, 999]]', '[["a", -1, 0, 5]]', '[["a", null, 0, 5]]']
)
def test_other_places_than_those_in_the_picture_are_left_out(text: str) -> None:
    image = Image.new("RGB", (10, 10))
    image.info["columns"] = text
    assert not list(boxes_of(image))


def test_many_large_previews_become_few_and_small_ones(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", steps=0)
    noise = np.random.default_rng(0).integers(0, 256, (200, 400, 3), np.uint8)
    for step in range(60):
        Image.fromarray(np.roll(noise, step, 0)).save(run / f"samples/step-{step:06}.png")
    size = 400_000
    found = previews(read_record(run, "run"), size)
    assert sum(len(picture.source) for picture in found.whole) <= size
    assert (found.whole[0].step, found.whole[-1].step, found.found) == (0, 59, 60)
    assert len(found.whole) in [most for most, _ in LADDER]


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"\x89PNG\r\n\x1a\n" + bytes(40)])
def test_a_damaged_preview_is_left_out_and_said(tmp_path: Path, content: bytes) -> None:
    run = write_run(tmp_path / "run")
    (run / "samples" / "step-000020.png").write_bytes(content)
    found = previews(read_record(run, "run"), 10**6)
    assert [picture.step for picture in found.whole] == [10, 30, 40]
    (fault,) = found.faults
    assert "step-000020.png" in fault and str(tmp_path) not in fault


def test_a_huge_preview_is_left_out(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", steps=10)
    Image.new("1", (20_000, 4_000)).save(run / "samples" / "step-000020.png")
    assert [picture.step for picture in previews(read_record(run, "run"), 10**6).whole] == [10]
