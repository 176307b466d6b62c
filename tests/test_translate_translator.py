"""A trained model as a torch module: what it takes, and that it does what the model does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from helpers import registry, strategies
from many import SIZE, many
from untrained import CHOSEN, numbers, untrained

from i2i.core.errors import I2IError, SpecError
from i2i.translate.exporting.fixed import fixed_request
from i2i.translate.exporting.module import as_module
from i2i.translate.exporting.rehearsal import random_fields, rehearse
from i2i.translate.exporting.translator import grown
from i2i.translate.loading import load
from i2i.translate.model import Model
from i2i.translate.padding import pad
from i2i.translate.probing import Needs


@pytest.fixture(scope="module")
def cycle(unpaired_run: Path) -> Model:
    model = load(unpaired_run, registry=registry(), device="cpu")
    model.precision = "fp32"  # pictures of 8 bits go through in bf16 where the CPU knows it
    return model


@pytest.fixture(scope="module")
def pix(paired_run: Path) -> Model:
    return load(paired_run, registry=registry(), device="cpu")


# What it computes


@pytest.mark.parametrize("name", strategies())
def test_it_does_what_the_model_does_with_equal_random_numbers(name: str) -> None:
    model = untrained(name)
    module = as_module(model, CHOSEN.get(name, {}))
    request = fixed_request(model, CHOSEN.get(name, {}))
    fields = random_fields(model, module.fixed.fields, (3, 45, 70), torch.Generator().manual_seed(1))
    done = rehearse(model, request, fields, dropout=False)
    given = [*fields.values()] if module.fixed.fields else []
    result = module(*given, *(drawn.numbers for drawn in done.drawn))
    # the critic of StarGAN and the resized norms of SPADE see the same pictures in the same order: no rounding differs
    assert torch.equal(result, done.made)
    assert [tuple(d.numbers.shape[1:]) for d in done.drawn] == [
        t.shape[1:] for t in module.takes[len(given) :]
    ]


@pytest.mark.parametrize("size", [(32, 32), (33, 47), (5, 3), (1, 70)])
def test_pixels_go_in_and_out_as_translate_gives_them(cycle: Model, size: tuple[int, int]) -> None:
    picture = (numbers(*size, 3) * 256).byte().numpy()
    module = as_module(cycle, {}, pixels=True)
    given = torch.from_numpy(picture).permute(2, 0, 1)[None].float()
    result = module(given)[0].permute(1, 2, 0)
    assert np.array_equal(result.byte().numpy(), cycle.translate(picture))
    assert torch.equal(result, result.round())


def test_without_pixels_it_is_between_minus_one_and_one(cycle: Model) -> None:
    picture = numbers(3, 40, 33)
    result = as_module(cycle, {"back": True})(2 * picture[None] - 1)[0]
    assert torch.allclose((result + 1) / 2, cycle.translate(picture, back=True), atol=1e-6)  # mapped twice


@pytest.mark.parametrize("needs", [Needs(4, 8), Needs(64, 64), Needs(1, 7), Needs(3, 6)])
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (2, 65), (64, 63), (8, 200)])
def test_it_pads_as_translate_does(needs: Needs, size: tuple[int, int]) -> None:
    picture = numbers(2, 3, *size)
    assert torch.equal(grown(picture, needs, size), pad(picture, needs.multiple, needs.least))
    places = (picture * 5).long()
    assert torch.equal(grown(places, needs, size), pad(places, needs.multiple, needs.least))


def test_with_pixels_numbers_of_classes_stay_as_they_are() -> None:
    model, drawn = untrained("spade"), torch.zeros(1, 3)
    labels = torch.arange(32 * 32).reshape(1, 1, 32, 32) % model.facts.maps["label_map"]
    plain, pixels = (as_module(model, {}, pixels=each)(labels, drawn) for each in (False, True))
    assert torch.equal(pixels, ((plain + 1) * 127.5).clamp(0, 255).round())


# Dropout


def test_dropout_is_off_unless_its_numbers_are_inputs(pix: Model) -> None:
    plain, drawing = as_module(pix, {}), as_module(pix, {}, dropout=True)
    assert [take.name for take in plain.takes] == ["picture"]
    name, kind, shape = (drawing.takes[1].name, drawing.takes[1].kind, drawing.takes[1].shape)
    assert (name, kind) == ("dropout", "dropout")
    assert shape == ("batch", 32, "padded_height/16", "padded_width/16")
    picture = numbers(2, 3, 70, 64)
    kept = torch.ones(2, 32, 8, 4)
    assert not torch.equal(drawing(picture, kept), plain(picture))  # what is kept counts twice
    assert torch.equal(plain(picture), plain(picture))


def test_dropout_that_the_method_does_not_keep_is_refused(cycle: Model) -> None:
    with pytest.raises(I2IError, match="dropout: this model has none when it translates; leave it out"):
        as_module(cycle, {}, dropout=True)


# What it holds


def test_it_has_networks_of_its_own_and_those_it_needs_alone(cycle: Model) -> None:
    module = as_module(cycle, {})
    assert {name.split(".")[1] for name in module.state_dict()} == {"G_ab"}
    before = cycle.net.G_ab.head.weight.clone()
    for weight in module.parameters():
        assert not weight.requires_grad
        weight.zero_()
    assert torch.equal(cycle.net.G_ab.head.weight, before)


def test_a_picture_that_is_a_control_is_part_of_it() -> None:
    model, cover = many(), numbers(3, SIZE, SIZE)
    module = as_module(model, {"cover": cover, "noise": 0})
    picture = numbers(3, SIZE, SIZE)
    assert torch.allclose(
        (module(2 * picture[None] - 1)[0] + 1) / 2, model.translate(picture, cover=cover, noise=0)
    )
    assert [take.name for take in module.takes] == ["picture"]


def test_random_numbers_of_every_pixel_follow_the_picture() -> None:
    (_, noise) = as_module(many(), {}).takes
    assert (noise.name, noise.shape) == ("noise", ("batch", 3, "padded_height", "padded_width"))


# What it says


def test_controls_must_ask_for_one_result() -> None:
    with pytest.raises(
        SpecError, match=r"ask for 3 results, not one: red, green, blue\n    choose one: -c colour=red"
    ):
        as_module(many(), {"colour": "all"})


@pytest.mark.parametrize("control", ["seed", "samples", "bits"])
def test_controls_of_the_translator_are_refused(control: str) -> None:
    with pytest.raises(SpecError, match=rf"control.{control}: .* leave it out"):
        as_module(many(), {control: 1})


def test_an_unknown_control_is_named() -> None:
    with pytest.raises(SpecError, match="did you mean 'colour'"):
        as_module(many(), {"color": "red"})


def test_too_few_tensors_are_named() -> None:
    with pytest.raises(ValueError, match="this model takes picture, noise; 1 tensors were given"):
        as_module(many(), {})(numbers(1, 3, SIZE, SIZE))


def test_random_numbers_of_a_wrong_shape_are_named() -> None:
    with pytest.raises(ValueError, match=r"\(1, 3, 2, 2\) were given where \(1, 3, 16, 16\) are used"):
        as_module(many(), {})(numbers(1, 3, SIZE, SIZE), numbers(1, 3, 2, 2))
