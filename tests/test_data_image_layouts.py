"""Pictures as they are found; those that cannot be used are in test_data_wrong_images.py."""

import numpy as np
import pytest
from data_helpers import digits, domain_folders, fill

from i2i.data.image_layouts import Wanted, find_set, other_split


def found(root, split="train", classes=None):
    """Layout, names of the classes, and the class of each picture by its name."""
    result = find_set(root, split, Wanted(classes))
    names = [result.pictures.name(int(place)) for place in result.places]
    return result.layout, result.names, dict(zip(names, result.labels.tolist(), strict=True))


@pytest.mark.parametrize(("folder", "layout"), [("train", "splits"), (".", "whole")])
def test_a_plain_folder_has_no_classes(tmp_path, folder, layout):
    fill(tmp_path / folder, ["10.png", "2.png"])
    first, second = (f"{folder}/{name}".removeprefix("./") for name in ("2.png", "10.png"))
    assert found(tmp_path) == (layout, (), {first: 0, second: 0})


@pytest.mark.parametrize(
    ("place", "layout"), [("train/{}", "splits"), ("{}/train", "splits"), ("{}", "whole")]
)
def test_folders_are_classes_in_natural_order(tmp_path, place, layout):
    for name, count in (("c10", 1), ("c2", 2)):
        fill(tmp_path / place.format(name), [f"{i}.png" for i in range(count)])
    first, second = place.format("c2"), place.format("c10")
    files = {f"{first}/0.png": 0, f"{first}/1.png": 0, f"{second}/0.png": 1}
    assert found(tmp_path) == (layout, ("c2", "c10"), files)
    assert found(tmp_path, classes=("c10", "c2"))[2] == {name: 1 - label for name, label in files.items()}
    assert found(tmp_path, classes=("c10",)) == (layout, ("c10",), {f"{second}/0.png": 0})


def test_pictures_of_a_class_may_lie_deeper(tmp_path):
    for path in ("a/x/1.png", "a/2.png", "b/3.png"):
        fill(tmp_path / path.rpartition("/")[0], [path.rpartition("/")[2]])
    assert found(tmp_path)[2] == {"a/2.png": 0, "a/x/1.png": 0, "b/3.png": 1}


def test_a_chosen_class_needs_no_others(tmp_path):
    fill(tmp_path / "cats" / "train", ["1.png"])
    (tmp_path / "notes").mkdir()
    assert found(tmp_path, classes=("cats",))[2] == {"cats/train/1.png": 0}


def test_labels_of_idx_files_count_by_value(tmp_path):
    digits(tmp_path, labels=(10, 0, 7, 10))
    names = [f"train-images-idx3-ubyte, picture {i}" for i in range(4)]
    assert found(tmp_path) == ("idx", ("0", "7", "10"), dict(zip(names, (2, 0, 1, 2), strict=True)))
    assert found(tmp_path, classes=("10", "0"))[1:] == (("10", "0"), {names[0]: 0, names[1]: 1, names[3]: 0})


def test_idx_files_without_labels_have_no_classes(tmp_path):
    (digits(tmp_path) / "train-labels-idx1-ubyte").unlink()
    assert found(tmp_path)[1] == () and set(found(tmp_path)[2].values()) == {0}


def test_the_first_layout_is_taken(tmp_path):
    domain_folders(tmp_path, split=".")
    assert found(tmp_path)[0] == "whole"
    domain_folders(tmp_path)
    assert found(tmp_path)[0] == "splits"
    assert found(digits(tmp_path))[0] == "idx"


def test_other_splits_are_of_the_same_layout(tmp_path):
    domain_folders(tmp_path, split="val")
    assert [other_split(tmp_path, "train", layout) for layout in ("idx", "splits", "whole")] == [
        None, "val", None,
    ]  # fmt: skip
    digits(tmp_path, split="t10k")
    assert other_split(tmp_path, "train", "idx") == "test" and other_split(tmp_path, "test", "idx") is None
    digits(tmp_path, split="val")
    assert other_split(tmp_path, "train", "idx") == "test" and other_split(tmp_path, "test", "idx") == "val"


def test_rows_keep_their_pictures_and_classes(tmp_path):
    some = find_set(digits(tmp_path), "train", Wanted()).rows([2, 0])
    assert some.places.tolist() == [2, 0] and some.labels.tolist() == [2, 1]
    assert some.counts() == {"0": 0, "3": 1, "7": 1}
    assert some.labels.dtype == np.int64
