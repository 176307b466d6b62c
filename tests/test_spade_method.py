"""SPADE as a method: who minimises what, which parts there are, and what a translation is given."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import batches, everything, registry, tiny_engine, tiny_spec, train, unequal
from torch import Tensor

import i2i
from i2i.core.batch import Batch, Draws, Parts
from i2i.core.data import DataFacts
from i2i.engine import checkpoint
from i2i.engine.inference import inference
from i2i.nets import BatchNorm, SpectralConv
from i2i.spec.assemble import build_parts, build_strategy
from i2i.spec.rehearse import rehearse
from i2i.spec.spec import Spec
from i2i_spade import _Judged

SMALL: Mapping[str, Any] = {
    "generator": {"name": "spade", "width": 2, "hidden": 2},
    "discriminator": {"name": "feature-patch", "width": 2, "layers": 1},
    "encoder": {"name": "spade", "width": 2, "layers": 2},
    "latent": 3,
    "perceptual": "l1",
}
PLAIN: Mapping[str, Any] = {**SMALL, "encoder": None, "latent": 256}

# Streets, twice as wide as high: three classes and don't-care, with instances.
STREETS = DataFacts(
    fields=("label_map", "image", "instance_map"),
    image_size=128,
    channels={"image": 3},
    value_range={"image": (0.0, 255.0)},
    maps={"label_map": 4, "instance_map": 0},
    classes=("road", "sky", "car"),
    ignore=255,
    aspect=2.0,
)


def spec_of(options: Mapping[str, Any]) -> Spec:
    return tiny_spec("spade", options=options, data={"layout": "masks", "size": 64})


def streets(count: int = 2, height: int = 64, width: int = 128) -> dict[str, Tensor]:
    torch.manual_seed(0)
    return {
        "label_map": torch.randint(4, (count, 1, height, width)),
        "instance_map": torch.randint(9, (count, 1, height, width)),
        "image": torch.rand(count, 3, height, width) * 2 - 1,
    }


def parts_of(options: Mapping[str, Any], facts: DataFacts = STREETS) -> tuple[Any, Parts]:
    torch.manual_seed(0)
    spec = spec_of(options)
    strategy, net = build_strategy(spec, registry()), build_parts(spec, registry(), facts)[0]
    # As after some steps: divided by the singular values of vectors at random, weights are huge and pictures -1 or 1.
    for layer in net.G.modules():
        for _ in range(10 * isinstance(layer, SpectralConv)):
            layer.normalised()
    return strategy, net


def translated(
    strategy: Any, net: Parts, fields: Mapping[str, Tensor], seed: int = 0, **controls: object
) -> Tensor:
    draws = Draws((seed,), range(len(fields["label_map"])))
    with inference(net, strategy.inference, draws):
        made: Tensor = strategy.translate(net, Batch(fields, draws), **controls)
    return made


def objectives(options: Mapping[str, Any]) -> dict[str, str]:
    phases = build_strategy(spec_of(options), registry()).phases()
    return {network: phase.objective(network) for phase in phases for network in phase.minimise}


def test_who_minimises_what() -> None:
    shared = "gan + 10·feature + 10·perceptual"
    assert objectives(PLAIN) == {"G": shared, "D": "real + fake"}
    coded = f"{shared} + 0.05·kl"
    assert objectives(SMALL) == {"G": coded, "E": coded, "D": "real + fake"}
    none = {**PLAIN, "feature_weight": 0.0, "perceptual_weight": 0.0, "gan": "wgan-gp"}
    assert objectives(none) == {"G": "gan", "D": "real + fake + 10·penalty"}


def test_state_moves_twice_a_step_and_once_for_fakes_and_photographs() -> None:
    spec = spec_of(SMALL)
    engine = tiny_engine(spec)
    passes = dict.fromkeys("GDE", 0)

    def count(name: str) -> Any:
        return lambda *_: passes.update({name: passes[name] + 1})

    for name in passes:
        layer = next(m for m in engine.net[name].modules() if isinstance(m, SpectralConv))
        layer.register_forward_hook(count(name))
    engine.advance(next(batches(spec)))
    assert passes == {"G": 2, "D": 2, "E": 2}
    norms = [m for m in engine.net.G.modules() if isinstance(m, BatchNorm)]
    assert all(int(m.num_batches_tracked) == 2 for m in norms)


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_as_published_two_and_one_steps_are_three(precision: str, tmp_path: Path) -> None:
    settings = {"precision": precision, "ema": {"G": 0.9}}
    spec = tiny_spec("spade", options=SMALL, data={"layout": "masks", "size": 64}, train=settings)
    whole, resumed = tiny_engine(spec), tiny_engine(spec)
    train(whole, spec, 2)
    checkpoint.write(tmp_path / "two", *whole.state(), {})
    resumed.restore(*checkpoint.read(tmp_path / "two"))
    (one,), (other,) = (train(engine, spec, 3) for engine in (whole, resumed))
    assert all(term.isfinite() for term in one.values())
    assert not unequal(one, other)
    assert not unequal(everything(whole), everything(resumed))


def test_the_encoder_steps_with_the_settings_of_the_generator() -> None:
    engine = tiny_engine(spec_of(SMALL))
    groups = {name: o.param_groups[0] for name, o in engine.optimizers.items()}
    assert {name: group["lr"] for name, group in groups.items()} == {"G": 1e-4, "E": 1e-4, "D": 4e-4}
    assert all(group["betas"] == (0.0, 0.9) for group in groups.values())


@pytest.mark.parametrize("options", [SMALL, PLAIN], ids=["encoder", "no encoder"])
def test_streets_are_rehearsed(options: Mapping[str, Any]) -> None:
    shown = rehearse(spec_of(options), registry(), STREETS)
    assert {"semantics", "fake"} <= set(shown.names["generator"])
    assert ("mean" in shown.names["generator"]) == (options is SMALL)


def test_networks_are_told_classes_dont_care_and_borders() -> None:
    strategy, net = parts_of(SMALL)
    x = Batch(streets())
    strategy.prepare(net, x)
    assert x.semantics.shape == (2, 3 + 1 + 1, 64, 128)
    assert torch.equal(x.semantics[:, 3:4], (x.label_map == 3).float())
    assert net.G.blocks[0].first_norm.read.in_channels == 5
    assert net.D.judges[0].hidden[0][0].in_channels == 5 + 3
    assert net.G.start.shape[1:] == (2, 4)  # 64x128 at a thirty-second


@pytest.mark.parametrize("options", [SMALL, PLAIN], ids=["encoder", "no encoder"])
def test_other_sizes_are_translated(options: Mapping[str, Any]) -> None:
    strategy, net = parts_of(options)
    assert net.G.multiple == 32
    for height, width in ((64, 128), (96, 64), (32, 64)):
        fields = streets(1, height, width)
        del fields["image"]
        assert translated(strategy, net, fields).shape == (1, 3, height, width)


def test_a_translation_uses_the_statistics_of_the_training() -> None:
    strategy, net = parts_of(PLAIN)
    before = translated(strategy, net, streets())
    net.G.blocks[-1].first_norm.norm.running_mean += 1
    assert not torch.equal(before, translated(strategy, net, streets()))


def test_without_an_encoder_nothing_is_drawn() -> None:
    strategy, net = parts_of(PLAIN)
    one, other = (translated(strategy, net, streets(), seed=seed) for seed in (0, 1))
    assert torch.equal(one, other)


def test_a_style_is_drawn_or_read_from_a_picture() -> None:
    strategy, net = parts_of(SMALL)
    fields = streets()
    drawn, again, other = (translated(strategy, net, fields, seed=seed) for seed in (0, 0, 1))
    assert torch.equal(drawn, again)
    assert not torch.equal(drawn, other)
    styled = {**fields, "style": fields["image"][:1]}
    given = translated(strategy, net, styled, style=Path("a.png"))
    assert not torch.equal(given, drawn)
    # published: around the mean that the encoder says, a code is drawn
    assert not torch.equal(given, translated(strategy, net, styled, seed=1, style=Path("a.png")))


def test_the_code_is_drawn_as_the_encoder_says() -> None:
    strategy, net = parts_of(SMALL)
    codes: list[Tensor] = []
    net.G.register_forward_pre_hook(lambda _, given: codes.append(given[1]))
    fields = {**streets(), "style": streets()["image"][:1]}
    translated(strategy, net, fields)
    translated(strategy, net, fields, style=Path("a.png"))
    mean, log_variance = net.E.eval()(fields["style"])
    normal = Draws((0,), range(2)).normal(torch.empty(2, 3))
    assert torch.equal(codes[0], normal)
    assert torch.allclose(codes[1], mean + (0.5 * log_variance).exp() * normal, atol=1e-6)


def test_kl_is_a_sum_over_the_code_and_a_mean_over_the_samples() -> None:
    strategy, net = parts_of(SMALL)
    x = Batch(streets(4))
    strategy.prepare(net, x)
    kl = strategy.generator_terms(net, x)["kl"]
    normal = torch.distributions.Normal(0.0, 1.0)
    seen = torch.distributions.Normal(x.mean, (0.5 * x.log_variance).exp())
    assert torch.allclose(kl, torch.distributions.kl_divergence(seen, normal).sum(1).mean(), rtol=1e-5)


def test_a_style_needs_an_encoder() -> None:
    strategy, net = parts_of(PLAIN)
    with pytest.raises(ValueError, match=r"^style: this run was trained without an encoder"):
        strategy.captions(net, {"style": Path("a.png")})
    assert strategy.captions(net, {"style": None}) == {"output": {"style": None}}
    strategy, net = parts_of(SMALL)
    assert strategy.captions(net, {"style": Path("a.png")}) == {"output": {"style": Path("a.png")}}
    alone = Parts({name: net[name] for name in net if name != "E"})
    with pytest.raises(ValueError, match=r"^style: this run came without an encoder"):
        strategy.captions(alone, {"style": Path("a.png")})


def test_a_translation_needs_the_maps_of_the_training() -> None:
    strategy, net = parts_of(PLAIN)
    assert strategy.takes({}) == ("label_map", "instance_map?")
    label_map = {"label_map": streets()["label_map"]}
    with pytest.raises(ValueError, match=r"^instance_map: "):
        translated(strategy, net, label_map)
    with pytest.raises(ValueError, match=r"^label_map: it holds the value 4, and this run knows 0 to 3"):
        translated(strategy, net, {"label_map": label_map["label_map"] + 1})


@pytest.mark.parametrize(("option", "value"), [("latent", 8), ("kl_weight", 0.1)])
def test_options_of_the_encoder_are_refused_without_it(option: str, value: float) -> None:
    with pytest.raises(i2i.I2IError, match=f"strategy.{option}: it has no effect without an encoder"):
        parts_of({**PLAIN, option: value})


@pytest.mark.parametrize(
    ("option", "loss"),
    [
        ("feature", "l2"),
        ("perceptual", "l2"),
        ("perceptual", {"name": "vgg19", "weights": "vgg19.safetensors"}),
    ],
)
def test_a_loss_is_refused_whose_weight_is_zero(option: str, loss: object) -> None:
    idle = {**PLAIN, "perceptual": "vgg19", "perceptual_weight": 0.0, "feature_weight": 0.0, option: loss}
    sentence = (
        f"^strategy.{option}: it has no effect while {option}_weight is 0; raise that, or leave it out$"
    )
    with pytest.raises(i2i.I2IError, match=sentence):
        parts_of(idle)


def test_features_ask_for_a_discriminator_that_shows_them() -> None:
    options = {**PLAIN, "discriminator": {"name": "patch", "width": 2, "layers": 1}}
    with pytest.raises(
        i2i.I2IError, match="discriminator 'patch' cannot be used here: it does not take features"
    ):
        parts_of(options)
    strategy, net = parts_of({**options, "feature_weight": 0.0})
    x = Batch(streets())
    strategy.prepare(net, x)
    assert list(strategy.generator_terms(net, x)) == ["gan", "perceptual"]
    assert list(strategy.discriminator_terms(net, x)) == ["fake", "real"]


def test_features_are_summed_over_layers_and_averaged_over_scales() -> None:
    strategy, net = parts_of(PLAIN)
    x = Batch(streets())
    strategy.prepare(net, x)
    net.D.eval()
    x.fake = net.G.eval()(x.semantics)
    terms = strategy.generator_terms(net, x)
    seen = [net.D(torch.cat([x.semantics, picture], 1))[1] for picture in (x.fake, x.image)]
    apart = [
        (a - b).abs().mean()
        for fake, real in zip(*seen, strict=True)
        for a, b in zip(fake, real, strict=True)
    ]
    assert len(apart) == 2 * 2
    assert torch.allclose(terms["feature"], torch.stack(apart).sum() / 2, rtol=1e-5)


def test_no_gradient_of_features_passes_the_photographs() -> None:
    layer = torch.randn(4, 2, 3, 3, requires_grad=True)
    judged = _Judged([torch.zeros(4, 1, 3, 3)], [[layer]])
    (judged.real[0].sum() + judged.distance(lambda one, other: (one - other).abs().mean())).backward()
    assert layer.grad is not None
    assert layer.grad[:2].all() and not layer.grad[2:].any()


def test_the_penalty_is_between_photographs_and_the_new_fake() -> None:
    strategy, net = parts_of({**PLAIN, "gan": "wgan-gp"})
    x = Batch(streets(), Draws((0,), range(2)))
    strategy.prepare(net, x)
    shown: list[Tensor] = []
    net.D.register_forward_pre_hook(lambda _, given: shown.append(given[0].detach()))
    given: list[Any] = []
    net.gan.penalty = lambda *words: given.extend(words) or torch.zeros(())
    strategy.discriminator_terms(net, x)
    _, real, fake, alpha = given
    assert torch.equal(torch.cat([fake, real]), shown[0])
    assert torch.equal(alpha, Draws((0,), range(2)).uniform(torch.empty(2)))


def test_the_perceptual_loss_needs_its_weights_or_weight_zero(tmp_path: Path) -> None:
    published = {**PLAIN, "perceptual": "vgg19"}
    with pytest.raises(i2i.I2IError, match=r"loss 'vgg19': weights: .*perceptual_weight = 0"):
        parts_of(published)
    with pytest.raises(i2i.I2IError, match=r"loss 'vgg19': weights: there is no file .*vgg19.safetensors"):
        parts_of({**published, "perceptual": {"name": "vgg19", "weights": "vgg19.safetensors"}})
    _, net = parts_of({**published, "perceptual_weight": 0.0})
    assert "perceptual" not in net


def test_a_fake_is_made_anew_for_the_discriminator() -> None:
    strategy, net = parts_of(SMALL)
    x = Batch(streets())
    strategy.prepare(net, x)
    shown: list[Tensor] = []
    net.D.register_forward_pre_hook(lambda _, given: shown.append(given[0].detach()))
    strategy.generator_terms(net, x)
    terms = strategy.discriminator_terms(net, x)
    first, second = (each[:2, 5:] for each in shown)
    assert first.shape == (2, 3, 64, 128)
    assert torch.equal(first, x.fake) and not torch.equal(first, second)
    assert all(torch.equal(each[2:, 5:], x.image) for each in shown)
    torch.autograd.backward(sum(terms.values()))
    assert all(p.grad is None for name in "GE" for p in net[name].parameters())


def test_a_preview_shows_the_map_and_the_style_of_the_photograph() -> None:
    strategy, net = parts_of(SMALL)
    before = copy.deepcopy(net.G.state_dict())
    with inference(net, strategy.inference):
        shown = strategy.preview(net, Batch(streets()))
    assert list(shown) == ["input", "output", "style of the photograph"]
    assert shown["input"].dtype == torch.int64
    other = {**streets(), "image": -streets()["image"]}
    with inference(net, strategy.inference):
        again = strategy.preview(net, Batch(other))
    assert torch.equal(shown["output"], again["output"])
    assert not torch.equal(shown["style of the photograph"], again["style of the photograph"])
    assert all(torch.equal(before[key], value) for key, value in net.G.state_dict().items())
