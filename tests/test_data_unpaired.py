import numpy as np
import pytest
import torch
from data_helpers import fill, is_near, noise, rng
from PIL import Image

from i2i.core.data import Source
from i2i.data.unpaired import Unpaired
from i2i.pictures.pixels import to_tensor


def folders(root, a=3, b=5, **options):
    for split in ("train", "test"):
        fill(root / f"{split}A", [f"{i}.png" for i in range(a)], **options)
        fill(root / f"{split}B", [f"{i}.png" for i in range(b)], **options)
    return root


def exact(root, **options):
    return Unpaired(root=root, size=12, load_size=12, flip=False, **options)


def picture(seed):
    return to_tensor(noise(seed=seed))


def test_length_is_that_of_the_larger_folder_and_a_starts_again(tmp_path):
    source = exact(folders(tmp_path))
    assert isinstance(source, Source) and len(source) == 5
    assert torch.equal(source.load(4, rng())["a"], picture(1)) and source.name(4) == "trainA/1.png"


def test_b_is_drawn_uniformly(tmp_path):
    source, numbers = exact(folders(tmp_path)), rng()
    expected = {picture(seed).numpy().tobytes(): 0 for seed in range(5)}
    for _ in range(250):
        expected[source.load(0, numbers)["b"].numpy().tobytes()] += 1
    assert all(20 < count < 80 for count in expected.values())  # 50 each, five standard deviations


def test_published_pipeline_with_independent_draws(tmp_path):
    folders(tmp_path, a=1, b=1, height=40, width=30)
    sample = Unpaired(root=tmp_path, size=32).load(0, rng(7))
    numbers = rng(7)
    torch.randint(1, (), generator=numbers)
    image = Image.fromarray(noise(40, 30)).resize((36, 36), Image.Resampling.BICUBIC)
    for field in ("a", "b"):
        left, top = torch.randint(5, (2,), generator=numbers).tolist()
        cut = image.crop((left, top, left + 32, top + 32))
        if torch.rand((), generator=numbers).item() < 0.5:
            cut = cut.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        assert is_near(sample[field].numpy(), np.asarray(cut).transpose(2, 0, 1))
    assert not torch.equal(sample["a"], sample["b"])


@pytest.mark.parametrize(
    ("made", "names"),
    [
        (("train/a", "train/b"), {}),
        (("train/horse", "train/zebra"), {"a": "horse", "b": "zebra"}),
        (("horse/train", "zebra/train"), {"a": "horse", "b": "zebra"}),
    ],
)
def test_other_layouts(tmp_path, made, names):
    for folder in made:
        fill(tmp_path / folder, ["1.png"])
    assert exact(tmp_path, **names).name(0) == f"{made[0]}/1.png"


def test_held_out_is_in_order(tmp_path):
    held = exact(folders(tmp_path)).held_out()
    assert held.name(4) == "testA/1.png, testB/4.png"
    for seed in range(3):
        assert torch.equal(held.load(4, rng(seed))["b"], picture(4))


def test_no_held_out(tmp_path):
    fill(tmp_path / "trainA", ["1.png"])
    fill(tmp_path / "trainB", ["1.png"])
    assert exact(tmp_path).held_out() is None


def test_domains_may_differ_in_channels_and_depth(tmp_path):
    fill(tmp_path / "trainA", ["1.png"], channels=1, dtype=np.uint16)
    fill(tmp_path / "trainB", ["1.png"])
    facts = exact(tmp_path).facts
    assert facts.channels == {"a": 1, "b": 3} and facts.truth == {}
    assert facts.value_range == {"a": (0, 65535), "b": (0, 255)}
    sample = exact(tmp_path).load(0, rng())
    assert (sample["a"].dtype, sample["b"].dtype) == (torch.uint16, torch.uint8)


def test_floats_need_a_range_and_keep_their_values(tmp_path):
    for domain in "AB":
        folder = tmp_path / f"train{domain}"
        folder.mkdir()
        Image.fromarray(noise(channels=1)[..., 0].astype(np.float32) / 255).save(folder / "1.tif")
    source = exact(tmp_path, value_range=(0.0, 1.0))
    assert source.load(0, rng())["a"].dtype == torch.float32
    assert source.facts.value_range["b"] == (0.0, 1.0)


def test_same_numbers_same_sample(tmp_path):
    source = Unpaired(root=folders(tmp_path), size=8)
    first, second = source.load(2, rng(9)), source.load(2, rng(9))
    assert all(torch.equal(first[field], second[field]) for field in first)
