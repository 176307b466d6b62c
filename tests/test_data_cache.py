import itertools
import os
import shutil

import numpy as np
import pytest
import torch
from data_helpers import digits, domain_folders, fill, noise, rng, save

from i2i.core.errors import I2IError
from i2i.data import Domains, Images, Masks, Paired, Unpaired, cache
from i2i.data.bad_files import BadFiles, readable
from i2i.data.cache_disk import HEAD
from i2i.data.stream import Stream
from i2i.spec.describe import pictures

NAMES = [f"{i}.png" for i in range(5)]


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "cache_folder", lambda: tmp_path / "kept" / "pictures")
    return tmp_path / "kept" / "pictures"


def unpaired(root, **options):
    if not root.exists():
        fill(root / "trainA", NAMES)
        fill(root / "trainB", NAMES[:3], height=9, width=20)
    return Unpaired(root=root, size=6, **options)


def halves(root, **options):
    if not root.exists():
        fill(root / "train", NAMES, width=24)
    return Paired(root=root, size=6, channels=1, **options)


def folders(root, **options):
    if not root.exists():
        fill(root / "trainA", NAMES, dtype=np.uint16)
        fill(root / "trainB", NAMES)
    return Paired(root=root, size=6, direction="b-to-a", **options)


def masks(root, **options):
    if not root.exists():
        fill(root / "train" / "images", NAMES)
        for kind, i in itertools.product(("labels", "instances"), range(5)):
            save(root / "train" / kind / f"{i}.png", noise(channels=1, seed=i) % 7)
    return Masks(root=root, size=6, classes=7, **options)


def images(root, **options):
    return Images(root=root if root.exists() else digits(root), size=6, load_size=8, flip=True, **options)


def domains(root, **options):
    return Domains(root=root if root.exists() else domain_folders(root), size=6, load_size=8, **options)


KINDS = [unpaired, halves, folders, masks, images, domains]


def batches(source, workers=0, start=0, count=5):
    stream = iter(Stream(source, seed=1, batch=2, workers=workers, start=start))
    taken = list(itertools.islice(stream, count))
    stream.close()
    return taken


def assert_equal(some, others):
    for one, other in zip(some, others, strict=True):
        assert one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("mode", ["memory", "disk"])
@pytest.mark.parametrize("kind", KINDS)
def test_samples_are_those_of_no_cache(tmp_path, kind, mode):
    plain, kept = (kind(tmp_path / "data", cache=each) for each in ("none", mode))
    expected = batches(plain, count=12)
    assert_equal(batches(kept, count=12), expected)
    assert_equal(batches(kept, start=4, count=4), expected[4:8])
    assert_equal(batches(kind(tmp_path / "data", cache=mode), start=4, count=4), expected[4:8])


@pytest.mark.parametrize("mode", ["memory", "disk"])
def test_workers_share_what_they_read(tmp_path, mode):
    source = unpaired(tmp_path / "data", cache=mode)
    expected = batches(unpaired(tmp_path / "data", cache="none"), count=12)
    assert_equal(batches(source, workers=2, count=12), expected)
    spoil(tmp_path / "data")  # what the workers read is kept for this process too
    assert_equal(batches(source, count=12), expected)


def spoil(root):
    """Other bytes in every file, of the same size and time."""
    for path in root.rglob("*.png"):
        seen = path.stat()
        path.write_bytes(bytes(seen.st_size))
        os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns))


@pytest.mark.parametrize("kind", KINDS[:4])
def test_a_cache_on_disk_outlives_the_run(tmp_path, kind):
    expected = batches(kind(tmp_path / "data", cache="disk"), count=12)
    again = kind(tmp_path / "data", cache="disk")
    spoil(tmp_path / "data")
    assert_equal(batches(again, count=12), expected)


@pytest.mark.parametrize("mode", ["memory", "disk"])
def test_a_file_that_changed_is_read_again(tmp_path, mode):
    source = unpaired(tmp_path / "data", cache=mode)
    before = batches(source, count=12)
    for seed, name in enumerate(NAMES):
        save(tmp_path / "data" / "trainA" / name, noise(height=13, seed=90 + seed))
    after = batches(source, count=12)
    assert not any(torch.equal(one["a"], other["a"]) for one, other in zip(before, after, strict=True))
    assert_equal(after, batches(Unpaired(root=tmp_path / "data", size=6, cache="none"), count=12))


@pytest.mark.parametrize("mode", ["memory", "disk"])
def test_a_file_that_is_gone_is_missed(tmp_path, mode):
    source = unpaired(tmp_path / "data", cache=mode)
    batches(source, count=12)
    (tmp_path / "data" / "trainA" / "3.png").unlink()
    with pytest.raises(I2IError, match=r"3\.png"):
        batches(source, count=12)


