"""Pictures of any type and any number of channels, in every kind of data set."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from data_helpers import fill, noise, rng, save, table

from i2i.core.errors import I2IError
from i2i.data import Domains, DomainSet, Images, Masks, Paired, Stream, Unpaired
from i2i.data.values import to_device

CT = (-1024.0, 3071.0)
TYPES = ("uint8", "uint16", "uint32", "int16", "int32", "float16", "float32", "float64")
RANGED = ("uint8", "uint16")


def array(dtype="int16", channels=5, seed=0, size=10, top=3000):
    """(H, W, C) of values from -1,000, or 0 where the type has none below, to 3,000."""
    low = -1000 if np.dtype(dtype).kind in "if" else 0
    values = np.random.default_rng(seed).integers(
        low, min(top, 255 if dtype == "uint8" else top), (size, size, channels)
    )
    return values.astype(dtype)


def store(path: Path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, pixels)
    return path


def folder(root: Path, **options):
    """Two pictures as arrays."""
    for seed in range(2):
        store(root / f"{seed}.npy", array(seed=seed, **options))


def paired(root, **options):
    folder(root / "train/a", **options), folder(root / "train/b", **options)
    return lambda **said: Paired(root=root, size=8, **said)


def halves(root, **options):
    folder(root / "train", **options)
    return lambda **said: Paired(root=root, size=8, **said)


def listed(root, **options):
    folder(root / "x", **options), folder(root / "y", **options)
    table(root, ["x/0.npy,y/0.npy", "x/1.npy,y/1.npy"], "a,b")
    return lambda **said: Paired(root=root, size=8, **said)


def unpaired(root, **options):
    folder(root / "trainA", **options), folder(root / "trainB", **options)
    return lambda **said: Unpaired(root=root, size=8, **said)


def domains(root, **options):
    folder(root / "train/x", **options), folder(root / "train/y", **options)
    return lambda **said: Domains(root=root, size=8, **said)


def joined(root, **options):
    for name in ("one", "two"):
        for domain in "xy":
            folder(root / name / "train" / f"{name}-{domain}", **options)
    sets = {name: DomainSet(root=root / name) for name in ("one", "two")}
    return lambda **said: Domains(sets=sets, size=8, **said)


def masks(root, **options):
    folder(root / "images", **options)
    for seed in range(2):
        save(root / "labels" / f"{seed}.png", np.ones((10, 10, 1), np.uint8))
    return lambda **said: Masks(root=root, size=8, classes=3, **said)


def images(root, **options):
    folder(root, **options)
    return lambda **said: Images(root=root, size=8, **said)


KINDS = (paired, halves, listed, unpaired, domains, joined, masks, images)


def pictures(source):
    """A batch as the network sees it, the pictures only."""
    batch = next(iter(Stream(source, seed=0, batch=2)))
    return {
        name: t
        for name, t in to_device(batch, source.facts, torch.device("cpu")).items()
        if name in source.facts.channels
    }


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_signed_numbers_of_five_channels(tmp_path, kind):
    source = kind(tmp_path)(value_range=CT)
    facts = source.facts
    assert set(facts.channels.values()) == {5} and set(facts.stored.values()) == {"int16"}
    assert set(facts.value_range.values()) == {CT} and facts.stored.keys() == facts.channels.keys()
    for picture in pictures(source).values():
        assert picture.shape[1:] == (5, 8, 8) and picture.dtype == torch.float32
        assert -1 <= picture.min() < -0.5 and 0.5 < picture.max() <= 1


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_what_every_kind_refuses(tmp_path, kind):
    make = kind(tmp_path)
    with pytest.raises(
        I2IError, match=r"^data.value_range: '.*npy' stores int16 numbers; say which stand for -1 and"
    ):
        make()
    with pytest.raises(
        I2IError, match=r"^data.channels: '.*npy' \(and . more\) is of 5 channels, of which no 3 are"
    ):
        make(value_range=CT, channels=3)
    with pytest.raises(
        I2IError, match=r"^data.bit_depth: '.*npy' stores int16 numbers, of which bits do not tell"
    ):
        make(bit_depth=12)
    with pytest.raises(I2IError, match=r"^data.bit_depth: it and value_range both say which values"):
        make(value_range=CT, bit_depth=12)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_fewer_bits_than_the_type_has(tmp_path, kind):
    make = kind(tmp_path, dtype="uint16", channels=2)
    source = make(bit_depth=12)
    assert set(source.facts.value_range.values()) == {(0, 4095)}
    for part in source.parts().values():
        assert part.facts.stored.keys() == part.facts.channels.keys()
        assert all(part.load(0, rng())[name].numpy().min() >= 0 for name in part.facts.channels)
    with pytest.raises(
        I2IError, match=r"'.*npy' holds 2,9\d\d, and 10 bits are 1,023 at most; set bit_depth = 12, or"
    ):
        make(bit_depth=10).load(0, rng())


@pytest.mark.parametrize("dtype", TYPES)
def test_every_type_keeps_its_values_on_the_way(tmp_path, dtype):
    store(tmp_path / "train/x.npy", array(dtype, 2, size=8))
    said = {} if dtype in RANGED else {"value_range": CT}
    source = Images(root=tmp_path, size=8, **said)
    batch = next(iter(Stream(source, seed=0, batch=1, workers=1)))
    assert source.facts.stored == {"image": dtype}
    assert batch["image"].numpy().dtype == dtype
    assert np.array_equal(batch["image"][0].numpy().transpose(1, 2, 0), array(dtype, 2, size=8))


def test_domains_that_are_stored_differently_have_a_range_each(tmp_path):
    folder(tmp_path / "train/a", dtype="uint16", channels=4)
    folder(tmp_path / "train/b", dtype="float32", channels=1)
    source = Paired(root=tmp_path, size=8, bit_depth=12, value_range={"b": CT})
    assert source.facts.value_range == {"a": (0, 4095), "b": CT}
    assert source.facts.channels == {"a": 4, "b": 1} and source.facts.stored == {
        "a": "uint16",
        "b": "float32",
    }
    back = Paired(root=tmp_path, size=8, value_range={"b": CT}, direction="b-to-a")
    assert back.facts.value_range == {"b": (0, 65535), "a": CT}  # the table names folders, not fields
    assert back.facts.channels == {"b": 4, "a": 1}


def test_a_table_of_ranges_that_cannot_be(tmp_path):
    make = unpaired(tmp_path, dtype="uint16")
    with pytest.raises(I2IError, match=r"^data.value_range: there is no domain 'c'; name a or b"):
        make(value_range={"c": CT})
    with pytest.raises(I2IError, match=r"^data.bit_depth: value_range says of every domain which values"):
        make(value_range={"a": CT, "b": CT}, bit_depth=12)
    with pytest.raises(
        I2IError, match=r"^data.value_range: the first value must be the lower one, got \[1, 0\]"
    ):
        make(value_range={"b": (1, 0)})


def test_a_held_out_split_of_another_type_is_refused(tmp_path):
    make = paired(tmp_path)
    folder(tmp_path / "test/a"), folder(tmp_path / "test/b", dtype="float32")
    with pytest.raises(I2IError, match=r"'b' has another depth in split 'test' than in the training split"):
        make(value_range=CT).held_out()


def test_a_held_out_split_of_other_channels_is_refused(tmp_path):
    folder(tmp_path / "train", dtype="uint8", channels=4)
    folder(tmp_path / "test", dtype="uint8", channels=3)
    source = Images(root=tmp_path, size=8)
    with pytest.raises(
        I2IError, match=r"'image' is colour in split 'test' and of 4 channels in the training split; keep"
    ):
        source.held_out()


def test_joined_sets_of_other_types_are_refused(tmp_path):
    joined(tmp_path)
    for domain in ("one-x", "one-y"):
        folder(tmp_path / "one/train" / domain, dtype="float32")
    sets = {name: DomainSet(root=tmp_path / name) for name in ("one", "two")}
    with pytest.raises(I2IError, match=r"'one' are 32-bit float, those of 'two' are signed 16-bit; convert"):
        Domains(sets=sets, size=8, value_range=CT)


def test_12_bits_that_a_tiff_declares(tmp_path):
    tifffile = pytest.importorskip("tifffile")
    (tmp_path / "train").mkdir()
    tifffile.imwrite(tmp_path / "train/x.tif", array("uint16", 1, size=16)[..., 0], bitspersample=12)
    source = Images(root=tmp_path, size=16)
    assert source.facts.value_range == {"image": (0, 4095)} and source.facts.stored == {"image": "uint16"}
    assert source.load(0, rng())["image"].numpy().max() < 3000
    assert Images(root=tmp_path, size=16, bit_depth=16).facts.value_range == {"image": (0, 65535)}


def test_a_tiff_of_four_channels_and_no_alpha(tmp_path):
    tifffile = pytest.importorskip("tifffile")
    (tmp_path / "train").mkdir()
    pixels = noise(8, 8, 4, np.uint16)
    tifffile.imwrite(tmp_path / "train/x.tif", pixels, photometric="rgb", extrasamples=["unspecified"])
    loaded = Images(root=tmp_path, size=8).load(0, rng())["image"]
    assert np.array_equal(loaded.numpy().transpose(1, 2, 0), pixels)


def test_a_mixed_folder_names_a_file_of_each(tmp_path):
    fill(tmp_path / "train", ["1.png", "2.png"])
    store(tmp_path / "train/3.npy", noise(channels=4))
    with pytest.raises(
        I2IError, match=r"is mixed: '1.png' is colour, '3.npy' is of 4 channels; keep files of one kind"
    ):
        Images(root=tmp_path, size=8)
    store(tmp_path / "train/3.npy", noise().astype(np.int16))
    with pytest.raises(
        I2IError, match=r"is mixed: '1.png' is 8-bit, '3.npy' is signed 16-bit; convert the files"
    ):
        Images(root=tmp_path, size=8)


def test_facts_of_a_part_are_those_of_its_domain(tmp_path):
    source = unpaired(tmp_path, dtype="uint16", channels=3)(bit_depth=12)
    for name, part in source.parts().items():
        assert part.facts == replace(
            source.facts,
            fields=(name,),
            channels={name: 3},
            value_range={name: (0, 4095)},
            stored={name: "uint16"},
        )


def test_a_map_may_be_an_array(tmp_path):
    make = masks(tmp_path, dtype="uint16")
    for kind in (np.uint8, np.int16, np.int64, np.bool_):
        (tmp_path / "labels/0.png").unlink(missing_ok=True)
        store(tmp_path / "labels/0.npy", np.ones((10, 10), kind))
        assert (make().load(0, torch.Generator())["label_map"] == 1).all()


def test_a_map_of_real_numbers_is_refused_in_words(tmp_path):
    make = masks(tmp_path, dtype="uint16")
    (tmp_path / "labels/0.png").unlink()
    store(tmp_path / "labels/0.npy", np.full((10, 10), 0.5))
    with pytest.raises(
        I2IError, match=r"'.*0.npy' is no map: 1 channel.* of float64; a map is an array of whole"
    ):
        make().load(0, torch.Generator())
