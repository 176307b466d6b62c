"""What reading all data finds before a run trains on it."""

import shutil
import sys

import numpy as np
import pytest
import torch
from data_helpers import digits, domain_folders, fill, listed, noise, save
from test_data_bad_files import Torn
from test_data_stream import Numbers

from i2i.core.data import DataFacts, Listed
from i2i.core.errors import I2IError
from i2i.data import Demo, Domains, Images, Masks, Paired, Unpaired
from i2i.data.domain_options import DomainSet
from i2i.data.findings import Finding
from i2i.data.found_values import listed as listed_range
from i2i.data.inspection import FAST, inspect, parts_of, unevenness
from i2i.data.looking import look_at
from i2i.data.loose import loose_folders

NAMES = [f"{number}.png" for number in range(1, 7)]
SHARED = "keep each in one of the two: results on pictures that were trained on say nothing"


def found(source, **options):
    """The findings of the training pictures and those held out."""
    held = source.held_out()
    splits = {"training": parts_of(source)} | ({"held-out": parts_of(held)} if held else {})
    pairs = [("training", "held-out")] if held else []
    return inspect(splits, compared=pairs, **options).findings


def rows(findings):
    return [(each.level, each.what, each.count, each.names, each.remedy) for each in findings]


@pytest.fixture
def two(tmp_path):
    """Two domains of six pictures, two of each held out."""
    for seed, name in enumerate(("trainA", "trainB", "testA", "testB")):
        for place, file in enumerate(NAMES if "train" in name else NAMES[:2]):
            save(tmp_path / name / file, noise(seed=100 * seed + place))
    return tmp_path


def unpaired(root):
    return Unpaired(root=root, size=12)


def test_sound_data_has_no_findings_and_every_picture_is_read(two):
    source = unpaired(two)
    seen = inspect({"training": parts_of(source), "held-out": parts_of(source.held_out())})
    assert seen.findings == () and not seen.failed
    assert seen.read == {
        "training a": (6, 6), "training b": (6, 6), "held-out a": (2, 2), "held-out b": (2, 2)
    }  # fmt: skip


def test_files_that_cannot_be_read_are_one_row(two):
    source = unpaired(two)
    for name in NAMES[1:5]:
        file = two / "trainB" / name
        file.write_bytes(file.read_bytes()[:200])
    (finding,) = found(source)
    assert finding.what.startswith("training b: cannot be read: ") and two.as_posix() not in finding.what
    assert finding.names == ("trainB/2.png", "trainB/3.png", "trainB/4.png") and finding.count == 4
    assert finding.remedy == "replace or remove it"


def test_a_file_that_vanished_is_named(two):
    source = unpaired(two)
    (two / "trainA" / "2.png").unlink()
    (finding,) = found(source)
    assert finding.names == ("trainA/2.png",) and finding.what.startswith("training a: there is no file '")


def test_a_picture_of_another_depth_beyond_the_survey(two):
    source = unpaired(two)
    save(two / "trainA" / "2.png", noise(dtype=np.uint16))
    assert rows(found(source)) == [
        ("error", "training a: is 16-bit colour, the other pictures are 8-bit colour", 1, ("trainA/2.png",),
         "convert the file"),
    ]  # fmt: skip


def test_flat_pictures(two):
    save(two / "trainA" / "2.png", np.full((12, 12, 3), (1, 2, 3), np.uint8))
    save(two / "trainA" / "3.png", np.zeros((12, 12, 3), np.uint8))
    save(two / "trainA" / "4.png", np.zeros((12, 12, 3), np.uint8))
    assert rows(found(unpaired(two))) == [
        ("warning", "training a: one colour everywhere", 3, ("trainA/2.png", "trainA/3.png", "trainA/4.png"),
         "remove what shows nothing"),
    ]  # fmt: skip


