import pickle

import numpy as np
import pytest
import torch
from data_helpers import fill, is_near, noise, rng, save
from PIL import Image

from i2i.core.data import Source
from i2i.core.errors import I2IError
from i2i.data.paired import Paired
from i2i.pictures.pixels import to_tensor


def side_by_side(root, count=3, **options):
    for split in ("train", "test"):
        fill(root / split, [f"{i}.png" for i in range(1, count + 1)], height=10, width=20, **options)
    return root


def plain(source, index=0):
    return {name: tensor.numpy() for name, tensor in source.load(index, rng()).items()}


def exact(root, **options):
    """A source that neither resizes nor moves pictures of 10 × 10."""
    return Paired(root=root, size=10, load_size=10, flip=False, **options)


def test_side_by_side_is_split_in_the_middle(tmp_path):
    source = exact(side_by_side(tmp_path))
    whole = to_tensor(noise(10, 20, seed=0)).numpy()
    assert isinstance(source, Source) and len(source) == 3 and source.name(0) == "train/1.png"
    assert np.array_equal(plain(source)["a"], whole[:, :, :10])
    assert np.array_equal(plain(source)["b"], whole[:, :, 10:])


def test_direction_exchanges_fields_and_facts(tmp_path):
    fill(tmp_path / "trainA", ["1.png"], channels=1)
    fill(tmp_path / "trainB", ["1.png"], channels=3)
    forth, back = Paired(root=tmp_path), Paired(root=tmp_path, direction="b-to-a")
    assert dict(forth.facts.channels) == {"a": 1, "b": 3} and dict(back.facts.channels) == {"a": 3, "b": 1}
    assert torch.equal(forth.load(0, rng(5))["a"], back.load(0, rng(5))["b"])
    assert forth.facts.truth == {"a": "b", "b": "a"} and forth.facts.fields == ("a", "b")


def test_published_pipeline_with_one_draw_for_both_halves(tmp_path):
    fill(tmp_path / "train", ["1.png"], height=40, width=80)
    source = Paired(root=tmp_path, size=32)
    image = Image.fromarray(noise(40, 80))
    left, top = torch.randint(36 - 32 + 1, (2,), generator=(numbers := rng(3))).tolist()
    mirrored = torch.rand((), generator=numbers).item() < 0.5
    sample = source.load(0, rng(3))
    for field, box in (("a", (0, 0, 40, 40)), ("b", (40, 0, 80, 40))):
        half = image.crop(box).resize((36, 36), Image.Resampling.BICUBIC)
        half = half.crop((left, top, left + 32, top + 32))
        half = half.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if mirrored else half
        assert is_near(sample[field].numpy(), np.asarray(half).transpose(2, 0, 1))


def test_a_pair_shares_its_draw(tmp_path):
    for domain in "AB":
        fill(tmp_path / f"train{domain}", ["1.png"], height=30, width=30)
    source = Paired(root=tmp_path, size=16, load_size=24)
    samples = [source.load(0, rng(seed)) for seed in range(20)]
    assert all(torch.equal(sample["a"], sample["b"]) for sample in samples)
    assert len({sample["a"].numpy().tobytes() for sample in samples}) > 10


@pytest.mark.parametrize(
    ("folders", "names"),
    [
        (("train/a", "train/b"), {}),
        (("trainA", "trainB"), {}),
        (("a/train", "b/train"), {}),
        (("train/maps", "train/photos"), {"a": "maps", "b": "photos"}),
        (("maps/train", "photos/train"), {"a": "maps", "b": "photos"}),
    ],
)
def test_two_folders_match_by_stem(tmp_path, folders, names):
    save(tmp_path / folders[0] / "x" / "1.png", noise(10, 10, seed=1))
    save(tmp_path / folders[0] / "2.bmp", noise(10, 10, seed=2))
    save(tmp_path / folders[1] / "2.png", noise(10, 10, seed=3))
    save(tmp_path / folders[1] / "x" / "1.bmp", noise(10, 10, seed=4))
    source = exact(tmp_path, **names)
    assert source.name(0) == f"{folders[0]}/2.bmp, {folders[1]}/2.png"
    assert np.array_equal(plain(source, 1)["b"], to_tensor(noise(10, 10, seed=4)).numpy())


