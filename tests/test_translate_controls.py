"""Controls of a trained model: the method's and the translator's own, checked in one go; some are pictures."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pytest
import torch
from many import SIZE, Many, many
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

import i2i
from i2i.core.errors import I2IError, SpecError
from i2i.pictures.pixels import resize
from i2i.translate.model import Model


def noise(height: int = 20, width: int = 30, channels: int = 3) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (height, width, channels)).astype(np.uint8)


def expected(pixels: NDArray[np.uint8]) -> Tensor:
    """A picture as the training data would hold it, in [-1, 1]."""
    return torch.from_numpy(resize(pixels, SIZE, SIZE).copy()).permute(2, 0, 1)[None] / 127.5 - 1


def read(model: Model, picture: Any, **more: Any) -> Tensor:
    return model.request({"cover": picture, **more}).pictures["cover"]


def said(model: Model, **controls: Any) -> str:
    with pytest.raises(SpecError) as error:
        model.request(controls)
    return str(error.value)


# All of them in one go


def test_everything_wrong_is_told_at_once() -> None:
    assert said(many(), sample=2, seed=-1, sync=3, noise="much", cover="missing.png") == (
        "  control.noise: input should be a number, got 'much'\n"
        "  control.seed: input should be greater than or equal to 0, got -1\n"
        "  control.sync: input should be true or false, got 3\n"
        "  control.sample: strategy 'many' has no such option\n"
        "    did you mean 'samples'? known: batch, bits, colour, cover, noise, samples, seed, sync, tile, value_range\n"
        "  control.cover: there is no file 'missing.png'"
    )


@pytest.mark.parametrize(
    ("controls", "message"),
    [
        ({"samples": 0}, "control.samples: input should be greater than or equal to 1, got 0"),
        ({"samples": 1.5}, "control.samples: input should be a whole number, got 1.5"),
        ({"samples": True}, "control.samples: input should be a whole number, got true"),
        ({"sync": "yes"}, "control.sync: input should be true or false, got 'yes'"),
        ({"seed": "3"}, "control.seed: input should be a whole number, got '3'"),
        ({"cover": 3}, "control.cover: input should be a path, got 3"),
    ],
)
def test_a_wrong_value_is_told(controls: dict[str, Any], message: str) -> None:
    assert said(many(), **controls) == f"  {message}"


def test_what_is_left_out_has_its_default() -> None:
    request = many().request({})
    assert (request.own.samples, request.own.seed, request.own.sync) == (None, 0, False)
    assert request.captions == {"output": {"colour": "", "noise": 0.1, "cover": None}}
    assert (request.field, request.pictures) == ("a", {})


def test_the_method_says_what_it_finds_wrong_with_its_controls() -> None:
    assert said(many(), colour="gren") == (
        "  control.colour: there is no 'gren'\n    did you mean 'green'? known: blue, green, red"
    )

    class Other(Many):
        def captions(self, net: i2i.Parts, controls: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
            if controls["noise"]:
                raise i2i.I2IError("noise and nonsense")
            return {}

    model = many()
    model.strategy = Other()
    assert said(model) == "  control: noise and nonsense"
    with pytest.raises(I2IError, match="these controls ask for no result at all"):
        model.request({"noise": 0.0})


# Pictures


def test_a_picture_is_read_like_the_training_data(tmp_path: Path) -> None:
    Image.fromarray(noise()).save(tmp_path / "b.png")
    read_ = read(many(), tmp_path / "b.png")
    assert (read_.shape, read_.dtype) == ((1, 3, SIZE, SIZE), torch.float32)
    assert torch.allclose(read_, expected(noise()), atol=1e-6)  # float32 rounding


def test_pictures_of_every_kind_are_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    array, model = noise(SIZE, SIZE), many()
    Image.fromarray(array).save(tmp_path / "b.png")
    monkeypatch.chdir(tmp_path)
    whole = torch.from_numpy(array).permute(2, 0, 1)
    part = whole / 255
    kinds: list[Any] = ["b.png", Path("b.png"), Image.fromarray(array), array, whole, whole[None], part]
    kinds += [part.numpy(), part.double(), array.astype(np.uint16) * 257]
    for kind in kinds:
        assert torch.allclose(read(model, kind), expected(array), atol=1e-5)  # one division, then another
    assert torch.allclose(read(model, part.bfloat16()), expected(array), atol=2**-7)  # 8 bits of mantissa
    assert torch.allclose(read(model, 2 * part - 1, value_range=(-1.0, 1.0)), expected(array), atol=1e-5)


def test_floats_are_resized_too() -> None:
    plain = torch.full((1, 3, 40, 20), 0.75)
    assert torch.allclose(read(many(), plain), torch.full((1, 3, SIZE, SIZE), 0.5), atol=1e-6)


def test_colours_become_grey_and_grey_becomes_colour() -> None:
    grey = noise(SIZE, SIZE, 1)
    assert torch.allclose(read(many(), grey[..., 0]), expected(np.repeat(grey, 3, 2)), atol=1e-6)
    colours = noise(SIZE, SIZE)
    luminance = np.array(Image.fromarray(colours).convert("L"))[..., None]
    # Pillow rounds the luminance to 8 bits
    assert torch.allclose(read(many(b=1), colours), expected(luminance), atol=1.01 / 127.5)


@pytest.mark.parametrize(
    ("picture", "why"),
    [
        (torch.zeros(2, 3, 8, 8), "it is one picture, not the 2 of a batch"),
        (noise(8, 8, 4), "the picture has 4 channels; this model takes 3"),
        (np.zeros((4, 4), bool), "an array of bool is no picture; use uint8, uint16 or floats in [0, 1]"),
        ("missing.png", "there is no file 'missing.png'"),
    ],
)
def test_what_is_no_picture_is_refused_by_the_name_of_the_control(picture: Any, why: str) -> None:
    assert said(many(), cover=picture) == f"  control.cover: {why}"


def test_a_file_that_is_no_picture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "b.png").write_bytes(b"nothing")
    assert said(many(), cover=tmp_path / "b.png").startswith(
        f"  control.cover: '{tmp_path / 'b.png'}' cannot be read: it is not an image"
    )


def test_the_method_gets_the_picture_and_is_told_that_it_was_given() -> None:
    seen: list[Any] = []

    class Seeing(Many):
        captions = i2i.Strategy.captions

        def translate(
            self,
            net: i2i.Parts,
            x: i2i.Batch,
            *,
            style: Annotated[Path, i2i.PictureOf("b")] | None = None,
        ) -> Tensor:
            seen.append((style, x.fields().get("style")))
            out: Tensor = x.a
            return out

    model = many()
    model.strategy = Seeing()
    model.translate(torch.zeros(3, 8, 8))
    assert seen[-1] == (None, None)
    model.translate(torch.zeros(3, 8, 8), style=torch.zeros(3, 4, 4))
    assert seen[-1][0] == Path("style")  # a picture in memory has no path
    assert torch.equal(seen[-1][1], -torch.ones(1, 3, SIZE, SIZE))


def test_a_field_that_the_data_lacks_is_a_sentence() -> None:
    model = many()
    model.facts = dataclasses.replace(model.facts, channels={"a": 3})
    assert said(model, cover=noise()) == (
        "  control.cover: it is a picture like those of 'b', a field that the training data does not have"
    )


def test_a_picture_is_read_once_for_many_inputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.fromarray(noise()).save(tmp_path / "b.png")
    model = many()
    request = model.request({"cover": tmp_path / "b.png", "noise": 0.0})
    (tmp_path / "b.png").unlink()
    covered = model.answer(np.full((SIZE, SIZE, 3), 7, np.uint8), request)
    assert (covered[:, SIZE // 2 :] == 7).all()
    assert np.array_equal(covered[:, : SIZE // 2], resize(noise(), SIZE, SIZE)[:, : SIZE // 2])
