"""Translating pictures: any size, the same kind out as in, one picture at a time, from any checkpoint."""

from __future__ import annotations

import copy
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers import registry
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor

import i2i
from i2i.core.errors import I2IError, SpecError
from i2i.nets.blocks import Dropout
from i2i.translate.translator import Model, load


@pytest.fixture(scope="module")
def cycle(unpaired_run: Path) -> Model:
    return load(unpaired_run, registry=registry(), device="cpu")


@pytest.fixture(scope="module")
def pix(paired_run: Path) -> Model:
    return load(paired_run, registry=registry(), device="cpu")


def pixels(height: int, width: int, channels: int = 3, dtype: Any = np.uint8) -> NDArray[Any]:
    """A picture of smooth noise, H×W×C or H×W."""
    shape = (height, width, channels) if channels > 1 else (height, width)
    most = np.iinfo(dtype).max
    return np.random.default_rng(0).integers(0, most + 1, shape).astype(dtype)


def floats(height: int, width: int, channels: int = 3) -> Tensor:
    return torch.rand(channels, height, width, generator=torch.Generator().manual_seed(0))


# Sizes


@pytest.mark.parametrize("size", [(32, 32), (33, 32), (31, 47), (8, 100), (5, 5), (7, 70), (64, 40)])
def test_the_output_has_the_size_of_the_input(cycle: Model, size: tuple[int, int]) -> None:
    assert cycle.translate(pixels(*size)).shape == (*size, 3)


@pytest.mark.parametrize("size", [(64, 64), (65, 64), (10, 100), (1, 1), (3, 200), (128, 64)])
def test_a_u_net_takes_any_size(pix: Model, size: tuple[int, int]) -> None:
    assert pix.translate(pixels(*size)).shape == (*size, 3)


def test_a_picture_that_fits_is_not_padded(cycle: Model) -> None:
    picture = floats(32, 48)
    with torch.no_grad():
        direct = cycle.net.G_ab.eval()(2 * picture[None] - 1)[0]
    assert torch.allclose(cycle.translate(picture), (direct + 1) / 2, atol=1e-6)  # the range is mapped twice


def test_padding_is_cropped_away(cycle: Model) -> None:
    # away from the border the surroundings are the same; the instance norm sees a little more of the mirror
    whole, part = cycle.translate(floats(32, 48)), cycle.translate(floats(32, 48)[:, :30, :45])
    assert part.shape == (3, 30, 45)
    assert (whole[:, :20, :30] - part[:, :20, :30]).abs().max() < 0.2


def test_a_picture_that_is_too_small_for_the_network_is_refused_in_words(cycle: Model) -> None:
    with pytest.raises(
        I2IError, match="a picture of 3×2 pixels cannot be translated: this ResNet needs sides"
    ):
        cycle.translate(pixels(2, 3))


# Kinds


def test_a_path_gives_a_pil_image(cycle: Model, tmp_path: Path) -> None:
    Image.fromarray(pixels(20, 30)).save(tmp_path / "a.png")
    made = cycle.translate(tmp_path / "a.png")
    assert isinstance(made, Image.Image)
    assert (made.mode, made.size) == ("RGB", (30, 20))
    assert np.array_equal(np.array(cycle.translate(str(tmp_path / "a.png"))), np.array(made))


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "P", "1", "CMYK", "LA"])
def test_a_pil_image_gives_a_pil_image(cycle: Model, mode: str) -> None:
    made = cycle.translate(Image.fromarray(pixels(20, 30)).convert(mode))
    assert isinstance(made, Image.Image)
    assert (made.mode, made.size) == ("RGB", (30, 20))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_whole_number_array_gives_the_same_type(cycle: Model, dtype: Any, channels: int) -> None:
    made = cycle.translate(pixels(20, 30, channels, dtype))
    assert made.dtype == dtype
    assert made.shape == (20, 30, 3)  # the model makes colour pictures


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
def test_a_float_array_gives_the_same_type(cycle: Model, dtype: Any) -> None:
    made = cycle.translate(floats(20, 30).numpy().astype(dtype))
    assert (made.dtype, made.shape) == (dtype, (3, 20, 30))
    assert made.min() >= 0
    assert made.max() <= 1


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.uint8, torch.uint16])
def test_a_tensor_gives_a_tensor(cycle: Model, dtype: torch.dtype) -> None:
    picture = floats(20, 30) * (1 if dtype.is_floating_point else 255)
    made = cycle.translate(picture.to(dtype))
    assert isinstance(made, Tensor)
    assert (made.dtype, made.shape) == (dtype, (3, 20, 30))