def test_shared_pictures_whatever_their_names_come_before_copies(two):
    for source, target in (("trainA/1.png", "testA/9.png"), ("trainB/2.png", "trainB/8.png")):
        shutil.copy(two / source, two / target)
    assert rows(found(unpaired(two))) == [
        ("error", "training and held-out share pictures", 1, ("testA/9.png = trainA/1.png",), SHARED),
        ("warning", "training b: the same picture again", 1, ("trainB/8.png = trainB/2.png",),
         "keep one of each"),
    ]  # fmt: skip


def test_stripes_are_not_flat(two):
    rows_alike, columns_alike = noise(height=1), noise(width=1)
    save(two / "trainA" / "2.png", np.repeat(rows_alike, 12, 0))
    save(two / "trainA" / "3.png", np.repeat(columns_alike, 12, 1))
    assert found(unpaired(two)) == ()


def test_one_field_that_is_shared_is_enough(tmp_path):
    for seed, name in enumerate(("train/a/1.png", "train/b/1.png", "test/a/2.png")):
        save(tmp_path / name, noise(seed=seed))
    (tmp_path / "test" / "b").mkdir()
    shutil.copy(tmp_path / "train/b/1.png", tmp_path / "test/b/2.png")
    assert [each.what for each in found(Paired(root=tmp_path, size=12))] == [
        "training and held-out share pictures"
    ]


def test_label_values_beyond_the_classes(tmp_path):
    for name in NAMES:
        save(tmp_path / "images" / name, noise(seed=int(name[0])))
        save(tmp_path / "labels" / name, np.full((12, 12, 1), 1, np.uint8))
    source = Masks(root=tmp_path, size=12, classes=3)
    for name in NAMES[2:4]:
        save(tmp_path / "labels" / name, np.full((12, 12, 1), 7, np.uint8))
    assert rows(found(source)) == [
        ("error", "training: holds the number 7 (column 0, row 0), but there are 3 classes, 0 to 2", 2,
         ("images/3.png", "images/4.png"), "name all classes, or set ignore to the number that means don't-care"),
    ]  # fmt: skip


def test_a_fast_reading_is_an_even_sample():
    seen = inspect({"training": {"": Numbers(2 * FAST)}}, fast=True)
    assert seen.read == {"training": (FAST, 2 * FAST)}


def test_of_drawn_pictures_a_few_are_read():
    assert inspect({"training": parts_of(Demo(size=16))}).read == {"training": (8, 200)}


def test_progress_is_told():
    told = []
    inspect({"a": {"": Numbers(3)}, "b": {"": Numbers(2)}}, progress=lambda *numbers: told.append(numbers))
    assert told == [(number, 5) for number in range(1, 6)]


@pytest.mark.parametrize(("error", "sentence"), [
    (I2IError, "training: cannot be read"), (OSError, "training: cannot be read: '1.png' cannot be read"),
])  # fmt: skip
def test_a_source_of_others_is_read_by_its_samples(error, sentence):
    (finding,) = (f for f in found(Torn(1, error=error)) if f.names == ("1.png",))
    assert (finding.level, finding.what) == ("error", sentence)


class Wrong(Numbers):
    facts = DataFacts(
        fields=("a", "label"),
        image_size=2,
        channels={"a": 1},
        value_range={"a": (0, 255)},
        labels={"label": 3},
    )

    def load(self, index, rng):
        size = 3 if index == 1 else 2
        return {"a": torch.rand((1, size, size), generator=rng) + index, "label": torch.tensor(index)}


def test_samples_that_are_not_what_the_data_promises():
    assert rows(found(Wrong(5))) == [
        ("error", "training: label holds 3, and the data says 0 to 2", 2, ("3.png", "4.png"),
         "mend or remove the file"),
        ("error", "training: a is 1×3×3, and the data says 1×2×2", 1, ("1.png",), "mend or remove the file"),
    ]  # fmt: skip


