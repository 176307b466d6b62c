"""Photographs with label maps: found, read without changing a value, cropped and flipped alike."""

import pickle
import struct
import zlib

import numpy as np
import pytest
import torch
from data_helpers import noise, rng, save
from PIL import Image

from i2i.core.data import Source
from i2i.core.registry import Registry
from i2i.data.demo import Demo, landscape
from i2i.data.demo_files import write_demo
from i2i.data.legend import Legend, legend_of, read_classes
from i2i.data.map_files import instances_of, read_map
from i2i.data.masks import Masks
from i2i.data.painting import label, part_colours, render
from i2i.data.palettes import PARTS
from i2i.data.values import to_device

COLOURS = ((10, 20, 30), (200, 0, 0), (0, 0, 250))


def numbers(height=12, width=12, count=3, seed=0):
    """(H, W, 1) of classes."""
    return np.random.default_rng(seed).integers(0, count, (height, width, 1)).astype(np.uint8)


def masks(root, split="train", names=("1", "2"), height=12, width=12, instances=False):
    """A split of photographs whose red channel is ten times their class."""
    for seed, name in enumerate(names):
        classes = numbers(height, width, seed=seed)
        save(root / split / "images" / f"{name}.png", np.repeat(10 * classes, 3, axis=2))
        save(root / split / "labels" / f"{name}.png", classes)
        if instances:
            save(root / split / "instances" / f"{name}.png", classes.astype(np.uint16) * 1000)
    return root


def packed_png(path, bits, values):
    """A grey PNG of 1, 2 or 4 bits, which Pillow does not write."""
    rows = []
    for row in values:
        whole = int("".join(f"{value:0{bits}b}" for value in row), 2)
        rows.append(b"\0" + whole.to_bytes(len(row) * bits // 8, "big"))
    head = struct.pack(">IIBBBBB", len(values[0]), len(values), bits, 0, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(b"".join(rows))), (b"IEND", b""))
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + b"".join(struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in parts)
    )
    return path


# The data set


def test_a_source_of_label_maps(tmp_path):
    source = Masks(root=masks(tmp_path), size=8, classes=("sky", "sea", "land"))
    facts, sample = source.facts, source.load(1, rng())
    assert isinstance(source, Source) and len(source) == 2 and source.name(1) == "train/images/2.png"
    assert facts.fields == ("label_map", "image") == tuple(sample)
    assert (facts.maps, facts.channels) == ({"label_map": 3}, {"image": 3})
    assert (facts.classes, facts.ignore, facts.truth) == (
        ("sky", "sea", "land"),
        None,
        {"label_map": "image"},
    )
    assert (sample["label_map"].shape, sample["label_map"].dtype) == ((1, 8, 8), torch.uint8)
    assert sample["image"].shape == (3, 8, 8)


def test_a_map_moves_as_its_photograph_does(tmp_path):
    """Equal sizes, so that nothing is resized: each pixel keeps its class through crop and flip."""
    source = Masks(root=masks(tmp_path), size=9, load_size=12, classes=3)
    views = [source.load(0, rng(seed)) for seed in range(12)]
    assert all(torch.equal(10 * view["label_map"].expand(3, -1, -1), view["image"]) for view in views)
    assert len({view["image"].numpy().tobytes() for view in views}) > 4


def test_maps_are_resized_to_the_nearest_pixel(tmp_path):
    source = Masks(root=masks(tmp_path, instances=True), size=20, load_size=20, flip=False, classes=3)
    sample = source.load(0, rng())
    stored = Image.fromarray(numbers()[..., 0]).resize((20, 20), Image.Resampling.NEAREST)
    assert np.array_equal(sample["label_map"][0].numpy(), np.asarray(stored))
    assert torch.equal(sample["instance_map"], 1000 * sample["label_map"].int())


def test_the_network_may_see_another_shape_than_a_square(tmp_path):
    source = Masks(root=masks(tmp_path, height=10, width=30), size=16, load_size=20, aspect=2.0, classes=3)
    assert (source.facts.image_size, source.facts.height) == (16, 8)
    sample = source.load(0, rng())
    assert (sample["image"].shape, sample["label_map"].shape) == ((3, 8, 16), (1, 8, 16))