def test_kinds_agree(cycle: Model, tmp_path: Path) -> None:
    array = pixels(20, 30)
    made = cycle.translate(array)
    Image.fromarray(array).save(tmp_path / "a.png")
    assert np.array_equal(np.array(cycle.translate(tmp_path / "a.png")), made)
    assert np.array_equal(np.array(cycle.translate(Image.fromarray(array))), made)
    stored = torch.from_numpy(array).permute(2, 0, 1)
    assert np.array_equal(cycle.translate(stored).permute(1, 2, 0).numpy(), made)
    # 255 steps of the stored type: a float result rounds to the same
    assert np.array_equal((cycle.translate(stored / 255) * 255).round().permute(1, 2, 0).numpy(), made)
    assert np.array_equal((cycle.translate(array.astype(np.uint16) * 257) / 257).round(), made)


def test_a_range_of_ones_own_is_kept(cycle: Model) -> None:
    picture = floats(16, 16)
    made = cycle.translate(picture)
    wide = cycle.translate(picture * 2 - 1, value_range=(-1, 1))
    assert torch.allclose(wide, made * 2 - 1, atol=1e-5)  # float32 arithmetic


def test_grey_becomes_colour_by_repetition(cycle: Model) -> None:
    grey = pixels(16, 16, 1)
    assert np.array_equal(cycle.translate(grey), cycle.translate(np.stack([grey] * 3, -1)))


def test_sixteen_bits_are_kept(cycle: Model, tmp_path: Path) -> None:
    deep = pixels(16, 16, 1, np.uint16)
    Image.fromarray(deep).save(tmp_path / "a.png")
    made = cycle.translate(tmp_path / "a.png")
    assert made.dtype == np.uint16
    assert len(np.unique(made)) > 300  # more values than 8 bits have
    assert np.array_equal(made, cycle.translate(deep))


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "webp", "tif"])
def test_a_result_is_written_in_the_type_of_its_name(cycle: Model, tmp_path: Path, suffix: str) -> None:
    out = tmp_path / "new folder" / f"b.{suffix}"
    assert cycle.translate(pixels(16, 24), out=out) == out
    with Image.open(out) as written:
        assert (written.mode, written.size) == ("RGB", (24, 16))
        if suffix not in ("jpg", "webp"):
            assert np.array_equal(np.array(written), cycle.translate(pixels(16, 24)))


def test_deep_colours_are_written_and_read_again(cycle: Model, tmp_path: Path) -> None:
    deep = pixels(16, 24, 3, np.uint16)
    first = cycle.translate(deep, out=tmp_path / "b.png")
    # what was written is itself a picture of 16 bits, and the model reads it as such
    assert np.array_equal(cycle.translate(first), cycle.translate(cycle.translate(deep)))
    with pytest.raises(
        I2IError, match=r"b\.jpg: 3 channels of uint16 cannot be written to this type of file"
    ):
        cycle.translate(deep, out=tmp_path / "b.jpg")


@pytest.mark.parametrize(
    ("picture", "why"),
    [
        (np.zeros((4, 4), np.int64), "an array of int64 is no picture; use uint8, uint16 or floats in"),
        (np.zeros((4, 4), bool), "an array of bool is no picture"),
        (
            np.zeros((2, 2, 2, 2), np.uint8),
            r"an array of shape \(2, 2, 2, 2\) is no picture; use H×W or H×W×C",
        ),
        (np.zeros((0, 4, 3), np.uint8), "is empty"),
        (
            np.zeros((8, 8), np.float32),
            r"a picture of shape \(8, 8\) is none; float arrays and tensors are C×H×W",
        ),
        (np.zeros((8, 8, 4), np.uint8), "the picture has 4 channels; this model takes 3"),
        (np.zeros((8, 8, 3), np.float32), "the picture has 8 channels; this model takes 3"),
        (torch.zeros(3, 4, 4, dtype=torch.int64), "a tensor of int64 is no picture"),
        (torch.zeros(3), "float arrays and tensors are C×H×W or N×C×H×W"),
        (torch.zeros(0, 3, 8, 8), r"a picture of shape \(0, 3, 8, 8\) is empty"),
        (Image.new("F", (8, 8)), "a PIL image of mode 'F' has no known range; give a float array"),
        (None, "an array of object is no picture"),
        ("missing.png", "there is no file 'missing.png'"),
    ],
)
def test_what_is_no_picture_is_refused(cycle: Model, picture: Any, why: str) -> None:
    with pytest.raises(I2IError, match=why):
        cycle.translate(picture)


# One picture at a time


