"""A trained model: any size, the same kind out as in, one picture at a time, one result or several."""

from __future__ import annotations

import copy
import shutil
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers import registry, unequal
from many import Many, many
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from i2i.core.errors import I2IError, SpecError
from i2i.core.registry import TRANSLATORS
from i2i.nets.blocks import Dropout
from i2i.translate.loading import load
from i2i.translate.model import Model


@pytest.fixture(scope="module")
def cycle(unpaired_run: Path) -> Model:
    return load(
        unpaired_run, registry=registry(), device="cpu", precision="fp32"
    )  # for floats and bytes alike


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


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (7, 4)])
def test_a_picture_below_the_least_side_of_the_network_is_grown_and_cut_back(
    cycle: Model, size: tuple[int, int]
) -> None:
    assert cycle.translate(pixels(*size)).shape == (*size, 3)


def test_a_grid_of_nothing_is_refused(cycle: Model) -> None:
    with pytest.raises(I2IError, match="a grid shows files; name one at least"):
        cycle.grid([])


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
    assert (made.mode, made.size) == ("RGBA" if mode.endswith("A") else "RGB", (30, 20))  # alpha stays


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
    with pytest.raises(I2IError, match=r"b\.jpg: 3 channels of uint16 cannot be written to \.jpg"):
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
        (
            np.zeros((8, 8, 3), np.float32),
            "the picture has 8 channels; this model takes 3; the channels come first",
        ),
        (torch.zeros(3, 4, 4, dtype=torch.int64), "a tensor of int64 is no picture"),
        (torch.zeros(3), "float arrays and tensors are C×H×W or N×C×H×W"),
        (torch.zeros(0, 3, 8, 8), r"a picture of shape \(0, 3, 8, 8\) is empty"),
        (Image.new("F", (8, 8)), "a PIL image of mode 'F' has no known range; give a float array"),
        (None, "an array of object is no picture"),
        ("missing.png", "there is no file 'missing.png'"),
        (Path(__file__).parent, "tests' is a folder; name a picture"),
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
    model, picture = load(paired_run, registry=registry(), device="cpu"), floats(64, 64)
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
    assert not unequal(model.net.G.state_dict(), before)


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
            "  control.bakc: strategy 'cyclegan' has no such option\n"
            "    did you mean 'back'? known: back, batch, bits, samples, seed, sync, tile, value_range",
        ),
        ({"back": "yes"}, "  control.back: input should be true or false, got 'yes'"),
        ({"back": 1}, "  control.back: input should be true or false, got 1"),
    ],
)
def test_controls_are_checked(cycle: Model, controls: dict[str, Any], said: str) -> None:
    with pytest.raises(SpecError) as error:
        cycle.translate(floats(16, 16), **controls)
    assert str(error.value) == said


# Several results


@pytest.fixture
def named(tmp_path: Path) -> list[Path]:
    """Two files of one picture."""
    files = [tmp_path / name for name in ("a.png", "b.png")]
    for file in files:
        Image.fromarray(pixels(12, 18)).save(file)
    return files


def array(picture: Any) -> NDArray[Any]:
    return np.asarray(picture)


def test_samples_are_a_list_that_starts_with_the_usual_result(named: list[Path]) -> None:
    made = many().translate(named[0], samples=3, seed=4)
    assert [(type(each), each.size) for each in made] == [(Image.Image, (18, 12))] * 3
    assert np.array_equal(array(made[0]), array(many().translate(named[0], seed=4)))
    assert len({each.tobytes() for each in made}) == 3
    again = many().translate(named[0], samples=2, seed=4)
    assert [each.tobytes() for each in again] == [each.tobytes() for each in made[:2]]
    assert many().translate(named[0], samples=3, seed=5)[1].tobytes() != made[1].tobytes()


def test_one_sample_is_a_list_too(named: list[Path]) -> None:
    (made,) = many().translate(named[0], samples=1)
    assert np.array_equal(array(made), array(many().translate(named[0])))


def test_the_numbers_belong_to_the_name_unless_they_are_in_sync(named: list[Path]) -> None:
    def made(**more: Any) -> list[list[bytes]]:
        return [[each.tobytes() for each in many().translate(file, samples=2, **more)] for file in named]

    one, other = made()
    assert len({*one, *other}) == 4
    one, other = made(sync=True)
    assert one == other
    assert one[0] != one[1]


