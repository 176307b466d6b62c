"""BicycleGAN: the engine agrees with the published loop, its halves and variants included."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from helpers import batches, registry, tiny, tiny_engine, tiny_spec, unequal, weights
from loops.bicyclegan import Loop, summed
from textbook import agree

from i2i.core.batch import Batch, Draws
from i2i.core.errors import I2IError
from i2i.spec.spec import Spec, resolve
from i2i_bicyclegan import BicycleGAN

LATENT = 3


def small(options: Mapping[str, Any], batch: int = 4) -> Spec:
    generator = {**tiny("bicyclegan").options["generator"], "dropout": 0.5}
    merged = {"latent": LATENT, "generator": generator, **options}
    return tiny_spec("bicyclegan", options=merged, train={"batch": batch})


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("batch", [2, 4])
@pytest.mark.parametrize("variant", ["published", "conditional", "use_same_D"])
def test_the_engine_agrees(variant: str, batch: int, dtype: torch.dtype) -> None:
    options = {} if variant == "published" else {variant: True}
    agree(small(options, batch), lambda nets: Loop(nets, conditional=variant == "conditional"), dtype)


@pytest.mark.parametrize("encoder", ["resnet", "conv"])
def test_the_code_reaches_the_encoder_only_if_asked(encoder: str) -> None:
    spec = small({"code_trains_encoder": True, "encoder": {"name": encoder, "width": 4}})
    agree(spec, lambda nets: Loop(nets, code_reaches_encoder=True), torch.float64)
    with pytest.raises(AssertionError, match=r"step 1|E\."):
        agree(spec, Loop, torch.float64)


def test_an_odd_batch_is_refused() -> None:
    with pytest.raises(I2IError, match=r"train.batch: 3 cannot be cut .* of a multiple of 2"):
        tiny_engine(small({}, batch=3))


def test_a_judge_of_one_scale_gives_the_mean_over_the_batch() -> None:
    # The published loss walks over the batch of a bare map instead, and is as many times as large.
    engine = tiny_engine(small({"discriminator": {"name": "patch", "width": 4, "layers": 2}}, 8))
    report = engine.advance(next(batches(small({}, 8))))
    assert all(0 < float(report[f"discriminators/real_{half}"]) < 2 for half in ("vae", "lr"))
    scores = torch.randn(4, 1, 6, 6)
    assert float(summed(list(scores), 1.0)) == pytest.approx(
        4 * float(engine.net.gan(scores, "real")), rel=1e-6
    )


def test_the_published_recipe() -> None:
    spec = resolve({"strategy": {"name": "bicyclegan"}, "data": {"root": "pairs"}}, registry())
    options, data, adam = spec.strategy.options, spec.data.options, spec.optimizers["default"]
    assert (options["gan"].name, options["pixel"].name, options["code"].name) == ("lsgan", "l1", "l1")
    assert (options["latent"], options["conditional"], options["use_same_D"]) == (8, False, False)
    assert (options["encoder"].name, options["discriminator"].name) == ("resnet", "multi-scale")
    generator = options["generator"].options
    assert (generator["inject"], generator["norm"], generator["dropout"]) == ("all", "instance", 0.5)
    assert (data["size"], data["load_size"], data["flip"]) == (256, 286, True)
    assert (adam.name, adam.options["lr"], adam.options["betas"]) == ("adam", 2e-4, (0.5, 0.999))
    assert (spec.schedule.options["constant"], spec.schedule.options["decay"]) == (100, 100)
    train = spec.train
    assert (train.epochs, train.batch, train.init.name, train.init.gain) == (200, 2, "xavier", 0.02)
    facades = resolve({"strategy": {"name": "bicyclegan"}, **BicycleGAN.example}, registry())
    assert (facades.data.options["direction"], facades.train.epochs) == ("b-to-a", 400)
    assert (facades.schedule.options["constant"], facades.schedule.options["decay"]) == (200, 200)


VAE = {"gan_lr_weight": 0.0, "code_weight": 0.0}
LR = {"gan_vae_weight": 0.0, "pixel_weight": 0.0, "kl_weight": 0.0, "code_trains_encoder": True}


@pytest.mark.parametrize(
    ("options", "objectives"),
    [
        (
            {},
            {
                "G": "gan_vae + gan_lr + 10·pixel + 0.01·kl + 0.5·code",
                "E": "gan_vae + gan_lr + 10·pixel + 0.01·kl",
                "D_vae": "real_vae + fake_vae",
                "D_lr": "real_lr + fake_lr",
            },
        ),
        (
            {"use_same_D": True},
            {
                "G": "gan_vae + gan_lr + 10·pixel + 0.01·kl + 0.5·code",
                "E": "gan_vae + gan_lr + 10·pixel + 0.01·kl",
                "D": "real_vae + fake_vae + real_lr + fake_lr",
            },
        ),
        (
            VAE,
            {
                "G": "gan_vae + 10·pixel + 0.01·kl",
                "E": "gan_vae + 10·pixel + 0.01·kl",
                "D_vae": "real_vae + fake_vae",
            },
        ),
        (LR, {"G": "gan_lr + 0.5·code", "E": "0.5·code", "D_lr": "real_lr + fake_lr"}),
    ],
)
def test_its_halves_are_methods_by_options_alone(
    options: Mapping[str, Any], objectives: Mapping[str, str]
) -> None:
    spec = small(options)
    engine = tiny_engine(spec)
    assert objectives == {n: phase.objective(n) for phase in engine.phases for n in phase.minimise}
    before = weights(engine)
    terms = {f"{p.name}/{term}" for p in engine.phases for row in p.minimise.values() for term in row}
    for report in engine.run(batches(spec), 2):
        assert report.keys() == terms
    after = weights(engine)
    for network in objectives:
        assert any(unequal({k: before[k]}, {k: after[k]}) for k in before if k.startswith(f"{network}."))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (LR | {"gan_lr_weight": 0.0}, "strategy.gan_vae_weight: nothing trains the generator while"),
        (
            LR | {"code_trains_encoder": False},
            "strategy.code_trains_encoder: nothing trains the encoder while",
        ),
        (
            VAE | {"code_trains_encoder": True},
            "strategy.code_trains_encoder: it has no effect while code_weight is 0",
        ),
        (VAE | {"use_same_D": True}, "strategy.use_same_D: there is only one discriminator while"),
    ],
)
def test_weights_that_train_nothing_are_refused(options: Mapping[str, Any], sentence: str) -> None:
    with pytest.raises(I2IError, match=sentence):
        tiny_engine(small(options))


def test_pix2pix_with_noise() -> None:
    generator = {"name": "latent-unet", "width": 4, "depth": 3}
    spec = tiny_spec("pix2pix", options={"generator": generator, "latent": 2})
    engine, other = tiny_engine(spec), tiny_engine(spec)
    batch = next(batches(spec))
    x, again = (Batch(batch, Draws((key,), range(4))) for key in ("one", "two"))
    one, two = engine.strategy.translate(engine.net, x), engine.strategy.translate(engine.net, again)
    assert x.z.shape == (4, 2) and unequal({"": one}, {"": two}, 1e-6)
    assert not unequal(engine.advance(batch), other.advance(batch))
