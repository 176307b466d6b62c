"""A check before training: the plan, all data read, one table; and files that break while a run trains."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from data_helpers import noise, save
from helpers import registry
from trained import command, run_tables, train_told, write_spec

from i2i.core.errors import I2IError
from i2i.run.checking import Check, check
from i2i.run.run import Run, build

NAMES = [f"{number}.png" for number in range(1, 7)]
TORN = "cannot be read: "
NO_PICTURE = "cannot be read: it is not an image"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Pairs, side by side: six to train on, two held out."""
    for seed, split in enumerate(("train", "test")):
        for place, name in enumerate(NAMES[: 6 - 4 * seed]):
            save(tmp_path / "data" / split / name, noise(width=24, seed=100 * seed + place))
    return tmp_path / "data"


def tables(root: Path, **train: Any) -> dict[str, Any]:
    made = run_tables("pix2pix", **train)
    return {**made, "data": {"name": "paired", "root": str(root), "size": made["data"]["size"], "workers": 0}}


def checked(root: Path, **options: Any) -> Check:
    return check(tables(root), registry=registry(), **options)


def tear(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:400])


# Before training


def test_sound_data_and_its_plan(root: Path) -> None:
    seen = checked(root)
    assert seen.plan == build(tables(root), registry=registry()).describe()
    assert seen.inspection.findings == ()
    assert seen.inspection.read == {"training": (6, 6), "held-out": (2, 2)}


def test_all_data_is_read_and_the_plan_still_made(root: Path) -> None:
    tear(root / "train" / "3.png")
    tear(root / "test" / "1.png")
    seen = checked(root)
    assert seen.plan and seen.inspection.failed
    assert [(each.what.partition(TORN)[0], each.names) for each in seen.inspection.findings] == [
        ("training: ", ("train/3.png",)),
        ("held-out: ", ("test/1.png",)),
    ]


def test_data_that_is_refused_is_read_all_the_same(root: Path) -> None:
    for name in NAMES[:2]:
        save(root / "train" / name, noise(width=23, seed=int(name[0])))
    (root / "train" / "4.png").write_bytes(b"hello")
    tear(root / "test" / "1.png")
    seen = checked(root)
    assert seen.plan == ""
    assert seen.inspection.read == {"'test'": (2, 2), "'train'": (6, 6)}
    what = [(each.what, each.count, each.names) for each in seen.inspection.findings]
    assert what[0] == (
        f"data.root: '{root / 'train' / '1.png'}' is 23 pixels wide, which does not split into two halves", 2, ()
    )  # fmt: skip
    assert what[1][0].startswith(f"'test': {TORN}") and what[1][2] == ("test/1.png",)
    assert what[2] == (f"'train': {NO_PICTURE}", 1, ("train/4.png",)) and len(what) == 3


def test_a_held_out_part_that_is_refused(root: Path) -> None:
    for name in NAMES[:2]:
        save(root / "test" / name, noise(width=24, channels=1))
    seen = checked(root)
    assert seen.inspection.read == {"training": (6, 6)} and seen.plan == ""
    (finding,) = seen.inspection.findings
    assert finding.what == "data.root: 'a' is grey in split 'test' and colour in the training split"


def test_a_root_that_is_not_there(tmp_path: Path) -> None:
    seen = checked(tmp_path / "nothing")
    (finding,) = seen.inspection.findings
    assert finding.what == f"data.root: there is no folder '{tmp_path / 'nothing'}'"
    assert seen.inspection.read == {} and seen.plan == ""


def test_kinds_far_out_of_balance_are_told_with_the_option_that_helps(tmp_path: Path) -> None:
    for number in range(10):
        save(tmp_path / "train" / "many" / f"{number}.png", noise(64, 64, seed=number))
    save(tmp_path / "train" / "few" / "1.png", noise(64, 64, seed=10))
    data = {"name": "domains", "root": str(tmp_path), "size": 64, "workers": 0}
    seen = check({**run_tables("stargan"), "data": data}, registry=registry())
    assert [(each.what, each.remedy) for each in seen.inspection.findings] == [
        ("'few' has 1 picture, 'many' has 10", "add pictures of 'few', or set data.balanced = true")
    ]