def test_what_is_known_is_not_said_twice():
    known = ["'1.png' cannot be read", "data.root: 'x' is mixed; convert the files"]
    findings = inspect({"": {"": Torn(1, length=2)}}, known=known).findings
    assert [each.what for each in findings if each.level == "error"] == [
        "data.root: 'x' is mixed", ": cannot be read"
    ]  # fmt: skip


class Below(Wrong):
    def load(self, index, rng):
        return {"a": torch.rand((1, 2, 2), generator=rng) + index, "label": torch.tensor(index - 1)}


def test_labels_below_the_classes():
    assert [each.what for each in found(Below(4))] == ["training: label holds -1, and the data says 0 to 2"]


class Cut(Numbers):
    def load(self, index, rng):
        return {"a": torch.rand((1, 2, 2), generator=rng)}


def test_random_numbers_do_not_hide_equal_pictures():
    one, other = look_at(Cut(), [0, 1], lambda: None)
    assert one.contents == other.contents


# Balance


def test_classes_far_out_of_balance(tmp_path):
    fill(tmp_path / "train/few", ["1.png"])
    fill(tmp_path / "train/many", [f"{number}.png" for number in range(10)])
    fill(tmp_path / "train/some", [f"{number}.png" for number in range(5)])
    for source in (Images(root=tmp_path, size=12), Domains(root=tmp_path, size=12)):
        assert source.counts() == {"few": 1, "many": 10, "some": 5}
        assert list(unevenness(source, ", or more")) == [
            Finding("warning", "'few' has 1 picture, 'many' has 10", (), 1, "add pictures of 'few', or more")
        ]


def test_domains_without_pairs_far_out_of_balance(two):
    assert list(unevenness(unpaired(two), "")) == []
    fill(two / "trainB", [f"{number}.png" for number in range(60)])
    (finding,) = unevenness(unpaired(two), "")
    assert finding.what == "'a' has 6 pictures, 'b' has 60"


def test_attributes_that_few_pictures_have_or_lack(tmp_path):
    files = [f"{number}.png" for number in range(22)]
    fill(tmp_path, files)
    lines = [f"{file},{int(number == 0)},{int(number > 1)},{number % 2}" for number, file in enumerate(files)]
    (tmp_path / "train.csv").write_text("\n".join(["image,hat,hair,smile", *lines]), encoding="utf-8")
    assert [each.what for each in unevenness(Domains(root=tmp_path, size=12), "")] == [
        "1 picture of 22 with 'hat'", "2 pictures of 22 without 'hair'"
    ]  # fmt: skip


@pytest.mark.parametrize(("count", "said"), [(10, []), (11, ["0 pictures of 11 with 'hat'"])])
def test_an_attribute_that_none_has(tmp_path, count, said):
    files = [f"{number}.png" for number in range(count)]
    fill(tmp_path, files)
    lines = [f"{file},0,{number % 2}" for number, file in enumerate(files)]
    (tmp_path / "train.csv").write_text("\n".join(["image,hat,smile", *lines]), encoding="utf-8")
    assert [each.what for each in unevenness(Domains(root=tmp_path, size=12), "")] == said


def test_other_sources_have_no_balance():
    assert list(unevenness(Numbers(), "")) == []


# What the sources offer


def paired(root):
    fill(root / "train", NAMES, width=24)
    return Paired(root=root, size=8)


def masks(root):
    fill(root / "images", NAMES)
    for name in NAMES:
        save(root / "labels" / name, np.ones((12, 12, 1), np.uint8))
    return Masks(root=root, size=8, classes=2)


def unpaired_folders(root):
    for name in ("trainA", "trainB"):
        fill(root / name, NAMES)
    return unpaired(root)


SOURCES = {
    "paired": paired,
    "masks": masks,
    "unpaired": unpaired_folders,
    "balanced images": lambda root: Images(root=digits(root, labels=(0, 1, 1)), size=8, balanced=True),
    "balanced domains": lambda root: Domains(root=domain_folders(root), size=8, load_size=12, balanced=True),
    "list": lambda root: Domains(root=listed(root), size=8),
    "demo": lambda root: Demo(size=16),
}