def test_dont_care_follows_the_classes(tmp_path):
    stored = np.full((4, 4, 1), 255, np.uint8)
    stored[0, 0] = 2
    save(tmp_path / "images" / "a.jpg", noise(4, 4))
    save(tmp_path / "labels" / "a.png", stored)
    source = Masks(root=tmp_path, size=4, load_size=4, flip=False, classes=3, ignore=255)
    assert source.load(0, rng())["label_map"].flatten().tolist() == [2] + [3] * 15
    assert (source.facts.maps, source.facts.classes) == ({"label_map": 4}, ("0", "1", "2"))
    assert source.facts.ignore == 255


def test_instance_maps_are_a_field_of_their_own(tmp_path):
    source = Masks(root=masks(tmp_path, instances=True), size=8, classes=3)
    sample = source.load(0, rng())
    assert source.facts.fields == ("label_map", "image", "instance_map") == tuple(sample)
    assert source.facts.maps == {"label_map": 3, "instance_map": 0}
    assert (sample["instance_map"].shape, sample["instance_map"].dtype) == ((1, 8, 8), torch.int32)
    without = Masks(root=tmp_path, size=8, classes=3, instances="")
    assert "instance_map" not in without.facts.fields and "instance_map" not in without.load(0, rng())


def test_on_the_device_maps_are_whole_numbers_and_pictures_are_not(tmp_path):
    source = Masks(root=masks(tmp_path, instances=True), size=8, classes=3)
    fields = {name: tensor[None] for name, tensor in source.load(0, rng()).items()}
    moved = to_device(fields, source.facts, torch.device("cpu"))
    assert (moved["label_map"].dtype, moved["instance_map"].dtype) == (torch.int64, torch.int64)
    assert torch.equal(moved["label_map"], fields["label_map"].long())
    assert moved["image"].dtype == torch.float32 and moved["image"].min() >= -1


@pytest.mark.parametrize("layout", ["split/kind", "kind/split", "kind"])
def test_layouts(tmp_path, layout):
    made = masks(tmp_path / "made", instances=True)
    for kind in ("images", "labels", "instances"):
        place = {"split/kind": f"train/{kind}", "kind/split": f"{kind}/train", "kind": kind}[layout]
        (tmp_path / "root" / place).parent.mkdir(parents=True, exist_ok=True)
        (made / "train" / kind).rename(tmp_path / "root" / place)
    source = Masks(root=tmp_path / "root", size=8, classes=3)
    assert len(source) == 2 and "instance_map" in source.facts.fields
    assert source.held_out() is None


def test_folders_may_have_other_names(tmp_path):
    masks(tmp_path, split="training").joinpath("training", "labels").rename(tmp_path / "training" / "maps")
    assert len(Masks(root=tmp_path, split="training", labels="maps", size=8, classes=3)) == 2


def test_the_test_split_is_held_out_before_others(tmp_path):
    for split in ("train", "test", "val", "validation"):
        masks(tmp_path, split)
    assert Masks(root=tmp_path, size=8, classes=3).held_out().split == "test"


def test_held_out_is_still(tmp_path):
    masks(masks(tmp_path, instances=True), "val", instances=True)
    save(tmp_path / "test" / "images" / "x.png", noise())  # without label maps: nothing to compare with
    held = Masks(root=tmp_path, size=12, aspect=2.0, classes=3).held_out()
    assert held.split == "val" and held.held_out() is None and held.facts.aspect == 2.0
    one, other = (held.load(0, rng(seed)) for seed in range(2))
    assert all(torch.equal(one[name], other[name]) for name in one)
    small = Image.fromarray(numbers()[..., 0]).resize((12, 6), Image.Resampling.NEAREST)
    assert np.array_equal(one["label_map"][0].numpy(), np.asarray(small))


def test_the_demo_set_on_disk(tmp_path):
    write_demo(tmp_path / "demo", "masks", count=3, size=16)
    source = Masks(root=tmp_path / "demo", size=16, load_size=16, flip=False)
    assert source.facts.classes == PARTS and len(source.held_out()) == 1
    drawn = Demo(layout="masks", count=3, size=16, load_size=16, flip=False)
    assert all(
        torch.equal(source.load(1, rng())[name], drawn.load(1, rng())[name]) for name in drawn.facts.fields
    )


