import pytest
from data_helpers import fill

from i2i.core.errors import I2IError
from i2i.data.folders import named, nearby, two_folders


def test_long_listings_are_cut(tmp_path):
    for i in range(12):
        (tmp_path / f"set{i}").mkdir()
    (tmp_path / ".hidden").mkdir()
    assert nearby(tmp_path, ["other"]).endswith(
        "holds set0, set1, set2, set3, set4, set5, set6, set7 and 4 more"
    )


def test_nearest_stands_in_front(tmp_path):
    for name in ("horses", "zebras"):
        (tmp_path / name).mkdir()
    assert nearby(tmp_path, ["zebra"]).startswith(f"the nearest is '{tmp_path / 'zebras'}'; ")
    assert nearby(tmp_path, ["zebra"], ["zebras", "horses"]) == f"'{tmp_path}' holds no other folders"


def test_complete_layouts_come_before_half_ones(tmp_path):
    for folder in ("train/a", "trainA", "trainB"):
        fill(tmp_path / folder, ["1.png"])
    assert two_folders(tmp_path, "train", "a", "b") == (tmp_path / "trainA", tmp_path / "trainB")


def test_given_names_do_not_fall_back_to_letters(tmp_path):
    for folder in ("trainA", "trainB"):
        fill(tmp_path / folder, ["1.png"])
    assert two_folders(tmp_path, "train", "horse", "zebra") is None


def test_named():
    assert not named("a", "b") and named("horse", "b")
    with pytest.raises(I2IError, match="a and b are both 'b'"):
        named("b", "b")
