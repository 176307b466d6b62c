"""Writes the demo set as ordinary folders, in every layout that a data set can have."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from i2i.core.errors import I2IError, nearest
from i2i.data.demo import held_out_count, landscape, single
from i2i.data.painting import label, render
from i2i.data.palettes import PARTS
from i2i.data.scenes import ATTRIBUTES, COLOURS, KINDS, attributes, change


def write_demo(
    folder: Path, layout: str = "unpaired", count: int = 200, size: int = 64, seed: int = 0
) -> None:
    """Write `count` training samples and a fifth as many for testing, as PNG files of size × size pixels.

    - `paired`: `train/`, `test/`, a map of the parts on the left and the picture on the right.
    - `unpaired`: `trainA/`, `testA/` by day, `trainB/`, `testB/` by night; `truthB/` and `truthA/` show the
      test pictures in the other light.
    - `domains`: `train/`, `test/`, and `train.csv`, `test.csv` with a column `image` and 1 or -1 for each
      attribute; `truth/<attribute>/` shows the test pictures in that colour, or with the attribute reversed.
    - `masks`: `train/images/`, `train/labels/` (grey, value = class), the same for `test`, and `classes.txt`.
    - `images`: `train/circle/`, `train/square/`, `train/triangle/`, the same for `test`.

    Raises:
        I2IError: the folder holds something, or the layout is unknown.
    """
    folder = Path(folder)
    if layout not in _WRITERS:
        raise I2IError(f"there is no demo layout '{layout}'; {nearest(layout, _WRITERS)}")
    if count < 1 or size < 8:
        raise I2IError(f"a demo set needs count >= 1 and size >= 8, got {count} and {size}")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise I2IError(f"'{folder}' is there already and is not overwritten; name a new folder")
    for split, samples in (("train", count), ("test", held_out_count(count))):
        for index in range(samples):
            _WRITERS[layout](folder, split, index, size, seed)
    if layout == "masks":
        (folder / "classes.txt").write_text("".join(f"{part}\n" for part in PARTS), encoding="utf-8")


def _paired(folder: Path, split: str, index: int, size: int, seed: int) -> None:
    scene = landscape(seed, split, 2 * index)
    _save(np.hstack([render(scene, size, "map"), render(scene, size, "day")]), folder / split, index)


def _unpaired(folder: Path, split: str, index: int, size: int, seed: int) -> None:
    by_day, by_night = landscape(seed, split, 2 * index), landscape(seed, split, 2 * index + 1)
    _save(render(by_day, size, "day"), folder / f"{split}A", index)
    _save(render(by_night, size, "night"), folder / f"{split}B", index)
    if split == "test":
        _save(render(by_day, size, "night"), folder / "truthB", index)
        _save(render(by_night, size, "day"), folder / "truthA", index)


def _domains(folder: Path, split: str, index: int, size: int, seed: int) -> None:
    scene = single(seed, split, index)
    path = _save(render(scene, size), folder / split, index)
    held = attributes(scene)
    row = [path.relative_to(folder).as_posix(), *("1" if held[name] else "-1" for name in ATTRIBUTES)]
    _append(folder / f"{split}.csv", ["image", *ATTRIBUTES], row)
    if split == "test":
        for name in ATTRIBUTES:
            changed = change(scene, name, name in COLOURS or not held[name])
            _save(render(changed, size), folder / "truth" / name, index)


def _masks(folder: Path, split: str, index: int, size: int, seed: int) -> None:
    scene = landscape(seed, split, 2 * index)
    _save(render(scene, size), folder / split / "images", index)
    _save(label(scene, size), folder / split / "labels", index)


def _images(folder: Path, split: str, index: int, size: int, seed: int) -> None:
    kind = KINDS[index % len(KINDS)]
    _save(render(single(seed, split, index, kind), size), folder / split / kind, index)


_WRITERS: Mapping[str, Callable[[Path, str, int, int, int], None]] = MappingProxyType(
    {"paired": _paired, "unpaired": _unpaired, "domains": _domains, "masks": _masks, "images": _images}
)


def _append(table: Path, header: list[str], row: list[str]) -> None:
    new = not table.exists()
    with table.open("a", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, row] if new else [row])


def _save(picture: NDArray[np.uint8], folder: Path, index: int) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{index:04d}.png"
    Image.fromarray(picture).save(path)
    return path
