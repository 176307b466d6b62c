"""Labels as they are found and read; those that cannot be used are in test_data_wrong_labels.py."""

import numpy as np
import pytest
from data_helpers import NAMES, domain_folders, fill, listed, table

from i2i.data.label_layouts import find_labels, other_split


def rows(labels):
    return dict(zip(labels.files, labels.has.tolist(), strict=True))


def test_a_csv_says_who_has_what(tmp_path):
    fill(tmp_path / "x", NAMES[:3])
    text = ["x/1.png,1,-1", "", "x/3.png, 0 ,1", '"x/2.png",-1,-1']
    (tmp_path / "train.csv").write_text("\n".join(["image,red, large", *text]), encoding="utf-8-sig")
    for root in (tmp_path, tmp_path / "train.csv"):
        labels = find_labels(root, "train", None)
        assert labels.names == ("red", "large") and labels.layout == "table"
        assert rows(labels) == {"x/1.png": [1, 0], "x/3.png": [0, 1], "x/2.png": [0, 0]}


def test_attributes_choose_columns_and_their_order(tmp_path):
    fill(tmp_path, NAMES[:2])
    table(tmp_path, ["1,1,1.png,-1", "2,0,2.png,1"], "id,red,image,large")
    labels = find_labels(tmp_path, "train", ["large", "red"])
    assert labels.names == ("large", "red") and rows(labels) == {"1.png": [0, 1], "2.png": [1, 0]}


@pytest.mark.parametrize("folder", ["images", "img_align_celeba", "."])
@pytest.mark.parametrize("whole", [True, False])
def test_celebas_list_and_where_its_pictures_lie(tmp_path, folder, whole):
    listed(tmp_path, folder)
    labels = find_labels(tmp_path if whole else tmp_path / "list_attr_x.txt", "train", None)
    assert labels.names == ("red", "large") and labels.layout == "list"
    assert labels.files == tuple(NAMES) and labels.has.tolist() == [[1, 0]] * 4
    assert labels.path(3).is_file()


@pytest.mark.parametrize("layout", ["train/{}", "{}/train"])
def test_folders_are_domains_in_natural_order(tmp_path, layout):
    for name, count in (("d10", 1), ("d2", 2)):
        fill(tmp_path / layout.format(name), [f"{i}.png" for i in range(count)])
    labels = find_labels(tmp_path, "train", None)
    files = [f"{layout.format('d2')}/0.png", f"{layout.format('d2')}/1.png", f"{layout.format('d10')}/0.png"]
    assert labels.names == ("d2", "d10") and labels.layout == "folders"
    assert rows(labels) == dict(zip(files, [[1, 0], [1, 0], [0, 1]], strict=True))
    assert find_labels(tmp_path, "train", ["d10", "d2"]).has.tolist() == [[1, 0], [0, 1], [0, 1]]


def test_a_chosen_folder_needs_no_others(tmp_path):
    for name in ("a", "b"):
        fill(tmp_path / name / "train", ["1.png"])
    (tmp_path / "notes").mkdir()
    assert len(find_labels(tmp_path, "train", ["a", "b"])) == 2


def test_the_first_layout_is_taken(tmp_path):
    domain_folders(listed(tmp_path))
    assert find_labels(tmp_path, "train", None).layout == "list"
    table(tmp_path, [f"images/{name},1,1" for name in NAMES])
    assert find_labels(tmp_path, "train", None).layout == "table"


def test_other_splits_are_of_the_same_layout(tmp_path):
    domain_folders(tmp_path, split="val")
    assert [other_split(tmp_path, "train", layout) for layout in ("table", "list", "folders")] == [
        None, None, "val",
    ]  # fmt: skip
    (tmp_path / "happy" / "test").mkdir(parents=True)
    assert (
        other_split(tmp_path, "train", "folders") == "test"
        and other_split(tmp_path, "test", "folders") == "val"
    )
    (tmp_path / "test.csv").touch()
    assert other_split(tmp_path, "train", "table") == "test" and other_split(tmp_path, "x", "list") is None


def test_pictures_of_other_tables_are_no_strangers(tmp_path):
    fill(tmp_path / "x", NAMES)
    table(tmp_path, [f"x/{name},1,0" for name in NAMES[:2]])
    table(tmp_path, [f"./x/{name},1,0" for name in NAMES[2:]], name="test.csv")
    (tmp_path / "broken.csv").write_bytes(b"image,red\n\xff,1")
    table(tmp_path, ["1,2"], "a,b", "pairs.csv")
    assert len(find_labels(tmp_path, "train", None)) == 2


def test_pictures_elsewhere_do_not_count(tmp_path):
    fill(tmp_path / "x", NAMES)
    fill(tmp_path / "truth" / "red", NAMES)
    (tmp_path / "x" / "notes.txt").touch()
    table(tmp_path, [f"x/{name},1,0" for name in NAMES])
    assert len(find_labels(tmp_path, "train", None)) == 4


def test_a_link_inside_the_folder_is_a_picture(tmp_path):
    fill(tmp_path / "x", NAMES[:1])
    try:
        (tmp_path / "2.png").symlink_to(tmp_path / "x" / "1.png")
    except OSError as error:
        pytest.skip(f"links cannot be made here: {error}")
    assert len(find_labels(table(tmp_path, ["2.png,1,0"]), "train", None)) == 1


def test_labels_are_small_numbers(tmp_path):
    assert find_labels(listed(tmp_path), "train", None).has.dtype == np.uint8