@pytest.mark.parametrize("inside", [True, False])
def test_csv_pairs_any_names(tmp_path, inside):
    fill(tmp_path / "files", ["p.png", "q.png"], height=10, width=10)
    table = tmp_path / "train.csv"
    table.write_text("photo,map,other\nfiles/q.png,files/p.png,7\n", encoding="utf-8-sig")
    source = exact(tmp_path if inside else table, a="map", b="photo")
    assert len(source) == 1 and source.name(0) == "files/p.png, files/q.png"
    assert np.array_equal(plain(source)["b"], to_tensor(noise(10, 10, seed=1)).numpy())
    assert source.held_out() is None


def test_held_out_of_a_csv_is_a_csv(tmp_path):
    fill(tmp_path / "test", ["p.png", "q.png"], height=10, width=10)
    (tmp_path / "train.csv").write_text("a,b\ntest/q.png,test/p.png\n")
    assert exact(tmp_path).held_out() is None  # the folder `test` holds no side-by-side files
    (tmp_path / "val.csv").write_text("a,b\ntest/p.png,test/p.png\n")
    assert exact(tmp_path).held_out().name(0) == "test/p.png"


def test_held_out_is_not_augmented(tmp_path):
    source = Paired(root=side_by_side(tmp_path), size=10, load_size=14)
    held = source.held_out()
    assert (
        held.name(0) == "test/1.png"
        and len({held.load(0, rng(s))["a"].numpy().tobytes() for s in range(9)}) == 1
    )
    assert held.held_out() is None


def test_held_out_falls_back_to_val_then_to_none(tmp_path):
    side_by_side(tmp_path)
    (tmp_path / "test").rename(tmp_path / "val")
    assert exact(tmp_path).held_out().name(0) == "val/1.png"
    (tmp_path / "val").rename(tmp_path / "other")
    assert exact(tmp_path).held_out() is None


def test_held_out_must_be_stored_alike(tmp_path):
    fill(tmp_path / "train", ["1.png"], width=24)
    fill(tmp_path / "test", ["1.png"], width=24, channels=1)
    with pytest.raises(
        I2IError, match="'a' is grey in split 'test' and colour in the training split; set channels"
    ):
        exact(tmp_path).held_out()
    assert exact(tmp_path, channels=1).held_out().facts.channels["a"] == 1


@pytest.mark.parametrize(("dtype", "top"), [(np.uint8, 255), (np.uint16, 65535)])
def test_depth_is_kept_and_declared(tmp_path, dtype, top):
    side_by_side(tmp_path, dtype=dtype)
    source = exact(tmp_path)
    assert source.facts.value_range == {"a": (0, top), "b": (0, top)}
    assert np.array_equal(plain(source)["a"], noise(10, 20, dtype=dtype)[:, :10].transpose(2, 0, 1))
    assert exact(tmp_path, value_range=(0, 4095)).facts.value_range["a"] == (0, 4095)


def test_channels_override_the_files(tmp_path):
    source = exact(side_by_side(tmp_path), channels=1)
    luma = np.asarray(Image.fromarray(noise(10, 20)).convert("L"))
    assert source.facts.channels == {"a": 1, "b": 1}
    assert np.array_equal(plain(source)["a"][0], luma[:, :10])


def test_settle_writes_numbers():
    assert Paired.settle({"size": 128, "load_size": "auto"}, image_size=128)["load_size"] == 143


def test_survives_pickling(tmp_path):
    source = Paired(root=side_by_side(tmp_path), size=8)
    again = pickle.loads(pickle.dumps(source))
    assert torch.equal(source.load(1, rng(4))["b"], again.load(1, rng(4))["b"])


def test_a_file_that_changed_names_itself(tmp_path):
    source = exact(side_by_side(tmp_path))
    save(tmp_path / "train" / "2.png", noise(10, 20, channels=1))
    with pytest.raises(
        I2IError, match=r"2.png' is 8-bit grey, the other pictures are 8-bit colour; convert the file"
    ):
        source.load(1, rng())