@pytest.mark.parametrize("kind", SOURCES)
def test_parts_draw_nothing_at_random(tmp_path, kind):
    source = SOURCES[kind](tmp_path)
    assert isinstance(source, Listed) and not isinstance(Numbers(), Listed)
    for part in source.parts().values():
        names = [part.name(index) for index in range(len(part))]
        assert len(set(names)) == len(names)
        one, other = (part.load(0, torch.Generator().manual_seed(seed)) for seed in (1, 2))
        assert all(torch.equal(one[field], other[field]) for field in part.facts.value_range)


def test_joined_sets_are_read_one_by_one(tmp_path):
    domain_folders(tmp_path / "one")
    domain_folders(tmp_path / "two", folders=("cat", "dog"))
    sets = {name: DomainSet(root=tmp_path / name) for name in ("one", "two")}
    source = Domains(sets=sets, size=12)
    assert {name: (len(part), part.facts.fields) for name, part in source.parts().items()} == {
        "one": (6, ("image", "domain", "target")), "two": (3, ("image", "domain", "target"))
    }  # fmt: skip
    assert source.counts() == {"angry": 1, "happy": 2, "sad": 3, "cat": 1, "dog": 2}
    assert [each.what for each in inspect({"training": parts_of(source)}).findings] == [
        "training one: the same picture again", "training two: the same picture again"
    ]  # fmt: skip


# Data that is refused


def test_loose_files_are_read_folder_by_folder(two):
    save(two / "trainA" / "2.png", noise(dtype=np.uint16))
    save(two / "trainA" / "3.png", noise(channels=1))
    (two / ".hidden").mkdir()
    shutil.copy(two / "trainA" / "1.png", two / ".hidden" / "1.png")
    folders = loose_folders(two, None)
    assert list(folders) == ["'testA'", "'testB'", "'trainA'", "'trainB'"]
    (finding,) = inspect({name: {"": folder} for name, folder in folders.items()}).findings
    assert rows([finding]) == [
        ("error",
         "'trainA': picture is stored in several ways: 4 8-bit colour, 1 16-bit colour, 1 8-bit grey", 2,
         ("trainA/2.png", "trainA/3.png"), "convert the files to one depth and colour"),
    ]  # fmt: skip
    (two / "trainA" / "2.png").unlink()
    assert inspect({"": loose_folders(two, 3)}).findings == ()


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right of their own")
def test_links_are_not_read(two):
    (two / "trainA" / "7.png").symlink_to(two / "trainB" / "1.png")
    assert len(loose_folders(two, None)["'trainA'"]) == 6


def arrays(root, low, high, dtype):
    """Two domains of three pictures as arrays, of values from `low` to `high`; one more of each is held out."""
    for seed, name in enumerate(("trainA", "trainB", "testA", "testB")):
        (root / name).mkdir(parents=True)
        for place in range(3 if "train" in name else 1):
            values = np.random.default_rng(10 * seed + place).uniform(low, high, (12, 12, 1))
            values[0, 0], values[0, 1] = low, high
            np.save(root / name / f"{place}.npy", values.astype(dtype))
    return root


def test_values_beyond_the_range(tmp_path):
    source = Unpaired(
        root=arrays(tmp_path, -1024, 3071, "int16"), size=12, load_size=12, value_range=(-1000, 3071)
    )
    assert rows(found(source)) == [
        ("warning", f"{name} holds values from -1,024 to 3,071, beyond the range from -1,000 to 3,071", 4,
         tuple(f"train{name.upper()}/{place}.npy" for place in range(3)),
         "networks see these beyond -1 and +1: set its value_range to [-1024, 3071], or mend the files")
        for name in "ab"
    ]  # fmt: skip


