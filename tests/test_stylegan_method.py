"""StyleGAN's way of training and sampling: mixing, the mean style, truncation, and rows of samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
import torch
from helpers import batches, registry, tiny_engine, tiny_spec
from torch import Tensor
from torch.nn import functional as F

from i2i.core.batch import Batch, Draws, Parts
from i2i.core.errors import I2IError
from i2i.engine.inference import inference
from i2i.engine.loop import Engine
from i2i.losses import gradient_penalty, r1_penalty
from i2i.spec.assemble import build_parts, build_source
from i2i.spec.rehearse import rehearse
from i2i.spec.sections import HalfLife
from i2i.spec.spec import resolve
from i2i_stylegan import StyleGAN
from i2i_stylegan.drawing import as_if_large, made_to_train
from i2i_stylegan.growth import Growth
from i2i_stylegan.styles import CUTOFF, LAYERS, between, truncated
from i2i_stylegan.synthesis import StyleGenerator

SIZE, LATENT = 16, 4


@pytest.fixture
def engine() -> Engine:
    """Networks of the full resolution, whose noise and mean style are not zero."""
    engine = tiny_engine(tiny_spec("stylegan", options={"start": SIZE}, data={"size": SIZE}))
    torch.manual_seed(1)
    with torch.no_grad():
        for name, weight in engine.net.G.named_parameters():
            if name.endswith("noise"):
                weight.normal_()
        engine.net.G.mean_style.add(torch.randn(8, LATENT), 0)
    return engine


def sampled(engine: Engine, numbers: list[int], **controls: Any) -> Tensor:
    draws = Draws(("sample", 0), numbers)
    x = Batch({"seed": torch.tensor(numbers)}, draws)
    with inference(engine.net, engine.strategy.inference, draws):
        return engine.strategy.translate(engine.net, x, **controls)


def test_a_sample_depends_on_its_number_alone(engine: Engine) -> None:
    sheet = sampled(engine, [0, 1, 2])
    assert sheet.shape == (3, 3, SIZE, SIZE)
    torch.testing.assert_close(sampled(engine, [2])[0], sheet[2])
    assert not torch.allclose(sheet[0], sheet[1], atol=0.1)


def test_no_truncation_is_one_and_the_mean_is_zero(engine: Engine) -> None:
    plain = sampled(engine, [0, 1])
    assert torch.equal(sampled(engine, [0, 1], truncation=1.0), plain)
    seen: list[Tensor] = []
    engine.net.G.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    for truncation in (1.0, 0.7, 0.0, -1.0):
        sampled(engine, [0, 1], truncation=truncation, cutoff=4)
    own, pulled, mean, opposite = seen
    average = engine.net.G.mean_style.now()
    torch.testing.assert_close(mean[:, :4], average.expand(2, 4, -1))
    torch.testing.assert_close(pulled[:, :4], 0.7 * own[:, :4] + 0.3 * average)
    torch.testing.assert_close(opposite[:, :4], 2 * average - own[:, :4])
    assert all(torch.equal(each[:, 4:], own[:, 4:]) for each in seen)


def test_the_first_eight_layers_are_truncated() -> None:
    styles = torch.ones(2, 18, LATENT)
    assert CUTOFF == 8
    pulled = truncated(styles, torch.zeros(LATENT), 0.7, CUTOFF)[0, :, 0]
    torch.testing.assert_close(pulled, torch.tensor([0.7] * 8 + [1.0] * 10))


def test_layers_have_the_published_names() -> None:
    names = {name: [*range(18)][part] for name, part in LAYERS.items()}
    assert names == {"coarse": [0, 1, 2, 3], "middle": [4, 5, 6, 7], "fine": [*range(8, 18)]}


def test_samples_stay_in_their_range(engine: Engine) -> None:
    engine.net.G.to_rgb[-1].bias.data.copy_(torch.tensor([9.0, -9.0, 0.0]))
    image = sampled(engine, [0])
    assert image[:, 0].max() == 1 and image[:, 1].min() == -1


@pytest.mark.parametrize(
    ("layers", "taken"), [("coarse", slice(0, 4)), ("middle", slice(4, 6)), (None, slice(0, 4))]
)
def test_styles_of_another_sample(engine: Engine, layers: str | None, taken: slice) -> None:
    seen: list[Tensor] = []
    engine.net.G.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    sampled(engine, [0, 1, 2])
    sampled(engine, [0, 1], style=3, style_layers=layers)
    own, mixed = seen
    assert torch.equal(mixed[:, taken], own[2, taken].expand(2, -1, -1))
    rest = torch.ones(mixed.shape[1], dtype=torch.bool)
    rest[taken] = False
    assert torch.equal(mixed[:, rest], own[:2, rest])


@pytest.mark.parametrize("space", ["w", "z"])
def test_the_way_leads_from_one_sample_to_the_other(engine: Engine, space: str) -> None:
    seen: list[Tensor] = []
    engine.net.G.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0][:, 0]))
    sampled(engine, [0, 1, 2])
    for controls in ({"style_to": 3}, {}):
        sampled(engine, [0, 1], mix=1.0, space=space, **controls)
    own, third, following = seen
    torch.testing.assert_close(third, own[[2, 2]], rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(following, own[1:], rtol=1e-4, atol=1e-6)


def test_halfway_on_the_sphere() -> None:
    one, other = torch.tensor([[3.0, 0.0], [1.0, 0.0]]), torch.tensor([[0.0, 5.0], [2.0, 0.0]])
    half = between(one, other, 0.5)
    torch.testing.assert_close(half, torch.tensor([[0.5**0.5, 0.5**0.5], [1.0, 0.0]]))


def rows(engine: Engine, **controls: Any) -> Mapping[str, Mapping[str, Any]]:
    return engine.strategy.captions(engine.net, controls)


def test_rows(engine: Engine) -> None:
    assert rows(engine) == {"output": {}}
    asked = rows(engine, style=(4, 7), style_layers="middle")
    assert list(asked) == ["own style", "middle of 4", "middle of 7"]
    assert [controls["style"] for controls in asked.values()] == [None, 4, 7]
    way = rows(engine, interpolate=3, style_to=2)
    assert {caption: c["mix"] for caption, c in way.items()} == {"0%": 0.0, "50%": 0.5, "100%": 1.0}
    for controls in (*asked.values(), *way.values()):
        assert sampled(engine, [0], **controls).isfinite().all()


@pytest.mark.parametrize(
    ("controls", "sentence"),
    [
        ({"mix": 0.5, "interpolate": 3}, "mix: interpolate shows the whole way"),
        ({"style_to": 3, "mix": 0.0}, "style_to: nothing leads anywhere; give interpolate = 5, or mix = 0.5"),
        ({"space": "z"}, "space: nothing leads anywhere"),
        ({"style": 2, "interpolate": 3}, "style: it exchanges layers"),
        ({"style_layers": "fine"}, "style_layers: say with style = 2 which sample"),
        ({"cutoff": 4, "truncation": 1.0}, "cutoff: nothing is truncated; give truncation = 0.7 too"),
        (
            {"style": 2, "style_layers": "fine"},
            "style_layers: these pictures are too small for fine layers; use coarse or middle",
        ),
    ],
)
def test_controls_without_effect_are_refused(engine: Engine, controls: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{sentence}"):
        rows(engine, **controls)


def test_small_pictures_come_in_large_pixels() -> None:
    spec = tiny_spec("stylegan", options={"start": 4}, data={"size": SIZE})
    engine = tiny_engine(spec)
    next(engine.run(batches(spec), 1))
    image = sampled(engine, [0, 1])
    assert image.shape == (2, 3, SIZE, SIZE)
    assert torch.equal(image, F.interpolate(image[:, :, ::4, ::4], scale_factor=4))


def test_samples_within_a_fade_are_mixed(engine: Engine) -> None:
    images = {}
    for lod in (1.0, 0.75, 0.0):
        engine.net.G.lod.fill_(lod)
        images[lod] = sampled(engine, [0])
    # what is mixed is not yet clipped to the range
    inside = (images[1.0].abs() < 1) & (images[0.0].abs() < 1)
    assert inside.any()
    mixed = 0.25 * images[0.0] + 0.75 * images[1.0]
    torch.testing.assert_close(images[0.75][inside], mixed[inside], rtol=0, atol=1e-5)


def test_the_averaged_generator_knows_the_level() -> None:
    spec = tiny_spec("stylegan", train={"ema": {"G": {"half_life": 10}}})
    engine = tiny_engine(spec)
    for _ in engine.run(batches(spec), 3):
        assert torch.equal(engine.ema["G"].lod, engine.net.G.lod)
        assert torch.equal(engine.ema["G"].mean_style.now(), engine.net.G.mean_style.now())
    assert float(engine.net.G.lod) % 1 > 0  # within a fade


@pytest.mark.parametrize(("batch", "decay"), [(4, 0.99972278), (32, 0.99778439), (256, 0.98241194)])
def test_the_published_average(batch: int, decay: float) -> None:
    assert HalfLife(half_life=10_000)(batch) == pytest.approx(decay, abs=1e-8)


class Recorder(StyleGenerator):
    """Keeps the styles that it is given, and makes nothing of them."""

    def forward(self, styles: Tensor, noise: Any, fade: Tensor | None = None) -> Tensor:
        self.given = styles.detach()
        return self.given.new_zeros(len(styles), 3, 1, 1)


def recorder() -> Recorder:
    torch.manual_seed(0)
    return Recorder(3, LATENT, SIZE, width=1, layers=1)


def styles_of_a_step(net: Recorder, step: int, mixing: float, growth: Growth) -> Tensor:
    x = Batch({"image": torch.zeros(3, 3, 1, 1)}, Draws((0, step), range(3)))
    made_to_train(Parts({"G": net, "growth": growth}), x, LATENT, mixing, 0)
    return net.given


def cutoffs(count: int, mixing: float, growth: Growth) -> list[int]:
    """From which layer on the styles are those of other samples, step by step."""
    found, net = [], recorder()
    for step in range(count):
        given = styles_of_a_step(net, step, mixing, growth)
        same = (given == given[:, :1]).all(2)
        assert (same == same[:1]).all(), "the samples of a batch change at one layer"
        found.append(int(same[0].sum()))
    return found


def test_where_styles_are_mixed() -> None:
    full = cutoffs(60, 0.9, Growth(16, 16, 4, 4))
    assert {*full} == {1, 2, 3, 4, 5, 6}  # 6: not mixed; the last layer is never left out
    # 60 draws at a chance of 0.1 give 6 ± 2.3
    assert 1 <= full.count(6) <= 15
    assert {*cutoffs(20, 1.0, Growth(16, 16, 4, 4))} == {1, 2, 3, 4, 5}
    assert {*cutoffs(2, 0.0, Growth(16, 16, 4, 4))} == {6}


def test_only_layers_in_use_are_mixed() -> None:
    assert {*cutoffs(20, 1.0, Growth(16, 8, 4, 4))} == {1, 2, 3}


def test_the_mean_style_is_that_of_the_first_samples() -> None:
    net = recorder()
    given = styles_of_a_step(net, 0, 1.0, Growth(16, 16, 4, 4))
    torch.testing.assert_close(net.mean_style.now(), 0.005 * given[:, 0].mean(0))


def test_both_phases_count_in_the_mean_style() -> None:
    spec = tiny_spec("stylegan")
    engine = tiny_engine(spec)
    next(engine.run(batches(spec), 1))
    mean = engine.net.G.mean_style
    assert int(mean.moment) == 1 and float(mean.count) == spec.train.batch
    assert mean.average.any()  # the discriminator's samples are in it already


def test_penalties_are_those_of_enlarged_pictures() -> None:
    torch.manual_seed(0)
    judge = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.Tanh(), torch.nn.Flatten()).double()
    real, fake, alpha = (torch.randn(2, 3, 4, 4).double() for _ in range(3))

    def pooled(image: Tensor) -> Tensor:
        return judge(F.avg_pool2d(image, 4))

    large, alpha = as_if_large(judge, 4), alpha[:, 0, 0, 0].sigmoid()
    big, other = (F.interpolate(image, scale_factor=4) for image in (real, fake))
    torch.testing.assert_close(r1_penalty(large, real * 4), r1_penalty(pooled, big))
    torch.testing.assert_close(
        gradient_penalty(large, real * 4, fake * 4, alpha), gradient_penalty(pooled, big, other, alpha)
    )


def test_the_gradient_penalty_too_is_that_of_enlarged_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"gan": {"name": "wgan-gp"}, "r1_weight": 0.0, "start": 4}
    spec = tiny_spec("stylegan", options=options, data={"size": SIZE})
    engine = tiny_engine(spec)
    given: list[Any] = []
    monkeypatch.setattr(engine.net.gan, "penalty", lambda *args: given.extend(args) or torch.tensor(0.0))
    x = Batch(next(iter(batches(spec))))
    engine.strategy.prepare(engine.net, x)
    terms = engine.strategy.discriminator_terms(engine.net, x)
    assert set(terms) == {"real", "fake", "penalty"}
    critic, real, fake, alpha = given
    assert torch.equal(real, 4 * x.real) and torch.equal(fake, 4 * x.fake)
    assert torch.equal(critic(real), engine.net.D(x.real))
    assert alpha.shape == (len(x),)
    assert not x.fake.requires_grad  # the discriminator's fakes cost no backward pass


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"aspect": 2.0}, "this method makes squares, and these pictures have 32x16 pixels"),
        ({"image_size": 64}, "strategy.resolution: 32 is not the size of the pictures, 64"),
    ],
)
def test_pictures_of_another_shape_are_refused(changed: dict[str, Any], sentence: str) -> None:
    spec = tiny_spec("stylegan")
    facts = replace(build_source(spec, registry()).facts, **changed)
    with pytest.raises(I2IError, match=sentence):
        build_parts(spec, registry(), facts)


def test_data_without_a_size_needs_the_resolution() -> None:
    facts = build_source(tiny_spec("stylegan"), registry()).facts
    with pytest.raises(I2IError, match=r"strategy.resolution: .* set it to 32"):
        StyleGAN().build(lambda ref, **_: None, facts)


@pytest.mark.parametrize("name", ["normal", "xavier", "kaiming", "orthogonal"])
def test_weights_are_drawn_in_one_way_only(name: str) -> None:
    spec = tiny_spec("stylegan", train={"init": {"name": name}})
    sentence = f'train.init.name: EqualConv, .* EqualLinear draw .* ignore "{name}"; use "default" \\(D\\)'
    with pytest.raises(I2IError, match=sentence):
        tiny_engine(spec)
    with pytest.raises(I2IError, match=sentence):
        rehearse(spec, registry(), build_source(spec, registry()).facts)


def test_noise_has_numbers_of_its_own(engine: Engine) -> None:
    drawn: list[Tensor] = []
    engine.net.G.mapping.register_forward_pre_hook(lambda _, inputs: drawn.append(inputs[0]))
    engine.net.G.register_forward_pre_hook(lambda _, inputs: drawn.extend(inputs[1]))
    for controls in ({}, {"style": 2}, {"mix": 0.5}, {"mix": 0.5, "space": "z"}):
        drawn.clear()
        sampled(engine, [0, 2], **controls)
        firsts = [float(numbers[0].flatten()[0]) for numbers in drawn]
        assert len({*firsts}) == len(firsts)


def test_the_published_recipe() -> None:
    data = {"name": "demo", "layout": "images", "size": 1024}
    spec = resolve({"strategy": {"name": "stylegan"}, "data": data}, registry())
    options, adam = spec.strategy.options, spec.optimizers["default"]
    assert (options["gan"].name, options["gan"].options["objective"]) == ("vanilla", "non-saturating")
    assert (options["r1_weight"], options["mixing"], options["latent"]) == (5.0, 0.9, 512)
    assert (options["start"], options["stable_images"], options["fading_images"]) == (8, 600_000, 600_000)
    assert (adam.name, adam.options["lr"], adam.options["betas"]) == ("adam", 1e-3, (0.0, 0.99))
    assert adam.options["eps"] == 1e-8
    assert (spec.train.batch, spec.train.init.name, spec.schedule.name) == (32, "default", "constant")
    assert spec.train.ema == {"G": HalfLife(half_life=10_000)}
    assert StyleGAN.recipe["data"] == {"name": "images", "size": 1024, "flip": True}
