"""What is said about the data before a run starts."""

import pytest
from data_helpers import digits, domain_folders, fill
from helpers import registry

from i2i.data import Demo, Domains, Images, Unpaired
from i2i.spec.describe import pictures, rate_plan
from i2i.spec.spec import resolve

NOTHING = "nothing is held out (a test or val split would be, or data.hold_out)"


def test_classes_are_counted(tmp_path):
    source = Images(root=domain_folders(tmp_path), size=12)
    assert pictures(source, 3, can_hold_out=True).splitlines() == [
        "6 samples of image (RGB) at 12×12; an epoch is 3 steps",
        NOTHING,
        "classes: angry (1), happy (2), sad (3)",
    ]


def test_of_many_classes_some_are_named(tmp_path):
    source = Images(root=digits(tmp_path, labels=tuple(range(20))), size=8)
    shown = ", ".join(f"{digit} (1)" for digit in range(12))
    assert pictures(source, 3).splitlines()[-1] == f"classes: {shown} and 8 more"


def test_a_plain_folder_has_none(tmp_path):
    assert pictures(Images(root=fill(tmp_path, ["1.png"]), size=12), 1).splitlines() == [
        "1 sample of image (RGB) at 12×12; an epoch is 1 step",
        "nothing is held out (a test or val split would be)",
    ]


def test_domains_and_attributes_are_counted(tmp_path):
    for name, count in (("trainA", 2), ("trainB", 3)):
        fill(tmp_path / "unpaired" / name, [f"{i}.png" for i in range(count)])
    assert (
        pictures(Unpaired(root=tmp_path / "unpaired", size=8), 3).splitlines()[-1] == "pictures: a (2), b (3)"
    )
    source = Domains(root=domain_folders(tmp_path), size=8)
    labels = "labels: angry (1), happy (2), sad (3) (one of angry, happy, sad at a time)"
    assert pictures(source, 3).splitlines()[-1] == labels


@pytest.mark.parametrize(
    ("layout", "last"), [("images", "classes: circle, square, triangle"), ("paired", "40 samples held out")]
)
def test_demo_sets(layout, last):
    assert pictures(Demo(layout=layout, size=16), 1).splitlines()[-1] == last


def plan(rate, steps, **optimizers):
    spec = resolve(
        {
            "strategy": {"name": "pix2pix"},
            "data": {"name": "demo", "layout": "paired"},
            "optimizers": optimizers,
        },
        registry(),
    )
    return rate_plan(spec, rate, steps, {}).splitlines()


def test_the_course_of_the_learning_rate():
    def falling(step):
        return min(1.0, (10 - step) / 5)

    assert plan(falling, 10) == [
        "linear: 0.0002 for 6 steps, then down to 4e-05 at step 10",
        "0.0002 at step 1, 0.0002 at step 3, 0.0002 at step 6, 0.00012 at step 8, 4e-05 at step 10",
    ]
    assert plan(lambda step: 1.0, 1000) == ["linear: 0.0002 throughout"]
    assert plan(lambda step: 0.5**step, 3)[0] == "linear: from 0.0002 down to 5e-05 at step 3"


def test_a_network_with_a_rate_of_its_own():
    optimizers = {
        name: {"name": "adam", "lr": lr} for name, lr in (("default", 2e-4), ("G", 2e-4), ("D", 4e-4))
    }
    assert plan(lambda step: 1.0, 5, **optimizers)[1:] == ["D starts at 0.0004"]
