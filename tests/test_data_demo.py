import pickle

import numpy as np
import pytest
import torch
from data_helpers import rng

from i2i.core.data import Labelled, Source
from i2i.data import Images, write_demo
from i2i.data.demo import Demo, hour, landscape
from i2i.data.painting import measure, render
from i2i.data.scenes import ATTRIBUTES, COLOURS, KINDS


def test_a_source_with_truth():
    source = Demo()
    assert isinstance(source, Source) and len(source) == 200 and source.name(3) == "demo train 3"
    assert source.facts.fields == ("a", "b", "true_b", "true_a")
    assert source.facts.truth == {"a": "true_b", "b": "true_a"}
    assert Demo(layout="paired").facts.truth == {"a": "b", "b": "a"}


@pytest.mark.parametrize("layout", ["unpaired", "paired"])
def test_facts_hold(layout):
    source = Demo(layout=layout, size=32)
    sample = source.load(0, rng())
    assert set(sample) == set(source.facts.fields) == set(source.facts.channels)
    assert all(tensor.shape == (3, 32, 32) and tensor.dtype == torch.uint8 for tensor in sample.values())


def test_same_seed_same_pictures():
    first, again, other = (Demo(seed=seed).load(5, rng(2)) for seed in (0, 0, 1))
    assert all(torch.equal(first[f], again[f]) for f in first)
    assert not torch.equal(first["a"], other["a"])


def test_train_and_test_share_no_scene():
    scenes = {landscape(0, split, number) for split in ("train", "test") for number in range(200)}
    assert len(scenes) == 400


def test_domains_share_no_scene():
    held = Demo(count=50).held_out()
    days = {held.load(i, rng())[f].numpy().tobytes() for i in range(10) for f in ("a", "true_a")}
    assert len(days) == 20


def views(picture, size):
    """Every crop of a picture, plain and mirrored."""
    room = range(len(picture) - size + 1)
    crops = [picture[top : top + size, left : left + size] for top in room for left in room]
    return [view.transpose(2, 0, 1).tobytes() for crop in crops for view in (crop, crop[:, ::-1])]


def test_truth_is_the_same_scene_in_the_other_light_moved_alike():
    source = Demo(size=32, load_size=36)
    by_day, by_night = (views(render(landscape(0, "train", 8), 36, style), 32) for style in ("day", "night"))
    places = set()
    for seed in range(6):
        sample = {name: tensor.numpy().tobytes() for name, tensor in source.load(4, rng(seed)).items()}
        place = by_day.index(sample["a"])
        assert by_night[place] == sample["true_b"] and sample["true_a"] not in by_day
        places.add(place)
    assert len(places) > 2


def test_paired_is_map_and_day():
    held = Demo(layout="paired", size=24).held_out()
    sample = held.load(2, rng())
    for field, style in (("a", "map"), ("b", "day")):
        assert np.array_equal(
            sample[field].permute(1, 2, 0).numpy(), render(landscape(0, "test", 4), 24, style)
        )


def test_held_out_is_in_order_and_still():
    held = Demo(count=30).held_out()
    assert len(held) == 6 and held.held_out() is None
    samples = [held.load(1, rng(seed)) for seed in range(4)]
    assert all(torch.equal(samples[0][f], sample[f]) for sample in samples for f in sample)
    by_night = render(landscape(0, "test", 3), 64, "night").transpose(2, 0, 1)
    assert np.array_equal(samples[0]["b"].numpy(), by_night)


def test_training_draws_partners():
    source = Demo(count=20, load_size=64, flip=False)
    assert len({source.load(0, rng(seed))["b"].numpy().tobytes() for seed in range(30)}) > 8


def test_small_counts_have_a_test_scene():
    assert len(Demo(count=1).held_out()) == 1


def test_settle_and_pickle():
    assert Demo.settle({"load_size": "auto"}, image_size=64) == {"load_size": 72, "size": 64}
    source = Demo(count=3)
    again = pickle.loads(pickle.dumps(source))
    assert torch.equal(source.load(0, rng())["b"], again.load(0, rng())["b"])


def test_pictures_are_kept(monkeypatch):
    source = Demo(count=2, layout="paired")
    first = source.load(0, rng())
    monkeypatch.setattr("i2i.data.demo.render", None)
    assert torch.equal(source.load(0, rng())["a"], first["a"])


def test_domains_are_what_can_be_measured():
    source = Demo(layout="domains", size=64, load_size=64, flip=False)
    for index in range(6):
        sample = source.load(index, rng())
        found = measure(sample["image"].permute(1, 2, 0).numpy())
        assert sample["domain"].tolist() == [float(found[name]) for name in ATTRIBUTES]