@pytest.mark.parametrize(
    "change", [{"load_size": 8}, {"centre_crop": 7}, {"channels": 1}, {"value_range": (0, 99)}]
)
def test_other_options_have_a_cache_of_their_own(tmp_path, home, change):
    batches(unpaired(tmp_path / "data", cache="disk"), count=12)
    source = Unpaired(root=tmp_path / "data", size=6, cache="disk", **change)
    expected = batches(Unpaired(root=tmp_path / "data", size=6, cache="none", **change), count=12)
    assert_equal(batches(source, count=12), expected)
    assert len(list(home.iterdir())) == 4


def test_crop_and_flip_share_a_cache(tmp_path, home):
    batches(unpaired(tmp_path / "data", cache="disk"))
    batches(Unpaired(root=tmp_path / "data", size=5, load_size=7, flip=False, cache="disk"))
    assert len(list(home.iterdir())) == 2


def test_a_foreign_file_is_replaced_with_a_note(tmp_path, home):
    expected = batches(unpaired(tmp_path / "data", cache="disk"), count=12)
    for path in home.iterdir():
        path.write_bytes(b"something else" * 2000)
    notes = []
    source = Unpaired(root=tmp_path / "data", size=6, cache="disk")
    source.cache.open(notes.append)
    assert_equal(batches(source, count=12), expected)
    assert len(notes) == 2 and "was damaged, and is made anew" in notes[0]


@pytest.mark.parametrize("at", [HEAD + 3, -40])
def test_what_is_damaged_is_read_again(tmp_path, home, at):
    expected = batches(unpaired(tmp_path / "data", cache="disk"), count=12)
    for path in home.iterdir():
        spoilt = bytearray(path.read_bytes())
        spoilt[at] ^= 255
        path.write_bytes(spoilt)
    assert_equal(batches(Unpaired(root=tmp_path / "data", size=6, cache="disk"), count=12), expected)


def test_a_file_that_was_cut_is_filled_again(tmp_path, home):
    expected = batches(unpaired(tmp_path / "data", cache="disk"), count=12)
    for path, size in zip(sorted(home.iterdir()), (HEAD + 50, 100), strict=True):
        os.truncate(path, size)
    assert_equal(batches(Unpaired(root=tmp_path / "data", size=6, cache="disk"), count=12), expected)


def test_a_cache_that_cannot_be_written(tmp_path, home):
    home.parent.mkdir()
    home.write_text("a file where the folder should be")
    with pytest.raises(
        I2IError, match=r"^data\.cache: '.*' cannot be written: .*; set cache_folder to another one"
    ):
        batches(unpaired(tmp_path / "data", cache="disk"))


def test_without_room_on_the_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(9, 9, 0))
    with pytest.raises(
        I2IError, match=r'^data\.cache: "disk" takes 0.0 GiB in .* are free; set cache_folder'
    ):
        batches(unpaired(tmp_path / "data", cache="disk"))


def test_automatic_keeps_what_fits_well(tmp_path, monkeypatch):
    def is_kept(free):
        monkeypatch.setattr(cache, "free_memory", lambda: free)
        source = unpaired(tmp_path / str(free))
        batches(source, count=12)
        spoil(tmp_path / str(free))
        try:
            return bool(batches(source, count=12))
        except I2IError:
            return False

    size = unpaired(tmp_path / "data").cache.bytes
    assert size == (5 + 3) * 7 * 7 * 3
    assert is_kept(4 * size) and not is_kept(4 * size - 1)


def test_memory_that_does_not_suffice(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "free_memory", lambda: 500)
    with pytest.raises(
        I2IError, match=r'^data\.cache: "memory" takes 0.0 MiB, and 0.0 MiB are free; use "disk"'
    ):
        batches(unpaired(tmp_path / "data", cache="memory"))


