import csv

import numpy as np
import pytest
import torch
from data_helpers import rng
from PIL import Image

from i2i.core.errors import I2IError
from i2i.data import Demo, Paired, Unpaired, write_demo
from i2i.data.painting import measure
from i2i.data.palettes import PARTS
from i2i.data.scenes import ATTRIBUTES
from i2i.pictures.finding import find_images


def read(path):
    return np.asarray(Image.open(path))


@pytest.mark.parametrize("layout", ["paired", "unpaired"])
def test_files_hold_what_demo_draws(tmp_path, layout):
    write_demo(tmp_path / "new" / "demo", layout, count=6, size=32)
    kind = {"paired": Paired, "unpaired": Unpaired}[layout]
    from_files = kind(root=tmp_path / "new" / "demo", size=32).held_out()
    drawn = Demo(layout=layout, count=6, size=32).held_out()
    assert len(from_files) == len(drawn) == 1
    for field in ("a", "b"):
        assert torch.equal(from_files.load(0, rng())[field], drawn.load(0, rng())[field])


def test_unpaired_truth_lies_aside(tmp_path):
    write_demo(tmp_path, "unpaired", count=10, size=32)
    held = Demo(count=10, size=32).held_out()
    for i in range(2):
        for domain in "ab":
            truth = held.load(i, rng())[f"true_{domain}"].permute(1, 2, 0).numpy()
            assert np.array_equal(read(tmp_path / f"truth{domain.upper()}" / f"000{i}.png"), truth)


def test_domains_are_measurable(tmp_path):
    write_demo(tmp_path, "domains", count=8, size=64)
    for split, count in (("train", 8), ("test", 1)):
        with (tmp_path / f"{split}.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        assert len(rows) == count and list(rows[0]) == ["image", *ATTRIBUTES]
        for row in rows:
            found = measure(read(tmp_path / row["image"]))
            assert {name: "1" if found[name] else "-1" for name in ATTRIBUTES}.items() <= row.items()


def test_domains_truth_differs_in_what_was_asked(tmp_path):
    write_demo(tmp_path, "domains", count=1, size=64)
    now = measure(read(tmp_path / "test" / "0000.png"))
    for name in ATTRIBUTES:
        asked = measure(read(tmp_path / "truth" / name / "0000.png"))
        assert asked[name] is True if name in ("red", "yellow", "violet") else asked[name] != now[name]


def test_masks_number_the_classes(tmp_path):
    write_demo(tmp_path, "masks", count=5, size=32)
    assert tuple((tmp_path / "classes.txt").read_text().split()) == PARTS
    for path in find_images(tmp_path / "train" / "labels"):
        assert Image.open(path).mode == "L" and read(path).max() < len(PARTS)
        assert read(path.parents[1] / "images" / path.name).shape == (32, 32, 3)
    assert len(find_images(tmp_path / "test" / "labels")) == 1


def test_images_lie_in_class_folders(tmp_path):
    write_demo(tmp_path, "images", count=6, size=32)
    counts = {folder.name: len(find_images(folder)) for folder in (tmp_path / "train").iterdir()}
    assert counts == {"circle": 2, "square": 2, "triangle": 2}


def test_seeds_differ_and_repeat(tmp_path):
    for name, seed in (("x", 0), ("y", 0), ("z", 1)):
        write_demo(tmp_path / name, "unpaired", count=1, size=16, seed=seed)
    x, y, z = (read(tmp_path / name / "trainA" / "0000.png") for name in "xyz")
    assert np.array_equal(x, y) and not np.array_equal(x, z)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layout": "unpared"}, r"there is no demo layout 'unpared'; did you mean 'unpaired'\?"),
        ({"count": 0}, "needs count >= 1 and size >= 8, got 0 and 64"),
        ({"size": 4}, "needs count >= 1 and size >= 8, got 200 and 4"),
        ({}, "is there already and is not overwritten; name a new folder"),
    ],
)
def test_refusals(tmp_path, options, message):
    (tmp_path / "something").touch()
    with pytest.raises(I2IError, match=message):
        write_demo(tmp_path, **options)
