import pickle

import numpy as np
import pytest
import torch
from data_helpers import digits, domain_folders, fill, noise, rng, save
from PIL import Image

from i2i.core.data import Source
from i2i.core.errors import I2IError
from i2i.data import Images, Stream, write_demo
from i2i.data.idx import read_idx
from i2i.data.values import to_device
from i2i.pictures.pixels import to_tensor

DIGITS = (3, 0, 7, 3, 0, 3)


def picture(seed):
    return to_tensor(noise(seed=seed))


def shown(source, seeds=20):
    """How many different pictures the first sample shows."""
    return len({source.load(0, rng(seed))["image"].numpy().tobytes() for seed in range(seeds)})


def test_a_sample_of_a_plain_folder_is_a_picture(tmp_path):
    source = Images(root=fill(tmp_path, ["1.png", "2.png", "3.png"]), size=12)
    sample, facts = source.load(1, rng()), source.facts
    assert isinstance(source, Source) and len(source) == 3 and source.name(1) == "2.png"
    assert set(sample) == {"image"} and torch.equal(sample["image"], picture(1))
    assert facts.fields == ("image",) and facts.image_size == 12 and facts.channels == {"image": 3}
    assert facts.value_range == {"image": (0, 255)} and facts.labels == {} and facts.classes == ()


def test_a_sample_of_a_class_has_its_number(tmp_path):
    source = Images(root=domain_folders(tmp_path), size=12)
    sample, facts = source.load(4, rng()), source.facts
    assert torch.equal(sample["image"], picture(1)) and source.name(4) == "train/sad/2.png"
    assert sample["label"].item() == 2 and sample["label"].dtype == torch.int64
    assert sample["label"].shape == ()
    assert facts.fields == ("image", "label") and facts.labels == {"label": 3}
    assert facts.classes == ("angry", "happy", "sad") and source.counts() == {
        "angry": 1,
        "happy": 2,
        "sad": 3,
    }


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_digits_of_their_own_size_pass_unchanged(tmp_path, ending):
    source = Images(root=digits(tmp_path, DIGITS, ending=ending, shape=(28, 28)), size=28)
    stored = read_idx(tmp_path / f"train-images-idx3-ubyte{ending}")
    for index, digit in enumerate(DIGITS):
        sample = source.load(index, rng(index))
        assert np.array_equal(sample["image"].numpy(), stored[index][None])
        assert source.facts.classes[sample["label"]] == str(digit)


def test_published_pipeline(tmp_path):
    """Centre crop, Pillow's bilinear resize, and, where load_size asks for it, a random crop; then the flip."""
    save(tmp_path / "1.png", noise(50, 40))
    source = Images(root=tmp_path, size=16, load_size=20, centre_crop=30, flip=True)
    numbers = rng(3)
    left, top = torch.randint(20 - 16 + 1, (2,), generator=numbers).tolist()
    image = Image.fromarray(noise(50, 40)).crop((5, 10, 35, 40)).resize((20, 20), Image.Resampling.BILINEAR)
    image = image.crop((left, top, left + 16, top + 16))
    if torch.rand((), generator=numbers).item() < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    assert np.array_equal(source.load(0, rng(3))["image"].numpy(), np.asarray(image).transpose(2, 0, 1))


def test_nothing_is_cropped_or_mirrored_unless_asked_for(tmp_path):
    fill(tmp_path, ["1.png"])
    assert shown(Images(root=tmp_path, size=8)) == 1 and shown(Images(root=tmp_path, size=8, flip=True)) == 2
    # 25 places: in 20 draws, less than 5 different ones turn up once in 10^12
    assert shown(Images(root=tmp_path, size=8, load_size=12)) > 4


def test_colour_can_be_made_grey(tmp_path):
    source = Images(root=fill(tmp_path, ["1.png"]), size=12, channels=1)
    assert source.load(0, rng())["image"].shape == (1, 12, 12) and source.facts.channels == {"image": 1}


def test_numbers_with_a_range_of_their_own(tmp_path):
    root = digits(tmp_path, dtype=np.int16, shape=(4, 4))
    source = Images(root=root, size=4, value_range=(0.0, 127.0))
    fields = {"image": source.load(0, rng())["image"][None]}
    unit = to_device(fields, source.facts, torch.device("cpu"))["image"]
    stored = torch.from_numpy(read_idx(root / "train-images-idx3-ubyte")[0]).float()
    assert torch.allclose(unit[0, 0], stored / 63.5 - 1, atol=1e-6)  # float32 of numbers up to 1


def test_classes_choose_and_order(tmp_path):
    source = Images(root=digits(tmp_path, DIGITS), size=8, classes=("7", "3"))
    assert source.facts.classes == ("7", "3") and source.facts.labels == {"label": 2}
    assert [int(source.load(i, rng())["label"]) for i in range(len(source))] == [1, 0, 1, 1]
    assert source.name(1) == "train-images-idx3-ubyte, picture 2" and source.counts() == {"7": 1, "3": 3}


@pytest.mark.parametrize("split", ["test", "val"])
def test_held_out_is_another_split_in_order_and_still(tmp_path, split):
    domain_folders(domain_folders(tmp_path), split=split)
    source = Images(root=tmp_path, size=8, load_size=12, flip=True, balanced=True)
    held = source.held_out()
    assert [held.name(i) for i in (0, 5)] == [f"{split}/angry/1.png", f"{split}/sad/3.png"]
    assert shown(source) > 1 and shown(held) == 1 and len(held) == 6