@pytest.mark.parametrize("kind", ["numpy", "torch"])
def test_a_batch_equals_its_pictures_one_by_one(pix: Model, kind: str) -> None:
    # batch statistics are those of each picture, and equal pictures draw equal numbers
    both = torch.stack([floats(64, 64), floats(64, 64).flip(2) ** 2])
    pictures: Any = both.numpy() if kind == "numpy" else both
    made = pix.translate(pictures)
    assert made.shape == (2, 3, 64, 64)
    for one, result in zip(pictures, made, strict=True):
        assert np.array_equal(np.asarray(pix.translate(one)), np.asarray(result))


def test_batch_norm_uses_the_statistics_of_the_picture(paired_run: Path) -> None:
    model, picture = loaded(paired_run), floats(64, 64)
    for module in model.net.G.modules():
        if isinstance(module, Dropout):
            module.rate = 0.0
    before = {name: t.clone() for name, t in model.net.G.state_dict().items()}
    training = copy.deepcopy(model.net.G).train()  # there, batch norm sees the batch: one picture
    with torch.no_grad():
        direct = training(2 * picture[None] - 1)[0]
    assert torch.allclose(
        model.translate(picture), (direct + 1) / 2, atol=1e-5
    )  # two kernels of the same norm
    assert same(model, before)


def test_a_batch_is_not_written_to_one_file(pix: Model, tmp_path: Path) -> None:
    with pytest.raises(I2IError, match="a file holds one picture, not the 2 of a batch"):
        pix.translate(torch.zeros(2, 3, 64, 64), out=tmp_path / "b.png")


def test_the_seed_fixes_dropout(pix: Model) -> None:
    picture = floats(64, 64)
    first = pix.translate(picture, seed=1)
    torch.rand(3)  # the numbers do not come from the global generator
    assert torch.equal(pix.translate(picture, seed=1), first)
    assert not torch.equal(pix.translate(picture, seed=2), first)