def test_settle_and_pickle_and_register(tmp_path):
    assert Masks.settle({"load_size": "auto", "classes": 3}, image_size=64)["load_size"] == 72
    source = pickle.loads(pickle.dumps(Masks(root=masks(tmp_path), size=8, classes=3, palette=COLOURS)))
    assert source.load(0, rng())["label_map"].shape == (1, 8, 8)
    registry = Registry()
    registry.add("data", "masks", Masks)
    ref = registry.resolve(
        "data", {"name": "masks", "root": "x", "palette": [[0, 0, 0]], "classes": 1}, "data"
    )
    assert ref.options["palette"] == ((0, 0, 0),)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"size": 4, "aspect": 16.0}, "aspect: 16.0 leaves no height of a width of 4"),
        ({"photos": "x", "labels": "x"}, "labels: it is also the folder of the photographs; name another"),
        ({"size": 9, "load_size": 8},
         "load_size: a crop of size 9 does not fit into pictures resized to 8; use 9 or more, or \"auto\""),
        ({"classes": ("sky", "sea"), "ignore": 1},
         "ignore: 1 is the number of class 'sea'; use 2 or more, or leave ignore out: such a class is learned like "
         "the others"),
        ({"classes": 2, "palette": COLOURS}, "palette: it has 3 colours for 2 classes; give each class one"),
        ({"classes": ("sky", "sea"), "palette": ((1, 2, 3), (1, 2, 3))},
         "palette: 'sky' and 'sea' are both [1, 2, 3]; give each class a colour of its own"),
    ],
)  # fmt: skip
def test_options_that_do_not_go_together(options, sentence):
    with pytest.raises(ValueError) as caught:
        Masks.settle(options, image_size=64)
    assert str(caught.value) == sentence


# Maps in files


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("ending", ["png", "tif"])
def test_grey_files_hold_numbers(tmp_path, dtype, ending):
    stored = noise(5, 7, 1, dtype)
    read = read_map(save(tmp_path / f"a.{ending}", stored)).numbers
    assert np.array_equal(read, stored[..., 0]) and read.dtype == (
        np.uint8 if dtype == np.uint8 else np.int32
    )


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_grey_files_of_few_bits_hold_numbers(tmp_path, bits):
    values = np.arange(16).reshape(2, 8) % 2**bits
    assert read_map(packed_png(tmp_path / "a.png", bits, values.tolist())).numbers.tolist() == values.tolist()


def test_of_a_file_with_a_palette_the_numbers_count(tmp_path):
    image = Image.fromarray(numbers()[..., 0], "P")
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    for bits in (8, 4):
        image.save(tmp_path / "a.png", bits=bits)
        stored = read_map(tmp_path / "a.png")
        assert np.array_equal(stored.numbers, numbers()[..., 0])
        assert stored.palette[:3] == ((255, 0, 0), (0, 255, 0), (0, 0, 255))


def test_alpha_does_not_count(tmp_path):
    grey = numbers()
    save(tmp_path / "a.png", np.concatenate([grey, noise(channels=1)], axis=2))
    assert np.array_equal(read_map(tmp_path / "a.png").numbers, grey[..., 0])
    colours = noise(channels=4)
    assert np.array_equal(read_map(save(tmp_path / "b.png", colours)).numbers, colours[..., :3])


def test_instances_in_colour():
    colours = np.array([[[1, 0, 0], [0, 1, 0], [255, 255, 255]]], np.uint8)
    assert instances_of(colours).tolist() == [[1, 256, 2**24 - 1]]


def test_large_numbers_survive_resizing(tmp_path):
    """In float32, half a number more than this is no number of its own."""
    for field in ("images", "labels"):
        save(tmp_path / field / "a.png", numbers(4, 4, 3, 1) if field == "labels" else noise(4, 4))
    save(
        tmp_path / "instances" / "a.png", np.full((4, 4, 3), 255, np.uint8)
    )  # beyond the whole numbers of float32 + 0.5
    source = Masks(root=tmp_path, size=6, load_size=6, classes=3)
    assert source.load(0, rng())["instance_map"].unique().tolist() == [2**24 - 1]


