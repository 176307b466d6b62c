"""What VAE-GAN's options change, who learns from which term, and what it makes of pictures and of numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from helpers import batches, registry, tiny_engine, tiny_spec, unequal
from torch import Tensor, nn

from i2i.core.batch import Batch, Draws, Parts
from i2i.core.errors import SpecError
from i2i.core.schema import Ref
from i2i.spec.spec import resolve
from i2i_gans.vaegan import VAEGAN

PLAIN = {"default": {"name": "sgd", "lr": 0.01}}


def stepped(**options: Any) -> Mapping[str, dict[str, Tensor]]:
    """The networks after a step of gradient descent."""
    spec = tiny_spec("vaegan", options=options, optimizers=PLAIN)
    engine = tiny_engine(spec)
    engine.advance(next(batches(spec)))
    return {name: engine.net[name].state_dict() for name in "EGD"}


@pytest.mark.parametrize(
    ("change", "moved"),
    [
        ({"gamma": 0.5}, "G"),
        ({"feature_weight": 3.0}, "E"),
        ({"kl_weight": 3.0}, "E"),
        ({"real_weight": 0.7}, "D"),
        ({"gan": {"name": "bounded-logistic", "epsilon": 0.1}}, "GD"),
        ({"gan": {"name": "bounded-logistic", "objective": "non-saturating"}}, "G"),
        ({"reconstructions": True}, "GD"),
    ],
)
def test_who_learns_otherwise(change: dict[str, Any], moved: str) -> None:
    # gamma lets the decoder see enough of the features
    plain, other = stepped(gamma=0.1), stepped(**{"gamma": 0.1, **change})
    assert [name for name in "EGD" if unequal(plain[name], other[name])] == sorted(moved, key="EGD".index)


def objective(**options: Any) -> dict[str, str]:
    ref = registry().resolve("strategy", {"name": "vaegan", **options}, "strategy")
    (phase,) = registry().build(ref, {}, {}).phases()
    return {name: phase.objective(name) for name in phase.minimise}


def test_the_published_objective() -> None:
    assert objective() == {
        "E": "kl + feature",
        "G": "1e-06·feature + -0.999999·real + -0.999999·fake",
        "D": "0.5·real + 0.5·fake",
    }


@pytest.mark.parametrize(
    ("gan", "against", "judge"),
    [
        ({"name": "bounded-logistic", "objective": "non-saturating"}, "0.75·gan", "0.5·real + 0.5·fake"),
        ({"name": "vanilla", "objective": "minimax"}, "-0.75·real + -0.75·fake", "0.5·real + 0.5·fake"),
        ("lsgan", "0.75·gan", "0.5·real + 0.5·fake"),
        ("wgan-gp", "0.75·gan", "0.5·real + 0.5·fake + 10·penalty"),
    ],
)
def test_other_losses(gan: Any, against: str, judge: str) -> None:
    shown = objective(gan=gan, gamma=0.25)
    assert (shown["G"], shown["D"]) == (f"0.25·feature + {against}", judge)


@pytest.mark.parametrize("reconstructions", [False, True])
def test_the_penalty_lies_between_pictures_and_samples(reconstructions: bool) -> None:
    spec = tiny_spec("vaegan", options={"gan": "wgan-gp", "reconstructions": reconstructions})
    engine, x = tiny_engine(spec), next(batches(spec))
    made: list[Tensor] = []
    shown: list[Tensor] = []
    engine.net.G.register_forward_hook(lambda module, given, picture: made.append(picture.detach()))
    engine.net.D.register_forward_pre_hook(lambda module, given: shown.append(given[0].detach()))
    engine.advance(x)
    count, (_, samples), mixed = len(x["image"]), made, shown[-1]
    way = (mixed - samples[-count:]).flatten(1) / (x["image"] - samples[-count:]).flatten(1)
    assert len(samples) == count * (1 + reconstructions) and mixed.shape == x["image"].shape
    # the same share of the way everywhere in a picture, up to the rounding of fp32 where both are nearly alike
    torch.testing.assert_close(way.median(1).values, way.quantile(0.1, 1), atol=1e-3, rtol=0)
    torch.testing.assert_close(way.median(1).values, way.quantile(0.9, 1), atol=1e-3, rtol=0)


WAITING = [
    ((0.68, 0.68), set()),
    ((0.34, 1.02), set()),
    ((0.32, 0.68), {"D"}),
    ((0.68, 0.32), {"D"}),
    ((1.04, 0.68), {"G"}),
    ((0.68, 1.04), {"G"}),
    ((0.32, 1.04), set()),
    ((1.04, 0.32), set()),
]


@pytest.mark.parametrize(("costs", "waiting"), WAITING)
def test_who_waits(costs: tuple[float, float], waiting: set[str]) -> None:
    (phase,) = VAEGAN().phases()
    assert phase.skip is not None
    assert phase.skip({"kl": 1.0, "feature": 9.0, "real": costs[0], "fake": costs[1]}) == waiting


@pytest.mark.parametrize(
    ("gan", "given", "margin"),
    [
        ("bounded-logistic", {}, 0.35),
        ("vanilla", {}, 0.35),
        ("lsgan", {}, None),
        ("lsgan", {"margin": 0.1}, 0.1),
    ],
)
def test_the_margin_fits_the_loss(gan: str, given: dict[str, float], margin: float | None) -> None:
    ref = registry().resolve("strategy", {"name": "vaegan", "gan": gan, **given}, "strategy")
    assert ref.options["margin"] == margin
    (phase,) = VAEGAN(gan=Ref(gan), margin=margin).phases()
    assert (phase.skip is None) == (margin is None)


def test_an_equilibrium_without_a_margin_is_refused() -> None:
    with pytest.raises(SpecError, match=r"strategy\.equilibrium.*no effect .* give margin a number"):
        registry().resolve("strategy", {"name": "vaegan", "gan": "lsgan", "equilibrium": 0.25}, "strategy")


def test_the_published_recipe() -> None:
    tables = {"strategy": {"name": "vaegan"}, "data": {"name": "demo", "layout": "images", "size": 64}}
    spec = resolve(tables, registry())
    options, rmsprop = spec.strategy.options, spec.optimizers["default"]
    assert (options["latent"], options["gamma"], options["feature_layer"]) == (128, 1e-6, 3)
    assert (options["equilibrium"], options["margin"], options["gan"].options["epsilon"]) == (
        0.68,
        0.35,
        1e-3,
    )
    assert (rmsprop.name, rmsprop.options["lr"], rmsprop.options["alpha"]) == ("rmsprop", 3e-4, 0.9)
    assert rmsprop.options["weight_decay"] == 1e-5 / 64  # the authors' losses are sums over 64 pictures
    assert spec.data.options["flip"]
    assert (spec.train.epochs, spec.train.batch, spec.train.init.name) == (12, 64, "default")
    rate = registry().build(spec.schedule, {}, {})
    # the authors' last rate is about 1e-5
    assert [3e-4 * rate(epoch * 10, 10) for epoch in (0, 1, 12)] == pytest.approx(
        [3e-4, 2.25e-4, 9.5e-6], rel=1e-3
    )


class Shift(nn.Module):
    """An encoder that says what it was shown: the mean of a picture, with a variance of 1."""

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        assert image.shape[2:] == (16, 16)
        mean = image.mean((2, 3))
        return mean, torch.zeros_like(mean)


def paint(code: Tensor) -> Tensor:
    """A decoder: pictures in one colour."""
    return code[:, :, None, None].expand(-1, -1, 16, 16)


NET = Parts({"E": Shift(), "G": paint, "image_size": 16})
METHOD = VAEGAN(latent=3)


def colours(pictures: Tensor) -> Tensor:
    return pictures.mean((2, 3))


@pytest.mark.parametrize("size", [(16, 16), (24, 40), (8, 16)])
def test_a_reconstruction_has_the_size_of_its_picture(size: tuple[int, int]) -> None:
    image = torch.tensor([0.25, -0.5, 0.75]).view(1, 3, 1, 1).expand(2, 3, *size)
    made = METHOD.translate(NET, Batch({"image": image}), mean=True)
    torch.testing.assert_close(made, image)


def test_codes_are_drawn_for_each_picture() -> None:
    image = torch.zeros(3, 3, 16, 16)
    draws = Draws(("test",), range(3))
    made = METHOD.translate(NET, Batch({"image": image}, draws))
    expected = Draws(("test",), range(3)).normal(torch.zeros(3, 3))
    torch.testing.assert_close(colours(made), expected)
    alone = METHOD.translate(NET, Batch({"image": image[1:2]}, Draws(("test",), [1])))
    torch.testing.assert_close(colours(alone), expected[1:2])


def test_samples_belong_to_their_numbers() -> None:
    seeds = torch.arange(5)
    made = METHOD.translate(NET, Batch({"seed": seeds}, Draws(("test",), range(5))))
    torch.testing.assert_close(colours(made), Draws(("test",), range(5)).normal(torch.zeros(5, 3)))
    alone = METHOD.translate(NET, Batch({"seed": seeds[3:4]}, Draws(("test",), [3])))
    torch.testing.assert_close(alone, made[3:4])


def test_samples_have_no_mean_code() -> None:
    with pytest.raises(ValueError, match=r"^mean: samples start from random codes"):
        METHOD.translate(NET, Batch({"seed": torch.arange(2)}), mean=True)


def test_the_preview_shows_both() -> None:
    shown = METHOD.preview(NET, Batch({"image": torch.zeros(2, 3, 16, 16)}))
    assert list(shown) == ["input", "reconstruction", "sample"]
    assert not torch.equal(shown["reconstruction"], shown["sample"])