@pytest.mark.parametrize("hold_out", [0, 1])
def test_held_out_pictures_are_cut_from_the_middle_too(tmp_path, hold_out):
    fill(tmp_path / "train", ["1.png", "2.png"], height=20)
    if not hold_out:
        fill(tmp_path / "test", ["1.png"], height=20)
    held = Images(root=tmp_path, size=10, load_size=12, centre_crop=10, hold_out=hold_out).held_out()
    seed = int(held.name(0).removesuffix(".png")[-1]) - 1
    assert torch.equal(held.load(0, rng())["image"], to_tensor(noise(20, seed=seed)[5:15, 1:11]))


def test_held_out_digits(tmp_path):
    digits(digits(tmp_path, DIGITS), (7, 7, 0, 3), "t10k", ".gz")
    held = Images(root=tmp_path, size=8, classes=("7", "0")).held_out()
    assert [int(held.load(i, rng())["label"]) for i in range(len(held))] == [0, 0, 1]
    assert held.name(2) == "t10k-images-idx3-ubyte.gz, picture 2" and held.held_out() is None


def test_pictures_kept_for_looking(tmp_path):
    source = Images(root=domain_folders(tmp_path, split="."), size=8, load_size=12, flip=True, hold_out=2)
    held = source.held_out()
    names = {each.name(i) for each in (source, held) for i in range(len(each))}
    assert (len(source), len(held), len(names)) == (4, 2, 6)
    assert shown(source) > 1 and shown(held) == 1 and held.held_out() is None
    assert held.facts.classes == source.facts.classes and set(held.counts()) == set(source.counts())


def test_nothing_is_held_out_of_a_folder_alone(tmp_path):
    assert Images(root=fill(tmp_path, ["1.png"]), size=8).held_out() is None


@pytest.mark.parametrize("make", [digits, domain_folders])
def test_held_out_may_lack_a_class_and_keeps_the_numbers(tmp_path, make):
    if make is digits:
        digits(digits(tmp_path, DIGITS), (7, 3), "t10k")
    else:
        domain_folders(domain_folders(tmp_path), ["sad"], "test")
    source = Images(root=tmp_path, size=8)
    held = source.held_out()
    assert held.facts.classes == source.facts.classes and held.load(0, rng())["label"] == 2
    assert list(held.counts().values()) == ([0, 1, 1] if make is digits else [0, 0, 1])


@pytest.mark.parametrize(
    ("test", "sentence"),
    [
        (
            ("angry", "hapy", "sad"),
            "data.root: 1 label ('hapy') of '{test}' is not in the training split; make the two agree, or name in "
            "classes those to use",
        ),
        (
            (),
            "data.root: the pictures of '{test}' have no classes, and those of the training split have; make the two "
            "agree",
        ),
    ],
)
def test_held_out_must_have_no_other_classes(tmp_path, test, sentence):
    domain_folders(domain_folders(tmp_path), test, "test")
    if not test:
        fill(tmp_path / "test", ["1.png"])
    with pytest.raises(I2IError) as caught:
        Images(root=tmp_path, size=8).held_out()
    assert str(caught.value) == sentence.format(test=tmp_path / "test")


def test_held_out_keeps_to_the_chosen_classes(tmp_path):
    domain_folders(domain_folders(tmp_path), ["angry", "hapy", "sad"], "test")
    held = Images(root=tmp_path, size=8, classes=("sad", "angry")).held_out()
    assert [int(held.load(i, rng())["label"]) for i in range(len(held))] == [0, 0, 0, 1]


def test_held_out_must_be_stored_alike(tmp_path):
    fill(fill(tmp_path / "train", ["1.png"]).parent / "test", ["1.png"], channels=1)
    with pytest.raises(
        I2IError, match="'image' is grey in split 'test' and colour in the training split; set"
    ):
        Images(root=tmp_path, size=8).held_out()


def test_balanced_classes_take_turns(tmp_path):
    source = Images(root=domain_folders(tmp_path), size=12, balanced=True)
    assert len(source) == 6 and source.name(4) == "a picture of class 'happy'"
    drawn = {}
    for index in range(6):
        for seed in range(40):
            sample = source.load(index, rng(seed))
            assert sample["label"] == index % 3
            assert torch.equal(source.load(index, rng(seed))["image"], sample["image"])
            drawn.setdefault(index % 3, set()).add(sample["image"].numpy().tobytes())
    # each of 3 pictures is missed by 80 draws once in 10^14
    assert {label: len(pictures) for label, pictures in drawn.items()} == {0: 1, 1: 2, 2: 3}


@pytest.mark.parametrize("workers", [0, 1])
def test_labels_reach_the_device_as_int64(tmp_path, workers):
    source = Images(root=digits(tmp_path, DIGITS), size=8)
    batch = next(iter(Stream(source, seed=0, batch=6, workers=workers)))
    fields = to_device(batch, source.facts, torch.device("cpu"))
    assert fields["label"].dtype == torch.int64 and fields["label"].shape == (6,)
    assert sorted(fields["label"].tolist()) == [0, 0, 1, 1, 1, 2]
    assert fields["image"].dtype == torch.float32 and fields["image"].min() >= -1


@pytest.mark.parametrize("make", [digits, domain_folders])
def test_settle_and_pickle(tmp_path, make):
    assert Images.settle({"load_size": "auto"}, image_size=28) == {"load_size": 28, "size": 28}
    source = Images(root=make(tmp_path), size=8)
    again = pickle.loads(pickle.dumps(source))
    assert torch.equal(source.load(3, rng())["image"], again.load(3, rng())["image"])


def test_the_demo_sets_folders(tmp_path):
    write_demo(tmp_path / "shapes", "images", count=7, size=16)
    source = Images(root=tmp_path / "shapes", size=16)
    assert source.counts() == {"circle": 3, "square": 2, "triangle": 2} and len(source.held_out()) == 1