def test_captions_are_a_dict() -> None:
    picture = floats(8, 8)
    made = many().translate(picture, colour="all", noise=0.0)
    assert list(made) == ["red", "green", "blue"]
    for n, name in enumerate(made):
        alone = torch.where(torch.arange(3).view(3, 1, 1) == n, picture, 0.0)
        assert torch.allclose(made[name], alone, atol=1e-6)  # the range is mapped twice
        assert torch.equal(made[name], many().translate(picture, colour=name, noise=0.0))


def test_captions_with_samples_are_a_dict_of_lists() -> None:
    made = many().translate(floats(8, 8), colour="all", samples=2)
    assert {name: len(each) for name, each in made.items()} == {"red": 2, "green": 2, "blue": 2}
    for name, (first, second) in made.items():
        assert torch.equal(first, many().translate(floats(8, 8), colour=name))
        assert not torch.equal(first, second)


@pytest.mark.parametrize("kind", ["numpy", "torch", "pil", "bytes"])
def test_each_result_is_of_the_kind_that_came_in(kind: str) -> None:
    stored = pixels(8, 10)
    picture: Any = {
        "numpy": floats(8, 10).numpy(),
        "torch": floats(8, 10),
        "pil": Image.fromarray(stored),
        "bytes": stored,
    }[kind]
    plain = many().translate(picture)
    for each in many().translate(picture, samples=2):
        assert type(each) is type(plain)
        assert array(each).shape == array(plain).shape
        assert array(each).dtype == array(plain).dtype


def test_a_batch_has_its_samples_as_batches() -> None:
    both = torch.stack([floats(8, 8), floats(8, 8).flip(2)])
    made = many().translate(both, samples=2)
    assert [each.shape for each in made] == [(2, 3, 8, 8)] * 2
    for n, one in enumerate(both):
        assert all(map(torch.equal, many().translate(one, samples=2), (each[n] for each in made)))


def test_several_results_are_written_beside_each_other(named: list[Path], tmp_path: Path) -> None:
    out, model = tmp_path / "out/new.png", many()
    written = model.translate(named[0], out=out, colour="all", samples=2)
    names = [f"new-{name}-{k}.png" for name in ("red", "green", "blue") for k in (1, 2)]
    assert written == [out.with_name(name) for name in names]
    assert sorted(path.name for path in out.parent.iterdir()) == sorted(names)
    made = [each for row in model.translate(named[0], colour="all", samples=2).values() for each in row]
    assert all(np.array_equal(array(Image.open(f)), array(m)) for f, m in zip(written, made, strict=True))
    assert model.translate(named[0], out=out, samples=1) == [out.with_name("new-1.png")]
    assert model.translate(named[0], out=out, colour="red") == out


def test_samples_of_a_method_that_draws_nothing_are_refused(cycle: Model, tmp_path: Path) -> None:
    with pytest.raises(
        I2IError, match=r"^control\.samples: .* draws no random numbers, .* leave samples out$"
    ):
        cycle.translate(floats(16, 16), samples=2)
    with pytest.raises(I2IError, match="leave samples out"):
        many().translate(floats(8, 8), noise=0.0, samples=3)
    with pytest.raises(I2IError, match="leave samples out"):
        cycle.translate(pixels(16, 16), samples=2, out=tmp_path / "x.png")
    assert not list(tmp_path.iterdir())


def test_dropout_makes_samples(pix: Model) -> None:
    first, second = pix.translate(floats(64, 64), samples=2)
    assert torch.equal(first, pix.translate(floats(64, 64)))
    assert not torch.equal(first, second)


def test_every_result_is_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    translate = Many.translate

    def counted(self: Many, net: Any, x: Any, **controls: Any) -> Tensor:
        calls.append((controls["colour"], x.random.samples))
        return translate(self, net, x, **controls)

    model = many()
    request = model.request({"colour": "all", "samples": 2})
    model.answer(floats(8, 8), request)  # the first time the networks are probed too
    monkeypatch.setattr(Many, "translate", counted)
    model.answer(floats(8, 8), request)
    numbers = [numbers for _, numbers in calls[:2]]  # each colour of the same two draws
    assert calls == [(name, each) for name in ("red", "green", "blue") for each in numbers]
    assert numbers[0] != numbers[1]


def test_nobody_else_may_have_the_keywords_of_a_translation() -> None:
    keywords = {*signature(Model.translate).parameters, *signature(Model.grid).parameters}
    assert keywords - {"self", "paths", "controls"} == TRANSLATORS