def test_a_root_that_is_a_file_makes_nothing_else_be_read(root: Path) -> None:
    seen = checked(root / "train" / "1.png")
    assert seen.inspection.read == {} and len(seen.inspection.findings) == 1


def test_joined_sets_that_are_refused_are_read_and_nothing_else(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root.parent)
    save(root.parent / "other" / "1.png", noise())
    sets = {"one": {"root": str(root)}, "two": {"root": str(root / "nothing")}}
    made = {**run_tables("stargan"), "data": {"name": "domains", "sets": sets, "size": 64, "workers": 0}}
    seen = check(made, registry=registry())
    assert seen.inspection.read == {"one 'test'": (2, 2), "one 'train'": (6, 6)}


def test_validation_data_is_read_and_held_against_the_training_pictures(root: Path) -> None:
    own = root.parent / "own"
    shutil.copytree(root / "test", own / "train")
    made = tables(root)
    made["validate"] = {"data": {**made["data"], "root": str(own)}}
    del made["validate"]["data"]["workers"]
    seen = check(made, registry=registry())
    assert seen.inspection.read == {"training": (6, 6), "held-out": (2, 2), "validation": (2, 2)}
    assert seen.inspection.findings == ()  # the held-out pictures may be judged
    shutil.copy(root / "train" / "1.png", own / "train" / "1.png")
    (finding,) = check(made, registry=registry()).inspection.findings
    assert (finding.what, finding.count) == ("training and validation share pictures", 1)


def test_a_wrong_spec_is_an_error_as_ever(root: Path) -> None:
    wrong = {**tables(root), "strategy": {"name": "pix2pix", "generator": {"name": "unet", "width": 0}}}
    with pytest.raises(I2IError, match=r"strategy\.generator\.width: "):
        check(wrong, registry=registry())


# As the command shows it


def test_one_table_worst_first_and_an_exit_code(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root.parent)
    write_spec(root.parent / "a.toml", tables(root))
    save(root / "train" / "7.png", noise(width=24, seed=0))
    done = command("check", "a.toml", "--fast")
    assert done.code == 0, done.err
    table = done.out.split("problems\n")[1].splitlines()
    assert [line.split("  ")[2] for line in table] and "the same picture again" in table[1]
    for number in (2, 3, 4, 5):
        (root / "train" / f"{number}.png").write_bytes(b"hello")
    done = command("check", "a.toml")
    assert (done.code, done.err) == (1, "")
    assert "data that was read\n    'test': 2 of 2 samples\n    'train': 7 of 7 samples\n" in done.out
    first, second = done.out.split("problems\n")[1].splitlines()[1:]
    assert first.split() == [
        "error", "'train':", *NO_PICTURE.split(), "4", "train/2.png,", "train/3.png,", "train/4.png,", "…",
        "replace", "or", "remove", "it",
    ]  # fmt: skip
    assert second.split()[:2] == ["warning", "'train':"]
    assert not (root.parent / "runs").exists()


# While training


def skipped(run: Run) -> list[str]:
    return [note for note in train_told(run) if note.startswith("skipped: ")]


def test_files_that_break_are_skipped_and_named_once(root: Path) -> None:
    run = build(tables(root, max_bad_files=2), registry=registry(), out=root.parent / "run")
    tear(root / "train" / "3.png")
    tear(root / "test" / "1.png")
    first, second = skipped(run)
    assert first.startswith(f"skipped: '{root / 'test' / '1.png'}' {TORN}") and "(1 of at most 2 bad" in first
    assert second.startswith(f"skipped: '{root / 'train' / '3.png'}' {TORN}")
    assert second.endswith("; replace or remove it (2 of at most 2 bad files)")


