"""Which codes BicycleGAN's generator is given, and what its rows of pictures are called."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from i2i.core.batch import Batch, Draws, Parts
from i2i.core.errors import I2IError
from i2i.core.strategy import Inference
from i2i_bicyclegan import BicycleGAN

METHOD = BicycleGAN(latent=2)
A, B = Path("a.png"), Path("b.png")


def encoder(pictures: Tensor) -> tuple[Tensor, Tensor]:
    """The mean is the colour of the first pixel, the log-variance far from it."""
    return pictures[:, :2, 0, 0], pictures[:, :2, 0, 0] + 100


NET = Parts({"G": lambda pictures, codes: codes, "E": encoder})


def batch(**values: float) -> Batch:
    """Three inputs, and pictures of one colour."""
    pictures = {name: torch.full((1, 3, 4, 4), value) for name, value in values.items()}
    return Batch({"a": torch.zeros(3, 3, 4, 4), **pictures}, Draws(("a key",), range(3)))


def drawn(count: int) -> list[Tensor]:
    draws = Draws(("a key",), range(3))
    return [draws.normal(torch.zeros(3, 2)) for _ in range(count)]


def test_a_random_code_for_each_picture() -> None:
    (codes,) = drawn(1)
    assert torch.equal(METHOD.translate(NET, batch()), codes)
    assert len({tuple(code) for code in codes.tolist()}) == 3


def test_a_picture_gives_the_mean_of_its_code_to_all() -> None:
    codes = METHOD.translate(NET, batch(style=2.0), style=A)
    assert torch.equal(codes, torch.full((3, 2), 2.0))


@pytest.mark.parametrize(("mix", "code"), [(0.25, 2.5), (1.0, 4.0)])
def test_a_mixture_goes_from_the_first_picture_to_the_second(mix: float, code: float) -> None:
    codes = METHOD.translate(NET, batch(style=2.0, style_to=4.0), style=A, style_to=B, mix=mix)
    assert torch.equal(codes, torch.full((3, 2), code))


def test_a_code_that_is_given_is_used_for_all() -> None:
    assert torch.equal(METHOD.translate(NET, batch(), code=(1.0, -2.0)), torch.tensor([[1.0, -2.0]] * 3))
    mixed = METHOD.translate(NET, batch(style_to=4.0), code=(0.0, 2.0), style_to=B, mix=0.5)
    assert torch.equal(mixed, torch.tensor([[2.0, 3.0]] * 3))


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"code": (1.0,)}, "code: it has 1 numbers; the codes of this model have 2"),
        ({"code": (1.0, 2.0), "style": A}, "code: style is a picture whose code is used"),
    ],
)
def test_a_code_that_cannot_be_used_is_refused(asked: dict[str, Any], message: str) -> None:
    with pytest.raises(I2IError, match=message):
        METHOD.captions(NET, asked)


def test_either_end_may_be_random() -> None:
    one, two = drawn(2)
    assert torch.equal(METHOD.translate(NET, batch(), mix=0.25), one.lerp(two, 0.25))
    to_picture = METHOD.translate(NET, batch(style_to=4.0), style_to=B, mix=0.25)
    assert torch.equal(to_picture, one.lerp(torch.full((3, 2), 4.0), 0.25))


def test_an_interpolation_is_a_row_of_equal_steps() -> None:
    asked = {"style": A, "style_to": None, "mix": 0.0, "interpolate": 3}
    row = METHOD.captions(NET, asked)
    assert [*row] == ["0%", "50%", "100%"]
    assert [*row.values()] == [{**asked, "interpolate": None, "mix": part} for part in (0.0, 0.5, 1.0)]
    alone = {**asked, "interpolate": None}
    long = [*METHOD.captions(NET, {**asked, "interpolate": 201})]
    assert (len(long), long[:3]) == (201, ["0.0%", "0.5%", "1.0%"])
    assert METHOD.captions(NET, alone) == {"output": alone}


@pytest.mark.parametrize(
    ("controls", "sentence"),
    [
        ({"interpolate": 3, "mix": 0.5}, "mix: interpolate shows the whole way"),
        ({"interpolate": None, "mix": 0.0, "style_to": B}, "style_to: nothing leads there"),
    ],
)
def test_controls_that_would_be_ignored(controls: dict[str, Any], sentence: str) -> None:
    with pytest.raises(I2IError, match=f"^{sentence}"):
        METHOD.captions(NET, controls)


def test_a_preview_shows_the_code_of_the_target_and_three_random_ones() -> None:
    x = batch()
    x.b = torch.arange(3.0).view(3, 1, 1, 1).expand(3, 3, 4, 4)
    shown = METHOD.preview(NET, x)
    assert [*shown] == ["input", "code of the target", *(f"random code {k}" for k in (1, 2, 3))]
    assert torch.equal(shown["code of the target"], x.b[:, :2, 0, 0])
    assert all(torch.equal(shown[f"random code {k}"], codes) for k, codes in enumerate(drawn(3), 1))


def test_dropout_is_off() -> None:
    assert METHOD.inference == Inference(dropout=False)