def test_a_range_that_holds_all_values_to_the_last_digit_of_float32(tmp_path):
    source = Unpaired(root=arrays(tmp_path, 0.1, 0.3, "float32"), size=12, value_range=(0.1, 0.3))
    assert found(source) == ()


@pytest.mark.parametrize(("dtype", "high", "remedy"), [
    ("uint16", 4095, "set bit_depth = 12, if that is what they have"),
    ("uint16", 200, "set its value_range to [0, 200], if they can hold no others"),
    ("uint8", 20, "set its value_range to [0, 20], if they can hold no others"),
])  # fmt: skip
def test_values_that_fill_little_of_the_range_of_their_type(tmp_path, dtype, high, remedy):
    source = Unpaired(root=arrays(tmp_path, 0, high, dtype), size=12, load_size=12)
    top = f"{np.iinfo(dtype).max:,}"
    assert [(each.what, each.remedy) for each in found(source)] == [
        (f"{name} holds values from 0 to {high:,}, little of the range from 0 to {top}", remedy)
        for name in "ab"
    ]
    assert found(Unpaired(root=tmp_path, size=12, value_range=(0, 10**5))) == ()  # the user knows


def test_the_values_of_other_types_than_8_bits_are_told(tmp_path):
    source = Unpaired(
        root=arrays(tmp_path, -1024, 3071, "int16"), size=12, load_size=12, value_range=(-1024, 3071)
    )
    assert inspect({"training": source.parts()}).values == {
        "training a": "a from -1,024 to 3,071", "training b": "b from -1,024 to 3,071"
    }  # fmt: skip


def test_of_pictures_without_a_range_one_is_proposed(tmp_path):
    folders = loose_folders(arrays(tmp_path, -0.25, 1.5, "float32"), None)
    known = ["data.value_range: 'x' stores float32 numbers; say which stand for -1 and +1"]
    findings = inspect({name: {"": folder} for name, folder in folders.items()}, known=known).findings
    assert {(each.what, each.remedy) for each in findings if each.level == "warning"} == {
        (f"'{name}': float32 numbers from -0.25 to 1.5", "set its value_range to [-0.25, 1.5]")
        for name in ("trainA", "trainB", "testA", "testB")
    }


@pytest.mark.parametrize(("stored", "wanted", "shown"), [(4, 3, 4), (1, 4, 1), (1, 3, 3), (5, None, 5)])
def test_refused_pictures_are_read_with_the_channels_that_can_be_made(tmp_path, stored, wanted, shown):
    (tmp_path / "x").mkdir()
    np.save(tmp_path / "x" / "1.npy", noise(channels=stored))
    (folder,) = loose_folders(tmp_path, wanted).values()
    assert len(folder.load(0, None)["picture"]) == shown


def test_a_proposed_range_holds_all_that_was_found():
    assert listed_range((-9.5321, 4809.2)) == "[-9.533, 4810]"
    assert listed_range((0.00014567, 0.99991)) == "[0.0001456, 1]"
    assert listed_range((-1024.0, 12345.6)) == "[-1024, 12350]"


def test_of_loose_pictures_that_hold_no_numbers_no_range_is_proposed(tmp_path):
    np.save(tmp_path / "x.npy", np.full((4, 4), np.nan, np.float32))
    (seen,) = look_at(loose_folders(tmp_path, None)["'.'"], [0], lambda: None)
    assert "not finite" in seen.refusal and not seen.extremes


def test_12_bits_stay_12_bits_where_resizing_overshoots(tmp_path):
    edge = np.repeat([0, 4095], 6).astype(np.uint16)[None, :, None].repeat(12, 0)
    for place in ("trainA/1", "trainB/1"):
        save(tmp_path / f"{place}.png", edge)
    source = Unpaired(root=tmp_path, size=20)
    (row, *_) = [each for each in found(source) if "little" in each.what]
    assert "to 4,095" in row.what and "bit_depth = 12" in row.remedy