def test_too_many_end_the_run_and_it_can_go_on_with_more(root: Path) -> None:
    run = build(tables(root, max_bad_files=1), registry=registry(), out=root.parent / "run")
    for name in NAMES[:2]:
        tear(root / "train" / name)
    with pytest.raises(
        I2IError, match=r"^train\.max_bad_files: 2 files could not be read, and 1 may be skipped; "
    ):
        skipped(run)
    more = Run.open(root.parent / "run", registry=registry(), settings=["train.max_bad_files=5"])
    assert len(skipped(more)) == 2 and more.engine.step == more.steps_total


def test_a_vanished_folder_ends_the_run_in_one_sentence(root: Path) -> None:
    run = build(tables(root), registry=registry(), out=root.parent / "run")
    steps = run.steps()
    next(steps)
    root.rename(root.parent / "elsewhere")
    with pytest.raises(I2IError) as caught:
        list(steps)
    assert str(caught.value) == f"data.root: the folder '{root}' is gone; put it back, and resume the run"


# Values


def ct(root: Path, low: float = -1024, dtype: str = "int16") -> Path:
    """Pairs of arrays of two and four channels: four to train on, two held out."""
    for split, count in (("train", 4), ("test", 2)):
        for channels, domain in ((2, "a"), (4, "b")):
            (root / split / domain).mkdir(parents=True, exist_ok=True)
            for place in range(count):
                seed = 10 * len(split) + place + channels
                values = noise(12, 12, channels, np.uint16, seed).astype(float) % 4096 + low
                np.save(root / split / domain / f"{place}.npy", values.astype(dtype))
    return root


def ct_tables(root: Path, **options: Any) -> dict[str, Any]:
    made = tables(root)
    return {**made, "data": {**made["data"], **options}}


def test_a_range_that_is_missing_is_proposed(tmp_path: Path) -> None:
    done = command("check", write_spec(tmp_path / "ct.toml", ct_tables(ct(tmp_path / "data"))))
    assert done.code == 1 and "stores int16 numbers; " not in done.out
    assert "'train/a': 4 of 4 samples; picture from -1,0" in done.out
    assert "'train/b': int16 numbers from -1,0" in done.out and "set its value_range to [-10" in done.out


def test_the_plan_tells_the_values(tmp_path: Path) -> None:
    done = command(
        "check", write_spec(tmp_path / "ct.toml", ct_tables(ct(tmp_path / "data"), value_range=[-1024, 3071]))
    )
    assert done.code == 0
    assert "4 samples of a (2 channels), b (4 channels) at" in done.out
    assert "-1 and +1 stand for: a -1,024 and 3,071 (int16), b -1,024 and 3,071 (int16)\n" in done.out


@pytest.mark.parametrize(
    ("other", "sentence"),
    [
        (
            {"low": 0, "dtype": "uint16"},
            "2 channels of uint16 in the range [-1024.0, 3071.0], and the run was",
        ),
        (
            {"dtype": "float32"},
            "2 channels of float32 in the range [-1024.0, 3071.0], and the run was trained with 2",
        ),
    ],
)
def test_a_run_goes_on_with_pictures_that_are_stored_alike(
    tmp_path: Path, other: dict[str, Any], sentence: str
) -> None:
    made = ct_tables(ct(tmp_path / "data"), value_range=[-1024.0, 3071.0])
    run = build(made, registry=registry(), out=tmp_path / "run")
    folder = run.train()
    assert list((folder / "samples").glob("*.png"))
    more = Run.open(folder, registry=registry(), settings=["train.steps=6"])
    more.train()
    assert more.engine.step == 6
    ct(tmp_path / "other", **other)
    with pytest.raises(I2IError, match=re.escape(f"data.root: 'a' of this data is {sentence}")):
        Run.open(folder, registry=registry(), settings=[f"data.root={tmp_path / 'other'}"])
