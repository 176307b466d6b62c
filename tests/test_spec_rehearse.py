"""A step on fake tensors finds what does not fit, before any data or memory is touched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import pytest
from helpers import registry, tiny_spec
from torch import Tensor

import i2i
from i2i.core.errors import I2IError
from i2i.spec.describe import objectives, rate_plan
from i2i.spec.rehearse import Rehearsal, rehearse
from i2i.spec.spec import Spec, resolve

FACTS = i2i.DataFacts(
    fields=("a", "b"), image_size=64, channels={"a": 1, "b": 3}, value_range={"a": (0, 255), "b": (0, 255)}
)
EQUAL = replace(FACTS, channels={"a": 3, "b": 3})


def rehearsed(spec: Spec, facts: i2i.DataFacts = EQUAL) -> Rehearsal:
    return rehearse(spec, registry(), facts)


@pytest.mark.parametrize("gan", ["vanilla", "lsgan", "hinge", "wgan-gp"])
@pytest.mark.parametrize("strategy", ["pix2pix", "cyclegan"])
def test_every_method_rehearses_with_every_adversarial_loss(strategy: str, gan: str) -> None:
    shown = rehearsed(tiny_spec(strategy, options={"gan": gan}))
    assert ("penalty" in objectives(shown.phases)) == (gan == "wgan-gp")
    assert all(count > 0 for name, count in shown.weights.items() if name[0] in "GD")


@pytest.mark.parametrize("generator", ["unet", "resnet"])
@pytest.mark.parametrize("strategy", ["pix2pix", "cyclegan"])
def test_every_method_rehearses_with_every_generator(strategy: str, generator: str) -> None:
    rehearsed(tiny_spec(strategy, options={"generator": {"name": generator, "width": 2}}))


def test_names_are_those_on_the_batch_after_each_phase() -> None:
    names = rehearsed(tiny_spec("cyclegan")).names
    assert {"a", "b", "fake_a", "fake_b", "cycle_a", "same_b"} <= set(names["generators"])


def test_grey_to_colour_is_possible_where_the_method_allows() -> None:
    rehearsed(tiny_spec("pix2pix"), FACTS)
    rehearsed(tiny_spec("cyclegan", options={"identity_weight": 0}), FACTS)


@dataclass(frozen=True, kw_only=True)
class Wrong(i2i.Strategy):
    """Its terms and its table disagree."""

    generator: i2i.Generator = i2i.Ref("resnet", width=2, blocks=1)
    extra: bool = True

    recipe: ClassVar[Mapping[str, Any]] = {"train": {"steps": 1}}

    def wants(self) -> tuple[str, ...]:
        return ("a",)

    def takes(self, controls: Mapping[str, Any]) -> tuple[str, ...]:
        return ("a",)

    def build(self, make: i2i.Make, data: i2i.DataFacts) -> Mapping[str, Any]:
        return {"G": make(self.generator, in_channels=3, out_channels=3)}

    def phases(self) -> Sequence[i2i.Phase]:
        return [i2i.Phase("generator", self.terms, {"G": {"pixl": 1.0}}, every=2)]

    def terms(self, net: i2i.Parts, x: i2i.Batch) -> Mapping[str, Tensor]:
        difference = (net.G(x.a) - x.a).abs()
        return {"pixel": difference.mean()} if self.extra else {"pixl": difference}

    def translate(self, net: i2i.Parts, x: i2i.Batch) -> Tensor:
        made: Tensor = net.G(x.a)
        return made


@pytest.mark.parametrize(
    ("extra", "why"),
    [
        (True, "phase 'generator': terms and objectives disagree about pixel, pixl"),
        (False, "phase 'generator': pixl should be one number, a mean over the batch"),
    ],
)
def test_a_wrong_method_is_told(extra: bool, why: str) -> None:
    mine = i2i.Registry("mine")
    mine.merge(registry())
    mine.add("strategy", "wrong", Wrong)
    spec = resolve({"strategy": {"name": "wrong", "extra": extra}, "data": "demo"}, mine)
    with pytest.raises(I2IError) as error:
        rehearse(spec, mine, EQUAL)
    assert str(error.value) == why


def test_networks_that_do_not_fit_the_pictures_are_told() -> None:
    with pytest.raises(I2IError) as error:
        rehearsed(tiny_spec("cyclegan"), replace(EQUAL, image_size=33))
    assert str(error.value) == (
        "strategy 'cyclegan' does not run with these components and pictures: "
        "this ResNet needs sides that are multiples of 4, at least 8, got 33x33"
    )


def test_a_phase_that_rests_says_how_often_it_runs() -> None:
    assert objectives(Wrong().phases()) == "phase generator, every 2 steps\n    G minimises pixl"


def test_a_length_of_ones_own_is_noted() -> None:
    spec = tiny_spec("pix2pix")
    published = registry().get("strategy", "pix2pix").factory.recipe
    assert "the paper trains 200 epochs" in rate_plan(spec, lambda step: 1.0, 8, published)
    spec = tiny_spec("pix2pix", train={"steps": None, "epochs": 200})
    assert "the paper trains" not in rate_plan(spec, lambda step: 1.0, 8, published)


def test_a_recipe_without_a_length_is_no_error() -> None:
    spec = tiny_spec("pix2pix")
    for recipe in ({}, {"schedule": "constant"}, {"schedule": "constant", "train": {"batch": 2}}):
        assert "None epochs" not in rate_plan(spec, lambda step: 1.0, 8, recipe)