def test_processes_of_a_machine_share_its_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(cache.os, "cpu_count", lambda: 2)
    monkeypatch.setattr(cache.torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(cache, "free_memory", lambda: 2 * 1176 - 1)
    unpaired(tmp_path / "data", cache="memory").cache.open(processes=1)
    with pytest.raises(I2IError, match="memory"):
        unpaired(tmp_path / "data", cache="memory").cache.open(processes=8)


def test_a_folder_of_ones_own(tmp_path, home):
    batches(unpaired(tmp_path / "data", cache="disk", cache_folder=tmp_path / "own"))
    assert len(list((tmp_path / "own").iterdir())) == 2 and not home.exists()


@pytest.mark.parametrize("mode", ["auto", "none", "memory"])
def test_a_folder_that_would_be_ignored(tmp_path, mode):
    with pytest.raises(I2IError, match=r'^data\.cache_folder: only cache = "disk" writes into a folder'):
        unpaired(tmp_path / "data", cache=mode, cache_folder=tmp_path)


def test_held_out_pictures_are_kept_apart(tmp_path):
    source = unpaired(tmp_path / "data", cache="memory")
    for domain in "AB":
        fill(tmp_path / "data" / f"test{domain}", NAMES[:2])
    held = source.held_out()
    first = list(readable(held, rng, BadFiles()))
    spoil(tmp_path / "data")
    assert_equal([sample for _, sample in readable(held, rng, BadFiles())], [sample for _, sample in first])


def test_the_parts_of_a_set_are_read_anew(tmp_path):
    source = unpaired(tmp_path / "data", cache="memory")
    batches(source, count=12)
    spoil(tmp_path / "data")
    with pytest.raises(I2IError):
        source.parts()["a"].load(0, rng())


@pytest.mark.parametrize("kind", [Unpaired, Images, Domains, Masks])
def test_reduced_jpegs(tmp_path, kind):
    root = tmp_path / "data"
    layout = {Unpaired: ("trainA", "trainB"), Images: ("train",), Domains: ("train/x", "train/y")}
    for folder in layout.get(kind, ("train/images",)):
        save(root / folder / "1.jpg", np.full((60, 90, 3), 200, np.uint8))
    if kind is Masks:
        save(root / "train/labels/1.png", np.zeros((60, 90, 1), np.uint8))
    options = {"classes": 2} if kind is Masks else {}
    whole, reduced = (kind(root=root, size=15, reduced_jpeg=each, **options) for each in (False, True))
    for one, other in zip(batches(whole, count=2), batches(reduced, count=2), strict=True):
        for name in one:
            assert (
                one[name].float() - other[name].float()
            ).abs().max() <= 2  # an even grey, stored with loss


def test_reduced_jpegs_are_used(tmp_path, monkeypatch):
    asked = []
    for domain in "AB":
        save(tmp_path / f"train{domain}" / "1.jpg", noise(60, 90))
        save(tmp_path / f"test{domain}" / "1.jpg", noise(60, 90))
    source = Unpaired(root=tmp_path, size=15, reduced_jpeg=True, cache="none")
    held = source.held_out()
    monkeypatch.setattr("i2i.data.unpaired.decode", lambda path, least: asked.append(least) or noise(30, 45))
    source.load(0, rng()), held.load(0, rng())
    assert asked == [(17, 17), (17, 17), None, None]  # held-out pictures are judged as they are


def test_reduced_jpegs_that_change_nothing(tmp_path):
    sentence = (
        "no picture is a JPEG of 14×14 pixels or more, twice load_size, so it would change nothing; leave it"
    )
    with pytest.raises(I2IError, match=r"^data\.reduced_jpeg: " + sentence):
        unpaired(tmp_path / "data", reduced_jpeg=True)


def test_reduced_jpegs_and_a_centre_crop(tmp_path):
    with pytest.raises(ValueError, match=r"^reduced_jpeg: centre_crop is cut from whole pictures"):
        Unpaired.settle({"centre_crop": 5, "reduced_jpeg": True}, image_size=8)
    with pytest.raises(I2IError, match=r"^data\.reduced_jpeg: centre_crop"):
        unpaired(tmp_path / "data", centre_crop=5, reduced_jpeg=True)


def test_reduced_halves(tmp_path):
    with pytest.raises(
        I2IError, match=r"^data\.reduced_jpeg: the halves of side-by-side files would run into"
    ):
        halves(tmp_path / "data", reduced_jpeg=True)


def test_the_plan_says_how_pictures_are_read(tmp_path):
    for name, side in (("1.jpg", 60), ("2.jpg", 20)):
        save(tmp_path / "trainA" / name, noise(side, side))
        save(tmp_path / "trainB" / name, noise(60, 60))
    source = Unpaired(root=tmp_path, size=15, cache="memory", reduced_jpeg=True)
    assert pictures(source, 2).splitlines()[2:] == [
        "pictures: a (2), b (2)",
        "reduced_jpeg: 1 of 2 pictures are decoded at a smaller scale",
        "reduced_jpeg: 2 of 2 pictures are decoded at a smaller scale",
        "resized pictures are kept in memory: 0.0 MiB",
    ]


@pytest.mark.parametrize(
    ("mode", "sentence"),
    [
        ("none", "resized pictures are not kept"),
        ("auto", "resized pictures are not kept: 0.0 MiB are more than a quarter of the free memory"),
        ("disk", "resized pictures are kept on disk: 0.0 MiB in "),
    ],
)
def test_where_pictures_are_kept_in_words(tmp_path, monkeypatch, mode, sentence):
    monkeypatch.setattr(cache, "free_memory", lambda: 0)
    assert unpaired(tmp_path / "data", cache=mode).cache.describe().startswith(sentence)