def test_domains_are_facts_and_labels():
    source = Demo(layout="domains", size=32)
    facts, sample = source.facts, source.load(3, rng(1))
    assert isinstance(source, Labelled) and source.group(5) == 0
    assert facts.fields == ("image", "domain", "target") and facts.channels == {"image": 3}
    assert facts.vectors == {"domain": 5, "target": 5}
    assert facts.domains == ATTRIBUTES and facts.exclusive == (COLOURS,)
    assert sample["image"].shape == (3, 32, 32) and sample["domain"].dtype == torch.float32
    assert torch.equal(sample["domain"], source.domain(3, rng(2)))
    assert sample["domain"][:3].sum() == 1
    held = source.held_out()
    assert held.facts.domains == ATTRIBUTES and held.name(0) == "demo test 0"


def test_in_any_light_a_map_has_many_pictures_and_a_scene_one():
    source = Demo(layout="paired", light="any", size=24, load_size=24, flip=False)
    for index in (0, 1):
        at = hour(0, "train", 2 * index)
        day, night = (
            render(landscape(0, "train", 2 * index), 24, style).astype(float) for style in ("day", "night")
        )
        shown = source.load(index, rng(5))["b"].permute(1, 2, 0).numpy()
        assert (
            np.abs(shown - ((1 - at) * day + at * night)).max() <= 0.51
        )  # rounded to whole numbers, in float32
        assert np.array_equal(
            shown,
            Demo(layout="paired", light="any", size=24, load_size=24, flip=False)
            .load(index, rng(6))["b"]
            .permute(1, 2, 0)
            .numpy(),
        )
    assert torch.equal(
        source.load(0, rng())["a"],
        Demo(layout="paired", size=24, load_size=24, flip=False).load(0, rng())["a"],
    )


def test_hours_are_spread_over_the_day():
    hours = [hour(0, "train", number) for number in range(200)]
    assert min(hours) < 0.05 and max(hours) > 0.95 and 0.4 < np.mean(hours) < 0.6  # five standard deviations


@pytest.mark.parametrize("layout", ["unpaired", "domains", None])
def test_light_with_another_layout_is_refused(layout):
    options = {"light": "any", "load_size": "auto"} | ({"layout": layout} if layout else {})
    with pytest.raises(ValueError) as caught:
        Demo.settle(options, image_size=64)
    assert str(caught.value) == "light: only the layout 'paired' is shown in another light; leave it out"
    assert Demo.settle(options | {"layout": "paired"}, image_size=64)["load_size"] == 72


def test_held_out_is_lit_as_the_training_pictures_are():
    held = Demo(layout="paired", light="any", count=10, size=24).held_out()
    day = render(landscape(0, "test", 2), 24, "day").transpose(2, 0, 1)
    assert not np.array_equal(held.load(1, rng())["b"].numpy(), day)


def test_images_are_shapes_and_their_kinds():
    source = Demo(layout="images", size=32, count=7)
    facts, sample = source.facts, source.load(4, rng())
    assert isinstance(source, Source) and len(source) == 7
    assert facts.fields == ("image", "label") and facts.channels == {"image": 3}
    assert facts.labels == {"label": 3} and facts.classes == KINDS and facts.truth == {}
    assert set(sample) == {"image", "label"} and sample["image"].shape == (3, 32, 32)
    assert sample["label"].dtype == torch.int64 and facts.classes[sample["label"]] == "square"


@pytest.mark.parametrize("split", ["train", "test"])
def test_images_are_those_that_are_written(tmp_path, split):
    write_demo(tmp_path / "shapes", "images", count=20, size=24, seed=3)
    folder = Images(root=tmp_path / "shapes", split=split, size=24)
    source = Demo(layout="images", split=split, count=20, size=24, load_size=24, flip=False, seed=3)
    assert len(source) == len(folder)
    drawn, written = (
        {
            (s["image"].numpy().tobytes(), int(s["label"]))
            for s in (each.load(i, rng()) for i in range(len(each)))
        }
        for each in (source, folder)
    )
    assert drawn == written and source.facts == folder.facts


def test_held_out_images():
    source = Demo(layout="images", size=24, count=15)
    held = source.held_out()
    assert len(held) == 3 and held.facts == source.facts and held.name(2) == "demo test 2"
    assert [int(held.load(i, rng())["label"]) for i in range(3)] == [0, 1, 2]
    assert torch.equal(held.load(1, rng(0))["image"], held.load(1, rng(1))["image"])