# Colours


def test_colours_are_classes():
    stored = np.array(COLOURS, np.uint8)[numbers()[..., 0]]
    found = Legend(("a", "b", "c"), COLOURS).classes_of(stored, "x")
    assert np.array_equal(found, numbers()[..., 0]) and found.dtype == np.uint8


def test_label_maps_in_colour(tmp_path):
    save(tmp_path / "images" / "a.png", noise())
    save(tmp_path / "labels" / "a.png", np.array(COLOURS, np.uint8)[numbers()[..., 0]])
    source = Masks(root=tmp_path, size=12, load_size=12, flip=False, classes=3, palette=COLOURS)
    assert np.array_equal(source.load(0, rng())["label_map"][0].numpy(), numbers()[..., 0])
    assert source.facts.palette == COLOURS


def test_label_maps_of_numbers_and_in_colour(tmp_path):
    """Don't-care goes with those that hold numbers."""
    grey, colours = numbers(), np.array(COLOURS, np.uint8)[numbers()[..., 0]]
    grey[0, 0] = 255
    for name, stored in (("a", grey), ("b", colours)):
        save(tmp_path / "images" / f"{name}.png", noise())
        save(tmp_path / "labels" / f"{name}.png", stored)
    options = {"size": 12, "load_size": 12, "flip": False, "classes": 3, "palette": COLOURS, "ignore": 255}
    one, other = (Masks(root=tmp_path, **options).load(index, rng())["label_map"] for index in (0, 1))
    assert one[0, 0, 0] == 3
    assert torch.equal(one.flatten()[1:], other.flatten()[1:])


@pytest.mark.parametrize(("count", "dtype"), [(255, np.uint8), (256, np.int16), (40_000, np.int32)])
def test_maps_travel_in_the_smallest_type(count, dtype):
    legend = Legend(tuple(map(str, range(count))), ignore=70_000)
    found = legend.classes_of(np.array([[0, count - 1, 70_000]]), "x")
    assert found.dtype == dtype and found.tolist() == [[0, count - 1, count]]


def test_a_legend_is_made_of_facts(tmp_path):
    source = Masks(root=masks(tmp_path), size=8, classes=("a", "b", "c"), palette=COLOURS, ignore=9)
    assert legend_of(source.facts, "label_map") == Legend(("a", "b", "c"), COLOURS, 9)


def test_a_list_of_classes(tmp_path):
    (tmp_path / "classes.txt").write_text("\ufefftraffic light\n sea \n", encoding="utf-8")
    assert read_classes(tmp_path / "classes.txt") == ("traffic light", "sea")


# The demo set


def test_demo_masks():
    held = Demo(layout="masks", count=5, size=24).held_out()
    sample, scene = held.load(0, rng()), landscape(0, "test", 0)
    assert np.array_equal(sample["label_map"][0].numpy(), label(scene, 24))
    assert np.array_equal(sample["image"].permute(1, 2, 0).numpy(), render(scene, 24))
    facts = held.facts
    assert (facts.fields, facts.maps, facts.classes) == (
        ("label_map", "image"),
        {"label_map": len(PARTS)},
        PARTS,
    )
    assert facts.palette == part_colours() and len(set(facts.palette)) == len(PARTS)
    colours = render(scene, 24, "map")
    assert np.array_equal(legend_of(facts, "label_map").classes_of(colours, "x"), label(scene, 24))


def test_demo_masks_move_alike():
    source = Demo(layout="masks", count=2, size=16, load_size=24)
    scene = landscape(0, "train", 2)
    shown = {
        (top, left, step): [
            whole[top : top + 16, left : left + 16][:, ::step]
            for whole in (label(scene, 24), render(scene, 24))
        ]
        for top in range(9)
        for left in range(9)
        for step in (1, -1)
    }
    for seed in range(4):
        sample = source.load(1, rng(seed))
        numbers, picture = sample["label_map"][0].numpy(), sample["image"].permute(1, 2, 0).numpy()
        assert any(
            np.array_equal(numbers, one) and np.array_equal(picture, other) for one, other in shown.values()
        )