def test_the_draws_of_a_file_belong_to_its_name(pix: Model, tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        Image.fromarray(pixels(64, 64)).save(tmp_path / name)
    one, other = (np.array(pix.translate(tmp_path / name)) for name in ("a.png", "b.png"))
    assert not np.array_equal(one, other)
    (tmp_path / "folder").mkdir()
    shutil.copy(tmp_path / "a.png", tmp_path / "folder/a.png")
    assert np.array_equal(np.array(pix.translate(tmp_path / "folder/a.png")), one)


def test_a_method_without_dropout_ignores_the_seed(cycle: Model) -> None:
    assert torch.equal(cycle.translate(floats(16, 16), seed=1), cycle.translate(floats(16, 16), seed=2))


def test_no_gradients_and_no_changed_modes(pix: Model) -> None:
    before = {name: part.training for name, part in pix.net.modules().items()}
    assert not pix.translate(floats(64, 64).requires_grad_()).requires_grad
    assert {name: part.training for name, part in pix.net.modules().items()} == before


# Controls


def test_back_goes_the_other_way(cycle: Model) -> None:
    there, back = cycle.translate(floats(16, 16)), cycle.translate(floats(16, 16), back=True)
    with torch.no_grad():
        direct = cycle.net.G_ba.eval()(2 * floats(16, 16)[None] - 1)[0]
    assert not torch.equal(there, back)
    assert torch.allclose(back, (direct + 1) / 2, atol=1e-6)


@pytest.mark.parametrize(
    ("controls", "said"),
    [
        (
            {"bakc": True},
            "  control.bakc: strategy 'cyclegan' has no such option\n    did you mean 'back'? known: back",
        ),
        ({"back": "yes"}, "  control.back: input should be true or false, got 'yes'"),
        ({"back": 1}, "  control.back: input should be true or false, got 1"),
    ],
)
def test_controls_are_checked(cycle: Model, controls: dict[str, Any], said: str) -> None:
    with pytest.raises(SpecError) as error:
        cycle.translate(floats(16, 16), **controls)
    assert str(error.value) == said


# Which weights


def weights(folder: Path, name: str) -> dict[str, Tensor]:
    return load_file(folder / f"{name}.safetensors")


def same(model: Model, stored: dict[str, Tensor]) -> bool:
    state = model.net.G.state_dict()
    return state.keys() == stored.keys() and all(torch.equal(state[name], stored[name]) for name in state)


def loaded(path: object) -> Model:
    return load(str(path), registry=registry(), device="cpu")


def test_averaged_weights_are_used_where_they_exist(paired_run: Path, pix: Model) -> None:
    folder = paired_run / "checkpoints/step-000004"
    assert same(pix, weights(folder, "G.ema"))
    assert not same(pix, weights(folder, "G"))


def test_a_step_and_best_can_be_named(paired_run: Path) -> None:
    checkpoints = paired_run / "checkpoints"
    best = (checkpoints / "best").read_text(encoding="utf-8").strip()
    assert same(loaded(f"{paired_run}@4"), weights(checkpoints / "step-000004", "G.ema"))
    assert same(loaded(f"{paired_run}@2"), weights(checkpoints / "step-000002", "G.ema"))
    assert same(loaded(f"{paired_run}@000002"), weights(checkpoints / "step-000002", "G.ema"))
    assert same(loaded(f"{paired_run}@best"), weights(checkpoints / best, "G.ema"))
    assert same(loaded(f"{paired_run}@latest"), weights(checkpoints / "step-000004", "G.ema"))


def test_a_checkpoint_folder_stands_alone(paired_run: Path, tmp_path: Path, pix: Model) -> None:
    alone = shutil.copytree(paired_run / "checkpoints/step-000004", tmp_path / "alone")
    assert torch.equal(loaded(alone).translate(floats(64, 64)), pix.translate(floats(64, 64)))


def test_a_run_may_have_been_moved(unpaired_run: Path, tmp_path: Path, cycle: Model) -> None:
    moved = shutil.copytree(unpaired_run, tmp_path / "a@b run")
    for path in (moved, f"{moved}@latest"):
        assert torch.equal(loaded(path).translate(floats(16, 16)), cycle.translate(floats(16, 16)))


def test_a_missing_checkpoint_lists_what_there_is(paired_run: Path) -> None:
    with pytest.raises(I2IError) as error:
        loaded(f"{paired_run}@3")
    assert str(error.value) == f"{paired_run} has no checkpoint '3'; it has latest, best, 2, 4"
    with pytest.raises(I2IError, match="has no checkpoint 'bets'; it has latest, best, 2, 4"):
        loaded(f"{paired_run}@bets")


def test_a_missing_run_names_the_nearest(paired_run: Path) -> None:
    with pytest.raises(I2IError) as error:
        loaded(paired_run.with_name("rum"))
    assert str(error.value) == (
        f"{paired_run.with_name('rum')}: this is neither a run folder nor a checkpoint\n"
        "    did you mean 'run'? known: run"
    )


def test_a_damaged_checkpoint_is_refused(paired_run: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(paired_run / "checkpoints/step-000004", tmp_path / "damaged")
    (folder / "G.safetensors").write_bytes(b"nonsense")
    with pytest.raises(I2IError, match=r"damaged cannot be read \(.*\); use another checkpoint"):
        loaded(folder)


def test_weights_that_do_not_fit_are_refused(paired_run: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(paired_run / "checkpoints/step-000004", tmp_path / "other")
    text = (folder / "spec.toml").read_text(encoding="utf-8")
    (folder / "spec.toml").write_text(text.replace("width = 4", "width = 8", 1), encoding="utf-8")
    with pytest.raises(
        I2IError, match=r"other: the weights of G do not fit its spec\.toml: size .* \(and \d+ more\)$"
    ):
        loaded(folder)


def test_missing_weights_are_refused(paired_run: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(paired_run / "checkpoints/step-000004", tmp_path / "other")
    entries = weights(folder, "G.ema")
    entries.pop("down.0.conv.weight")
    save_file(entries, folder / "G.ema.safetensors")
    with pytest.raises(I2IError, match=r"of G do not fit its spec\.toml: Missing key\(s\) in state_dict"):
        loaded(folder)


def test_a_run_without_a_checkpoint_says_so(paired_run: Path, tmp_path: Path) -> None:
    shutil.copytree(paired_run, tmp_path / "run", ignore=shutil.ignore_patterns("step-*", "latest", "best"))
    with pytest.raises(I2IError, match="has no checkpoint 'latest'; it has none yet"):
        loaded(tmp_path / "run")


def test_a_device_that_is_not_here_is_refused(paired_run: Path) -> None:
    with pytest.raises(I2IError, match="there is no device 'gpu'"):
        load(paired_run, registry=registry(), device="gpu")


def test_the_facts_of_the_data_are_those_of_the_training(paired_run: Path, pix: Model) -> None:
    stored = json.loads((paired_run / "checkpoints/step-000004/state.json").read_text(encoding="utf-8"))[
        "data"
    ]
    assert pix.facts.channels == stored["channels"]
    assert pix.facts.value_range["a"] == (0.0, 255.0)
    assert i2i.load is load
