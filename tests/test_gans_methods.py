"""GAN, CGAN, DCGAN and ACGAN as methods: recipes, orders, and what samples are made of."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest
import torch
from helpers import batches, registry, tiny_engine, tiny_spec, train
from torch import Tensor

from i2i.core.batch import Batch, Draws, Parts
from i2i.core.data import DataFacts
from i2i.core.errors import I2IError, SpecError
from i2i.spec.describe import objectives
from i2i.spec.spec import Spec, resolve
from i2i_gans import ACGAN, CGAN, DCGAN, GAN
from i2i_gans.classes import Classes
from i2i_gans.sampling import draw, random_labels

NAMES = ("circle", "square", "triangle")
METHODS = ("gan", "cgan", "dcgan", "acgan")
FACTS = DataFacts(
    fields=("image", "label"),
    image_size=28,
    channels={"image": 1},
    value_range={"image": (0.0, 255.0)},
    labels={"label": 10},
)


def published(name: str, **sections: Any) -> Spec:
    return resolve({"strategy": {"name": name}, "data": {"root": "mnist"}, **sections}, registry())


@pytest.mark.parametrize(
    ("name", "size", "epochs", "init", "gan", "first", "networks"),
    [
        ("gan", 28, 200, "default", "vanilla", "generator", ("mlp", "mlp")),
        ("cgan", 32, 200, "default", "lsgan", "generator", ("label-mlp", "label-mlp")),
        ("dcgan", 64, 25, "normal", "vanilla", "discriminator", ("strided", "strided")),
        ("acgan", 32, 200, "normal", "vanilla", "generator", ("label-resizing", "class-conv")),
    ],
)
def test_the_published_recipe(
    name: str, size: int, epochs: int, init: str, gan: str, first: str, networks: tuple[str, str]
) -> None:
    spec = published(name)
    options, adam = spec.strategy.options, spec.optimizers["default"]
    assert (options["gan"].name, options["latent"], options["noise"]) == (gan, 100, "normal")
    assert (options["generator"].name, options["discriminator"].name) == networks
    assert options["order"] == f"{first}-first"
    assert (spec.data.name, spec.data.options["size"], spec.data.options["flip"]) == ("images", size, False)
    assert (adam.name, adam.options["lr"], adam.options["betas"]) == ("adam", 2e-4, (0.5, 0.999))
    assert (spec.train.epochs, spec.train.batch, spec.train.init.name) == (epochs, 64, init)
    assert (spec.train.init.gain, spec.schedule.name) == (0.02, "constant")


def test_the_recipe_of_2014_can_be_written() -> None:
    generator = {
        "widths": [1200, 1200],
        "activation": "relu",
        "norm": "none",
        "output": "sigmoid",
        "initial_range": 0.05,
    }
    strategy = {
        "name": "gan",
        "order": "simultaneous",
        "noise": [-1.7320508, 1.7320508],
        "generator": generator,
        "discriminator": "maxout",
    }
    spec = resolve(
        {
            "strategy": strategy,
            "data": {"root": "mnist"},
            "optimizers": {
                "default": {
                    "name": "sgd",
                    "lr": 0.1,
                    "momentum": 0.5,
                    "final_momentum": 0.7,
                    "momentum_steps": 125_000,
                }
            },
            "schedule": {"name": "exponential", "factor": 0.999996, "every": "step", "floor": 1e-5},
            "train": {"steps": 125_000, "batch": 100},
        },
        registry(),
    )
    options = spec.strategy.options
    assert options["noise"] == (-1.7320508, 1.7320508)
    assert options["discriminator"].options["initial_range"] == 0.005
    assert options["generator"].options["epsilon"] == "auto"  # there is no batch norm that could have one


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        ((1.0, -1.0), "the lower limit comes first, got 1 and -1; exchange them"),
        ((2.0, 2.0), "there is nothing between 2 and 2; give two different limits, the lower one first"),
        ((0.0, math.inf), "there are no even numbers between 0 and inf; give two finite limits"),
        ((math.nan, 1.0), "there are no even numbers between nan and 1; give two finite limits"),
    ],
)
def test_limits_that_hold_nothing(name: str, limits: tuple[float, float], sentence: str) -> None:
    with pytest.raises(I2IError, match=f"^strategy.noise: {re.escape(sentence)}$"):
        tiny_engine(tiny_spec(name, options={"noise": limits}))


@pytest.mark.parametrize(
    ("order", "text"),
    [
        ("generator-first", "generator, every step|discriminator, every step"),
        ("discriminator-first", "discriminator, every step|generator, every step"),
        ("simultaneous", "networks, every step"),
    ],
)
def test_orders(order: Any, text: str) -> None:
    lines = objectives(GAN(order=order).phases()).splitlines()
    assert [line.removeprefix("phase ") for line in lines if line.startswith("phase")] == text.split("|")


def test_alternating_takes_turns() -> None:
    spec = tiny_spec("gan", options={"order": "alternating"})
    phases = tiny_engine(spec).phases
    turns = [[phase.name for phase in phases if phase.runs_at(step)] for step in (1, 2, 3)]
    assert turns == [["generator"], ["discriminator"], ["generator"]]


@pytest.mark.parametrize("method", [GAN, CGAN, DCGAN, ACGAN])
def test_every_order_has_the_same_rows(method: Any) -> None:
    rows = {
        order: {net: row for phase in method(order=order).phases() for net, row in phase.minimise.items()}
        for order in ("generator-first", "discriminator-first", "simultaneous", "alternating")
    }
    assert all(row == rows["simultaneous"] for row in rows.values())


def test_weights_of_the_terms() -> None:
    rows = {net: row for phase in ACGAN(label_weight=2.0).phases() for net, row in phase.minimise.items()}
    assert rows["G"] == {"gan": 0.5, "label": 1.0}
    assert rows["D"] == {"real": 0.25, "fake": 0.25, "label_real": 0.5, "label_fake": 0.5}


@pytest.mark.parametrize(("method", "share"), [(GAN, 0.5), (CGAN, 0.5), (DCGAN, 1.0), (ACGAN, 0.25)])
def test_a_penalty_is_weighted_as_the_terms_beside_it(method: Any, share: float) -> None:
    gan = registry().resolve("loss", {"name": "wgan-gp", "penalty_weight": 4.0}, "gan")
    (row,) = [phase.minimise["D"] for phase in method(gan=gan).phases() if "D" in phase.minimise]
    assert (row["real"], row["fake"], row["penalty"]) == (share, share, 4 * share)


@pytest.mark.parametrize("name", ["cgan", "acgan"])
def test_what_the_discriminator_is_told_of_mixtures(name: str) -> None:
    """Between real pictures and fakes, the class is that of the fakes; a score alone is penalised."""
    spec = tiny_spec(name, options={"gan": "wgan-gp"})
    engine = tiny_engine(spec)
    told: list[tuple[Tensor, ...]] = []
    engine.net.D.register_forward_pre_hook(lambda module, given: told.append(given[1:]))
    x = next(batches(spec))
    engine.advance(x)
    # of the generator, of real pictures, of fakes, of mixtures
    assert len(told) == 4 and all(len(labels) == (name == "cgan") for labels in told)
    if name == "cgan":
        fooled, real, fake, mixed = (labels for (labels,) in told)
        assert torch.equal(fooled, fake) and torch.equal(fake, mixed) and not torch.equal(real, mixed)


@pytest.mark.parametrize("name", METHODS)
def test_training_and_samples_start_from_the_noise_of_the_spec(name: str) -> None:
    spec = tiny_spec(name, options={"noise": (3.0, 4.0)})
    engine = tiny_engine(spec)
    seen: list[Tensor] = []
    engine.net.G.register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    train(engine, spec, 1)
    x = Batch({"seed": torch.arange(4)}, Draws(("sample", 0), range(4)))
    for call in (engine.strategy.translate, engine.strategy.preview):
        call(engine.net, x)
    assert len(seen) >= 3
    assert all(z.min() >= 3 and z.max() <= 4 for z in seen)


@pytest.mark.parametrize("weight", [0.0, 1.0])
@pytest.mark.parametrize("order", ["generator-first", "simultaneous"])
def test_the_weight_of_the_class_terms(order: str, weight: float) -> None:
    spec = tiny_spec("acgan", options={"order": order, "label_weight": weight})
    engine = tiny_engine(spec)
    before = engine.net.D.label.weight.clone()
    (report,) = train(engine, spec, 1)
    assert torch.equal(before, engine.net.D.label.weight) == (weight == 0.0)
    assert {name.rpartition("/")[2] for name in report} >= {"label", "label_real", "label_fake"}


def test_noise() -> None:
    draws, like = Draws(("test",), range(4)), torch.zeros(4, 5000)
    normal = draw(draws, "normal", like)
    assert abs(float(normal.mean())) < 0.05 and abs(float(normal.std()) - 1) < 0.05
    for noise, low, high in (("uniform", -1.0, 1.0), ((0.0, 3.0), 0.0, 3.0)):
        numbers = draw(draws, noise, like)  # type: ignore[arg-type]
        assert low <= numbers.min() < low + 0.01 and high - 0.01 < numbers.max() <= high


def test_random_labels_are_even() -> None:
    labels = random_labels(Draws(("test",), range(3000)), 3, torch.zeros(3000))
    assert labels.dtype == torch.int64
    # 1000 of each, give or take four standard deviations of 26
    assert all(abs(int(count) - 1000) < 105 for count in labels.bincount(minlength=3))


def test_classes() -> None:
    named, unnamed = Classes(NAMES), Classes.of(FACTS)
    assert [named.number(label) for label in ("square", 2, 0)] == [1, 2, 0]
    assert [unnamed.number(label) for label in ("7", 7)] == [7, 7]
    assert Classes(("2", "1")).number(1) == 1  # a name goes before a number
    for label, sentence in (
        ("sqare", "label: there is no class 'sqare'; did you mean 'square'? known: circle, square, triangle"),
        (3, "label: there is no class 3; their numbers go from 0 to 2"),
        (-1, "label: there is no class -1; their numbers go from 0 to 2"),
    ):
        with pytest.raises(ValueError) as error:
            named.number(label)
        assert str(error.value) == sentence


PARTS = Parts({"classes": Classes(NAMES), "G": lambda z, label: torch.stack([z[:, 0], label.to(z)], 1)})


def made(samples: range, **controls: Any) -> Tensor:
    """What the generator is told for some samples: its first random number and the class."""
    x = Batch({"seed": torch.tensor(list(samples))}, Draws(("sample", 0), samples))
    return CGAN(latent=4).translate(PARTS, x, **controls)


def test_a_sample_keeps_its_numbers() -> None:
    whole = made(range(6), label="square")
    assert whole[:, 1].tolist() == [1.0] * 6 and len(whole[:, 0].unique()) == 6
    assert torch.equal(made(range(3, 5), label="square"), whole[3:5])
    assert torch.equal(made(range(6), label=2)[:, 0], whole[:, 0])  # whatever the class
    anything = made(range(60))
    assert set(anything[:, 1].tolist()) == {0.0, 1.0, 2.0}
    assert torch.equal(made(range(7, 9)), anything[7:9])


def test_the_way_to_another_sample() -> None:
    start, half, end = (made(range(4), label=0, mix=mix)[:, 0] for mix in (0.0, 0.5, 1.0))
    assert not torch.equal(start, end)
    assert torch.allclose(half, (start + end) / 2, atol=1e-6)
    x = Batch({"seed": torch.arange(4)}, Draws(("sample", 0), range(4)))
    assert torch.equal(GAN(latent=4).translate(Parts({"G": lambda z: z}), x, mix=1.0)[:, 0], end)


def test_captions() -> None:
    rows = CGAN().captions(PARTS, {"label": None, "mix": 0.0, "interpolate": None})
    assert [(name, row["label"]) for name, row in rows.items()] == [(name, name) for name in NAMES]
    assert list(CGAN().captions(PARTS, {"label": 1})) == ["square"]
    steps = CGAN().captions(PARTS, {"label": 1, "interpolate": 3})
    assert [(n, s["mix"], s["label"]) for n, s in steps.items()] == [
        ("0%", 0.0, "square"),
        ("50%", 0.5, "square"),
        ("100%", 1.0, "square"),
    ]
    assert list(GAN().captions(PARTS, {"interpolate": 2})) == ["0%", "100%"]
    assert list(GAN().captions(PARTS, {})) == ["output"]


@pytest.mark.parametrize(
    ("controls", "sentence"),
    [
        ({"label": "circel"}, "label: there is no class 'circel'; did you mean 'circle'"),
        ({"interpolate": 3}, "label: interpolate shows one class; say which, for example circle"),
        ({"label": 0, "interpolate": 3, "mix": 0.5}, "mix: interpolate shows the whole way"),
    ],
)
def test_controls_that_cannot_be(controls: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{sentence}"):
        CGAN().captions(PARTS, controls)


def test_a_preview_has_a_column_for_every_class() -> None:
    x = Batch({"seed": torch.arange(4)}, Draws(("preview", 0), range(4)))
    shown = CGAN(latent=4).preview(PARTS, x)
    assert list(shown) == list(NAMES)
    assert all(torch.equal(column[:, 0], shown["circle"][:, 0]) for column in shown.values())
    assert [column[0, 1].item() for column in shown.values()] == [0.0, 1.0, 2.0]


@pytest.mark.parametrize(
    ("name", "option", "component", "lacking"),
    [
        ("gan", "generator", "label-mlp", "nobody tells it labels"),
        ("gan", "generator", "unet", "it does not take latent"),
        ("cgan", "generator", "mlp", "it does not take labels"),
        ("cgan", "discriminator", "class-conv", "it does not take labels"),
        ("acgan", "discriminator", "label-mlp", "it does not take classes"),
    ],
)
def test_networks_that_do_not_fit(name: str, option: str, component: str, lacking: str) -> None:
    with pytest.raises(I2IError, match=f"{option} '{component}' cannot be used here: {lacking}"):
        tiny_engine(tiny_spec(name, options={option: component}))


@pytest.mark.parametrize("name", ["cgan", "acgan"])
def test_pictures_without_classes_are_refused(name: str) -> None:
    with pytest.raises(I2IError, match="needs image, label; this data has"):
        tiny_engine(tiny_spec(name, data={"layout": "paired"}))


def test_a_spec_names_the_size_that_fits() -> None:
    sentence = (
        r"strategy.generator.layers: 2 need a multiple of 4 pixels, got 30; choose data.size = 28 or 32"
    )
    with pytest.raises(SpecError, match=sentence):
        published("dcgan", data={"root": "mnist", "size": 30})
