"""SPADE's networks against the published layer tables, and what they are told of a map."""

from __future__ import annotations

import copy
from collections.abc import Collection

import pytest
import torch
from helpers import registry
from torch import Tensor, nn
from torch.nn import functional as F

import i2i
from i2i.core.batch import Batch
from i2i.core.errors import SpecError
from i2i.nets import BatchNorm, InstanceNorm, SpectralConv
from i2i.spec.spec import resolve
from i2i_spade.discriminator import FeaturePatchGAN
from i2i_spade.encoder import SPADEEncoder
from i2i_spade.generator import SPADEBlock, SPADEGenerator, SPADENorm
from i2i_spade.maps import Semantics, instance_edges, one_hot


def weights(net: nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


@pytest.mark.parametrize(
    ("told", "size", "latent", "aspect", "depth", "count"),
    [
        pytest.param(151, 256, 0, 1.0, 5, 96_492_483, id="ade20k"),
        pytest.param(184, 256, 0, 1.0, 5, 97_480_899, id="coco-stuff"),
        pytest.param(184, 256, 256, 1.0, 5, 112_626_883, id="coco-stuff, with a code"),
        pytest.param(36, 512, 0, 2.0, 6, 93_048_003, id="cityscapes"),
        pytest.param(13, 256, 0, 1.0, 5, 92_359_107, id="facades"),
        pytest.param(151, 256, 0, 1.0, 7, 97_412_579, id="ade20k, most"),
    ],
)
def test_weights_of_the_generator(
    told: int, size: int, latent: int, aspect: float, depth: int, count: int
) -> None:
    with torch.device("meta"):
        assert weights(SPADEGenerator(told, 3, size, latent, aspect, depth=depth)) == count


@pytest.mark.parametrize(
    ("told", "count"), [(151, 5_836_930), (184, 5_904_514), (36, 5_601_410), (13, 5_554_306)]
)
def test_weights_of_the_discriminator(told: int, count: int) -> None:
    with torch.device("meta"):
        assert weights(FeaturePatchGAN(told + 3)) == count


def test_weights_of_the_encoder() -> None:
    with torch.device("meta"):
        assert weights(SPADEEncoder(3, 256)) == 10_463_424


def test_maps_of_the_discriminator() -> None:
    with torch.device("meta"):
        image = torch.empty(1, 4, 256, 256)
        scores, hidden = FeaturePatchGAN(4, features=True)(image)
        plain = FeaturePatchGAN(4)(image)
    assert [score.shape[1:] for score in scores] == [(1, 35, 35), (1, 19, 19)]
    assert [score.shape for score in plain] == [score.shape for score in scores]
    widths = (64, 128, 256, 512)
    for scale, sides in zip(hidden, ((129, 65, 33, 34), (65, 33, 17, 18)), strict=True):
        assert [layer.shape[1:] for layer in scale] == [
            (width, side, side) for width, side in zip(widths, sides, strict=True)
        ]


def test_the_discriminators_hidden_layers_are_seen_after_their_activation() -> None:
    torch.manual_seed(0)
    _, hidden = FeaturePatchGAN(4, features=True, width=4)(torch.randn(1, 4, 32, 32))
    for layer in (layer for scale in hidden for layer in scale):
        low, high = -float(layer.detach().min()), float(layer.detach().max())
        assert 0 < low < 0.5 * high  # a slope of 0.2 below zero


def sides(net: SPADEGenerator, height: int, width: int) -> list[tuple[int, ...]]:
    """The sizes at which the blocks work."""
    seen: list[tuple[int, ...]] = []
    for block in net.blocks:
        block.register_forward_hook(lambda _, __, made: seen.append(tuple(made.shape[1:])))
    with torch.device("meta"):
        assert net(torch.empty(1, 4, height, width)).shape == (1, 3, height, width)
    return seen


@pytest.mark.parametrize(
    ("depth", "expected"),
    [
        (5, [(1024, 8), (1024, 16), (1024, 16), (512, 32), (256, 64), (128, 128), (64, 256)]),
        (6, [(1024, 4), (1024, 8), (1024, 16), (512, 32), (256, 64), (128, 128), (64, 256)]),
        (7, [(1024, 2), (1024, 4), (1024, 8), (512, 16), (256, 32), (128, 64), (64, 128), (32, 256)]),
    ],
)
def test_maps_of_the_generator(depth: int, expected: list[tuple[int, int]]) -> None:
    with torch.device("meta"):
        net = SPADEGenerator(4, 3, depth=depth)
    assert net.multiple == 2**depth
    assert sides(net, 256, 256) == [(channels, side, side) for channels, side in expected]
    assert sides(net, 256, 512) == [(channels, side, 2 * side) for channels, side in expected]


def test_where_weights_are_divided_and_where_biases_are() -> None:
    with torch.device("meta"):
        G, D, E = SPADEGenerator(4, 3), FeaturePatchGAN(4), SPADEEncoder(3, 8)
    spectral, plain = split(G)
    blocks = [f"blocks.{n}" for n in range(7)]
    assert spectral == {f"{b}.{conv}": True for b in blocks for conv in ("first", "second")} | {
        f"{b}.shortcut": False for b in blocks[3:]
    }
    assert {name.rpartition(".")[2] for name in plain} == {"start", "head", "read", "scale", "shift"}
    assert all(plain.values())
    spectral, plain = split(D)
    assert spectral == {f"judges.{s}.hidden.{n}.0": False for s in (0, 1) for n in (1, 2, 3)}
    assert plain == {f"judges.{s}.{conv}": True for s in (0, 1) for conv in ("hidden.0.0", "head")}
    spectral, plain = split(E)
    assert spectral == {f"body.{n}.0": False for n in range(6)}
    assert plain == {"mean": True, "log_variance": True}


def split(net: nn.Module) -> tuple[dict[str, bool], dict[str, bool]]:
    """The layers with spectral normalisation and those without; whether they have a bias."""
    layers = {n: m for n, m in net.named_modules() if isinstance(m, (nn.Conv2d, nn.Linear))}
    kinds = (
        {n: m for n, m in layers.items() if isinstance(m, SpectralConv) == wanted} for wanted in (True, False)
    )
    spectral, plain = ({n: m.bias is not None for n, m in kind.items()} for kind in kinds)
    return spectral, plain


@pytest.mark.parametrize("network", [FeaturePatchGAN, SPADEEncoder])
def test_without_a_norm_there_is_a_bias(network: type[nn.Module]) -> None:
    with torch.device("meta"):
        net = network(3, 8, norm="none", spectral=False)
    assert all(m.bias is not None for m in net.modules() if isinstance(m, nn.Conv2d))
    assert not any(isinstance(m, SpectralConv) for m in net.modules())


@pytest.mark.parametrize(
    ("norm", "kind"), [("batch", BatchNorm), ("instance", InstanceNorm), ("none", nn.Identity)]
)
def test_norms_of_the_generator(norm: str, kind: type[nn.Module]) -> None:
    with torch.device("meta"):
        net = SPADEGenerator(4, 3, width=4, hidden=2, norm=norm)
    found = [m.norm for m in net.modules() if isinstance(m, SPADENorm)]
    assert len(found) == 7 * 2 + 4
    assert all(type(m) is kind and not list(m.parameters()) for m in found)
    if norm == "batch":
        assert all(m.synchronised and m.eps == 1e-5 and m.track_running_stats for m in found)
    assert all(type(m) is not InstanceNorm or m.epsilon == 1e-5 for m in found)


def test_a_modulated_norm_is_the_formula() -> None:
    torch.manual_seed(0)
    norm = SPADENorm(3, 2, norm="batch", hidden=4)
    x, told = torch.randn(2, 3, 5, 5), torch.randn(2, 2, 5, 5)
    seen = F.relu(F.conv2d(told, norm.read.weight, norm.read.bias, padding=1))
    scale, shift = (F.conv2d(seen, m.weight, m.bias, padding=1) for m in (norm.scale, norm.shift))
    plain = (x - x.mean((0, 2, 3), keepdim=True)) / (
        x.var((0, 2, 3), unbiased=False, keepdim=True) + 1e-5
    ).sqrt()
    # fp32, sums in another order
    assert torch.allclose(norm(x, told), plain * (1 + scale) + shift, atol=1e-5)


@pytest.mark.parametrize("made", [3, 2])
def test_a_block_is_the_formula(made: int) -> None:
    torch.manual_seed(0)
    block = SPADEBlock(3, made, 2, norm="instance", hidden=4, spectral=False)
    x, image = torch.randn(1, 3, 4, 4), torch.randn(1, 2, 8, 8)
    told = image[:, :, ::2, ::2]  # the nearest pixel of each 2x2
    long = block.first(F.leaky_relu(block.first_norm(x, told), 0.2))
    long = block.second(F.leaky_relu(block.second_norm(long, told), 0.2))
    short = x if made == 3 else F.conv2d(block.shortcut_norm(x, told), block.shortcut.weight)
    assert torch.equal(block(x, image), short + long)


@pytest.mark.parametrize(
    ("depth", "doubled"), [(5, (1, 3, 4, 5, 6)), (6, (1, 2, 3, 4, 5, 6)), (7, range(1, 8))]
)
def test_the_generator_is_the_published_chain(depth: int, doubled: Collection[int]) -> None:
    torch.manual_seed(0)
    net = SPADEGenerator(2, 3, width=2, hidden=2, depth=depth, norm="instance").eval()
    image, step = torch.randn(1, 2, 256, 128), 2**depth
    x = F.conv2d(image[:, :, ::step, ::step], net.start.weight, net.start.bias, padding=1)
    for number, block in enumerate(net.blocks):
        if number in doubled:
            x = x.repeat_interleave(2, 2).repeat_interleave(2, 3)
        x = block(x, image)
    head = F.conv2d(torch.where(x > 0, x, 0.2 * x), net.head.weight, net.head.bias, padding=1)
    # fp32, sums in another order
    assert torch.allclose(net(image), head.tanh(), atol=1e-6)


@pytest.mark.parametrize("norm", ["instance", "none"])
def test_the_discriminator_is_the_published_chain(norm: str) -> None:
    torch.manual_seed(0)
    net = FeaturePatchGAN(3, features=True, width=2, layers=2, norm=norm).eval()
    image = torch.randn(2, 3, 21, 30)
    ones = torch.ones(1, 1, 21, 30)
    # the mean of those of the nine places that lie inside
    half = F.avg_pool2d(image, 3, 2, 1) / F.avg_pool2d(ones, 3, 2, 1)
    scores, hidden = net(image)
    for judge, x, score, seen in zip(net.judges, (image, half), scores, hidden, strict=True):
        for layer, made, stride in zip(judge.hidden, seen, (2, 2, 1), strict=True):
            x = F.conv2d(x, weight_of(layer[0]), layer[0].bias, stride, padding=2)
            if layer is not judge.hidden[0] and norm == "instance":
                x = F.instance_norm(x)
            x = torch.where(x > 0, x, 0.2 * x)
            # fp32, sums in another order
            assert torch.allclose(made, x, atol=1e-5)
        assert torch.allclose(score, F.conv2d(x, judge.head.weight, judge.head.bias, padding=2), atol=1e-5)


def weight_of(conv: nn.Conv2d) -> Tensor:
    return conv.normalised() if isinstance(conv, SpectralConv) else conv.weight


def test_the_encoder_is_the_published_chain() -> None:
    torch.manual_seed(0)
    net = SPADEEncoder(3, 5, width=2, layers=2).eval()
    image = torch.randn(2, 3, 40, 23)
    x = F.interpolate(image, (16, 16), mode="bilinear", align_corners=False)
    for layer in (net.body[0], net.body[1]):
        x = F.instance_norm(F.conv2d(x, weight_of(layer[0]), stride=2, padding=1))
        x = torch.where(x > 0, x, 0.2 * x)
    for made, linear in zip(net(image), (net.mean, net.log_variance), strict=True):
        # fp32, sums in another order
        assert torch.allclose(made, F.linear(x.flatten(1), linear.weight, linear.bias), atol=1e-5)


def test_the_first_map_is_the_shrunk_input() -> None:
    torch.manual_seed(0)
    net = SPADEGenerator(2, 3, width=2, hidden=2, norm="instance")
    seen: list[Tensor] = []
    net.start.register_forward_pre_hook(lambda _, told: seen.append(told[0]))
    image = torch.randn(1, 2, 64, 96)
    net(image)
    assert torch.equal(seen[0], image[:, :, ::32, ::32])


def test_a_code_chooses_the_picture_at_any_size() -> None:
    torch.manual_seed(0)
    net = SPADEGenerator(2, 3, 64, 5, 2.0, width=2, hidden=2, norm="instance").eval()
    assert net.start.shape == (32, 1, 2)
    z = torch.randn(2, 5)
    for height, width in ((32, 64), (64, 64), (96, 32)):
        made = net(torch.ones(2, 2, height, width), z)
        assert made.shape == (2, 3, height, width)
        assert float((made[0] - made[1]).detach().abs().max()) > 1e-4


def test_the_generator_refuses_sides() -> None:
    with pytest.raises(ValueError, match="multiples of 32, got 32x48"):
        SPADEGenerator(1, 3, width=1, hidden=1)(torch.zeros(1, 1, 32, 48))
    with pytest.raises(ValueError, match="pictures of 512x171 pixels do not divide by 32"):
        SPADEGenerator(1, 3, 512, 4, 3.0, width=1, hidden=1)
    with pytest.raises(ValueError, match="width: 3 cannot be halved"):
        SPADEGenerator(1, 3, width=3, depth=7)


@pytest.mark.parametrize(
    ("depth", "size", "sentence"),
    [
        (5, 48, "5 needs a multiple of 32 pixels, got 48; choose a multiple of 32"),
        (7, 192, "7 needs a multiple of 128 pixels, got 192; use 6"),
    ],
)
def test_settling_names_the_depth_that_fits(depth: int, size: int, sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^depth: {sentence}"):
        SPADEGenerator.settle({"depth": depth}, image_size=size)
    tables = {
        "strategy": {"name": "spade", "generator": {"depth": depth}},
        "data": {"name": "demo", "layout": "masks", "size": size},
    }
    with pytest.raises(SpecError, match=f"strategy.generator.depth: {sentence}"):
        resolve(tables, registry())


def test_the_encoder_takes_any_size() -> None:
    torch.manual_seed(0)
    net = SPADEEncoder(3, 5, width=2, layers=2)
    image = torch.randn(2, 3, 16, 16)
    mean, log_variance = copy.deepcopy(net)(image)
    assert mean.shape == log_variance.shape == (2, 5)
    large = image.repeat_interleave(2, 2).repeat_interleave(2, 3)
    # the middle of four equal pixels is that pixel: resizing gives the small picture back
    again, _ = net(large)
    assert torch.allclose(mean, again, atol=1e-6)


def test_one_hot() -> None:
    label_map = torch.tensor([[[[0, 2], [1, 3]]]])
    expected = torch.stack([(label_map[:, 0] == k).float() for k in range(4)], 1)
    assert torch.equal(one_hot(label_map, 4), expected)
    assert torch.equal(one_hot(label_map.to(torch.uint8), 4), expected)


def test_instances_touch_at_both_sides() -> None:
    instance_map = torch.tensor([[7, 7, 9, 9], [7, 7, 9, 9], [7, 7, 7, 7], [7, 7, 7, 7]])[None, None]
    expected = torch.tensor([[0, 1, 1, 0], [0, 1, 1, 1], [0, 0, 1, 1], [0, 0, 0, 0]]).float()
    assert torch.equal(instance_edges(instance_map)[0, 0], expected)


def test_what_networks_are_told() -> None:
    x = Batch({"label_map": torch.tensor([[[[0, 1]]]]), "instance_map": torch.tensor([[[[5, 5]]]])})
    assert Semantics(2, edges=False).of(x).tolist() == [[[[1, 0]], [[0, 1]]]]
    assert Semantics(2, edges=True).of(x).tolist() == [[[[1, 0]], [[0, 1]], [[0, 0]]]]
    assert (Semantics(2, edges=False).channels, Semantics(2, edges=True).channels) == (2, 3)
    with pytest.raises(
        ValueError, match=r"^instance_map: this run was trained with the borders of instances"
    ):
        Semantics(2, edges=True).of(Batch({"label_map": x.label_map}))


@pytest.mark.parametrize(("value", "named"), [(3, "value 3"), (-1, "value -1")])
def test_a_value_that_is_no_class_is_refused(value: int, named: str) -> None:
    label_map = torch.tensor([[[[0, value]]]])
    with pytest.raises(ValueError, match=f"^label_map: it holds the {named}, and this run knows 0 to 2"):
        Semantics(3, edges=False).check(label_map)
    Semantics(4, edges=False).check(label_map.abs())


def test_the_published_recipe() -> None:
    strategy = registry().get("strategy", "spade").factory
    assert isinstance(strategy, type) and issubclass(strategy, i2i.Strategy)
    data = {"name": "demo", "layout": "masks", "size": 256}
    spec = resolve({"strategy": {"name": "spade", "encoder": "spade"}, "data": data}, registry())
    options, rates = spec.strategy.options, {n: o.options for n, o in spec.optimizers.items()}
    assert options["gan"].name == "hinge"
    assert [options[f"{term}_weight"] for term in ("feature", "perceptual", "kl")] == [10.0, 10.0, 0.05]
    assert options["latent"] == 256 and options["encoder"].options["layers"] == 6
    assert {n: (o["lr"], o["betas"]) for n, o in rates.items()} == {
        "default": (1e-4, (0.0, 0.9)),
        "D": (4e-4, (0.0, 0.9)),
    }
    assert (spec.train.epochs, spec.train.batch) == (50, 32)
    rate = registry().build(spec.schedule, {}, {})
    assert rate(50 * 10 - 1, 10) == 1
    published = {"name": "masks", "root": ".", "classes": 2}
    on_files = resolve({"strategy": {"name": "spade"}, "data": published}, registry()).data.options
    assert [on_files[option] for option in ("size", "load_size", "flip", "aspect")] == [256, 286, True, 1.0]
    assert (spec.train.init.name, spec.train.init.gain) == ("xavier", 0.02)


def test_the_published_rate_at_the_ends_of_epochs() -> None:
    example = registry().get("strategy", "spade").factory.example
    tables = {
        "strategy": {"name": "spade"},
        "data": {"name": "demo", "layout": "masks", "size": 256},
        "schedule": {"name": "linear", **example["schedule"]},
        "train": example["train"],
    }
    spec = resolve(tables, registry())
    rate = registry().build(spec.schedule, {}, {})
    base = 2e-4  # of which G has a half, D the double
    for epoch, expected in {1: 2e-4, 100: 2e-4, 101: 2e-4, 102: 1.98e-4, 200: 2e-6}.items():
        for step in (10 * (epoch - 1), 10 * epoch - 1):
            assert base * rate(step, 10) == pytest.approx(expected, rel=1e-9), epoch
