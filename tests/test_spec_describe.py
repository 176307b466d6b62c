"""What is said about the data before a run starts."""

import pytest
from data_helpers import digits, domain_folders, fill

from i2i.data import Demo, Images
from i2i.spec.describe import pictures

NOTHING = "nothing is held out (a test or val split would be, or data.hold_out)"


def test_classes_are_counted(tmp_path):
    source = Images(root=domain_folders(tmp_path), size=12)
    assert pictures(source, 3).splitlines() == [
        "6 samples of image (RGB) at 12×12; an epoch is 3 steps",
        NOTHING,
        "classes: angry (1), happy (2), sad (3)",
    ]


def test_of_many_classes_some_are_named(tmp_path):
    source = Images(root=digits(tmp_path, labels=tuple(range(20))), size=8)
    shown = ", ".join(f"{digit} (1)" for digit in range(12))
    assert pictures(source, 3).splitlines()[-1] == f"classes: {shown} and 8 more"


def test_a_plain_folder_has_none(tmp_path):
    assert pictures(Images(root=fill(tmp_path, ["1.png"]), size=12), 1).splitlines()[1:] == [NOTHING]


@pytest.mark.parametrize(
    ("layout", "last"), [("images", "classes: circle, square, triangle"), ("paired", "40 samples held out")]
)
def test_demo_sets(layout, last):
    assert pictures(Demo(layout=layout, size=16), 1).splitlines()[-1] == last
