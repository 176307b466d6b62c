"""The networks of GAN, CGAN, DCGAN and ACGAN against the published layer tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from i2i.nets import BatchNorm, Dropout
from i2i_gans import (
    ClassDiscriminator,
    ConvDiscriminator,
    JointMaxoutDiscriminator,
    JointMLPGenerator,
    LabelMLPDiscriminator,
    LabelMLPGenerator,
    LabelResizingGenerator,
    LabelStridedDiscriminator,
    LabelStridedGenerator,
    MaxoutDiscriminator,
    MLPDiscriminator,
    MLPGenerator,
    ResizingGenerator,
    StridedDiscriminator,
    StridedGenerator,
)
from i2i_gans.layers import ChannelDropout, Maxout, layers_of

Z, CLASSES = 100, 10


def weights(net: nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


def authors_generator() -> nn.Module:
    return StridedGenerator(Z, 3, 64, width=128, kernel=5, start="units", epsilon=1e-8)


def authors_discriminator() -> nn.Module:
    return StridedDiscriminator(3, 64, width=128, kernel=5, epsilon=1e-8)


def generator_of_2014() -> nn.Module:
    return MLPGenerator(
        Z, 1, 28, widths=(1200, 1200), activation="relu", norm="none", output="sigmoid", initial_range=0.05
    )


# Without a published number: LabelStrided 110·1024 + 1034·6272 + 25·(138·64 + 74), and its mirror image; JointMLP
# 20,200 + 11,000 + 1,441,200 + 941,584; JointMaxout 942,000 + 2,750 + 279,360 + 241.
NETWORKS: list[tuple[Callable[[], nn.Module], int]] = [
    (generator_of_2014, 2_503_984),
    (lambda: MaxoutDiscriminator(1, 28), 1_231_441),
    (lambda: MLPGenerator(Z, 1, 28), 1_510_032),
    (lambda: MLPDiscriminator(1, 28), 533_505),
    (lambda: LabelMLPGenerator(Z, 1, CLASSES, 32), 1_757_412),
    (lambda: LabelMLPDiscriminator(1, CLASSES, 32), 1_055_845),
    (lambda: JointMLPGenerator(Z, 1, CLASSES, 28), 2_413_984),
    (lambda: JointMaxoutDiscriminator(1, CLASSES, 28), 1_224_351),
    (lambda: LabelStridedGenerator(Z, 1, CLASSES, 28), 6_820_538),
    (lambda: LabelStridedDiscriminator(1, CLASSES, 28), 6_688_202),
    (lambda: StridedGenerator(Z, 3, 64), 3_576_704),
    (lambda: StridedDiscriminator(3, 64), 2_765_568),
    (authors_generator, 18_885_760),
    (authors_discriminator, 17_232_768),
    (lambda: ResizingGenerator(Z, 1, 32), 1_049_985),
    (lambda: ConvDiscriminator(1, 32), 98_113),
    (lambda: LabelResizingGenerator(Z, 1, CLASSES, 32), 1_050_985),
    (lambda: ClassDiscriminator(1, CLASSES, 32), 103_243),
]


@pytest.mark.parametrize(("make", "count"), NETWORKS)
def test_weights(make: Callable[[], nn.Module], count: int) -> None:
    with torch.device("meta"):
        assert weights(make()) == count


GENERATORS: list[tuple[type, Mapping[str, Any]]] = [
    (MLPGenerator, {}),
    (StridedGenerator, {"width": 2}),
    (StridedGenerator, {"width": 2, "kernel": 5, "start": "units", "output": "sigmoid"}),
    (ResizingGenerator, {"width": 2}),
]
TOLD_GENERATORS: list[tuple[type, Mapping[str, Any]]] = [
    (LabelMLPGenerator, {}),
    (JointMLPGenerator, {}),
    (LabelStridedGenerator, {"width": 2, "units": 4}),
    (LabelResizingGenerator, {"width": 4}),
]


@pytest.mark.parametrize("size", [28, 32, 64])
@pytest.mark.parametrize(("network", "options"), GENERATORS)
def test_pictures_of_every_size(network: type, options: Mapping[str, Any], size: int) -> None:
    torch.manual_seed(0)
    picture = network(5, 3, size, **options)(10 * torch.randn(2, 5))
    assert picture.shape == (2, 3, size, size)
    assert picture.abs().max() <= 1 and picture.min() < -0.1


@pytest.mark.parametrize("size", [28, 32])
@pytest.mark.parametrize(("network", "options"), TOLD_GENERATORS)
def test_the_label_changes_the_picture(network: type, options: Mapping[str, Any], size: int) -> None:
    torch.manual_seed(0)
    net, z = network(5, 3, 4, size, **options).eval(), torch.randn(2, 5)
    one, other = net(z, torch.tensor([0, 3])), net(z, torch.tensor([1, 3]))
    assert one.shape == (2, 3, size, size) and one.abs().max() <= 1
    assert float((one[0] - other[0]).detach().abs().max()) > 1e-3
    assert torch.equal(one[1], other[1])


DISCRIMINATORS = [MLPDiscriminator, MaxoutDiscriminator, StridedDiscriminator, ConvDiscriminator]


@pytest.mark.parametrize("size", [28, 32, 64])
@pytest.mark.parametrize("network", DISCRIMINATORS)
def test_one_score_without_sigmoid(network: type, size: int) -> None:
    torch.manual_seed(0)
    scores = network(3, size).eval()(1e6 * torch.randn(4, 3, size, size))
    assert scores.shape == (4, 1)
    assert scores.min() < 0 or scores.max() > 1


@pytest.mark.parametrize(
    "network", [LabelMLPDiscriminator, JointMaxoutDiscriminator, LabelStridedDiscriminator]
)
def test_the_label_changes_the_score(network: type) -> None:
    torch.manual_seed(0)
    net, image = network(1, 4, 28).eval(), torch.rand(2, 1, 28, 28)
    one, other = net(image, torch.tensor([0, 3])), net(image, torch.tensor([1, 3]))
    assert one.shape == (2, 1)
    assert one[0] != other[0] and one[1] == other[1]


def test_the_class_is_told_by_logits() -> None:
    torch.manual_seed(0)
    scores, logits = ClassDiscriminator(1, 4, 28)(torch.randn(5, 1, 28, 28))
    assert scores.shape == (5, 1) and logits.shape == (5, 4)
    assert (logits < 0).any() and not torch.allclose(logits.exp().sum(1), torch.ones(5))


@pytest.mark.parametrize(
    ("make", "epsilons"),
    [
        (lambda: MLPGenerator(Z, 1, 28), [0.8] * 3),
        (lambda: LabelMLPGenerator(Z, 1, CLASSES, 32), [0.8] * 3),
        (lambda: ResizingGenerator(Z, 1, 32), [1e-5, 0.8, 0.8]),
        (lambda: LabelResizingGenerator(Z, 1, CLASSES, 32), [1e-5, 0.8, 0.8]),
        (lambda: ConvDiscriminator(1, 32), [0.8] * 3),
        (lambda: StridedGenerator(Z, 3, 64), [1e-5] * 4),
        (lambda: StridedDiscriminator(3, 64), [1e-5] * 3),
        (authors_generator, [1e-8] * 4),
        (lambda: LabelStridedDiscriminator(1, CLASSES, 28), [1e-8] * 2),
        (lambda: MLPGenerator(Z, 1, 28, epsilon=1e-5), [1e-5] * 3),
    ],
)
def test_epsilon_and_momentum_of_batch_norm(make: Callable[[], nn.Module], epsilons: list[float]) -> None:
    with torch.device("meta"):
        norms = [m for m in make().modules() if isinstance(m, BatchNorm)]
    assert [norm.eps for norm in norms] == epsilons
    assert {norm.momentum for norm in norms} == {0.1}


def test_where_there_are_biases() -> None:
    def biased(net: nn.Module) -> set[bool]:
        kinds = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)
        return {layer.bias is not None for layer in net.modules() if isinstance(layer, kinds)}

    with torch.device("meta"):
        without = [StridedGenerator(Z, 3, 64), authors_generator(), StridedDiscriminator(3, 64)]
        without += [LabelStridedGenerator(Z, 1, 10, 28), LabelStridedDiscriminator(1, 10, 28)]
        with_them = [ResizingGenerator(Z, 1, 32), ConvDiscriminator(1, 32), MLPGenerator(Z, 1, 28)]
    assert all(biased(net) == {False} for net in without)
    assert all(biased(net) == {True} for net in with_them)


def test_the_order_within_a_layer() -> None:
    with torch.device("meta"):
        layers = [[type(m) for m in layer] for layer in ConvDiscriminator(1, 32).trunk.body]
        start = [type(m) for m in ResizingGenerator(Z, 1, 32).start]
        told = [type(m) for m in LabelMLPDiscriminator(1, CLASSES, 32, activation="silu").body[1]]
    assert layers[0] == [nn.Conv2d, nn.LeakyReLU, ChannelDropout, nn.Identity]
    assert layers[1:] == [[nn.Conv2d, nn.LeakyReLU, ChannelDropout, BatchNorm]] * 3
    assert start == [nn.Linear, nn.Unflatten, BatchNorm]
    assert told == [nn.Linear, Dropout, nn.SiLU]  # which the default activation could not tell


@pytest.mark.parametrize(
    ("make", "rates"),
    [
        (lambda: MaxoutDiscriminator(1, 28), [0.2, 0.5, 0.5]),
        (lambda: LabelMLPDiscriminator(1, CLASSES, 32), [0.0, 0.4, 0.4]),
        (lambda: MLPDiscriminator(1, 28), [0.0, 0.0]),
        (lambda: ClassDiscriminator(1, CLASSES, 32), [0.25] * 4),
        (lambda: JointMLPGenerator(Z, 1, CLASSES, 28), [0.5] * 3),
        (lambda: JointMaxoutDiscriminator(1, CLASSES, 28), [0.5] * 3),
    ],
)
def test_dropout(make: Callable[[], nn.Module], rates: list[float]) -> None:
    with torch.device("meta"):
        assert [m.rate for m in make().modules() if isinstance(m, Dropout)] == rates


def test_channels_drop_as_wholes() -> None:
    torch.manual_seed(0)
    layer, x = ChannelDropout(0.25), torch.full((8, 16, 3, 3), 0.75)
    kept = layer(x)
    assert torch.equal(kept, kept[:, :, :1, :1].expand_as(kept))
    assert {round(value, 6) for value in kept.unique().tolist()} == {0.0, 1.0}
    assert torch.equal(layer.eval()(x), x)


def test_maxout_takes_the_largest_piece() -> None:
    torch.manual_seed(0)
    layer, x = Maxout(3, 2, 5), torch.randn(4, 3)
    pieces = layer.linear(x)
    assert torch.equal(layer(x), torch.stack([pieces[:, :5].amax(1), pieces[:, 5:].amax(1)], 1))


def limits(net: nn.Module) -> tuple[float, float]:
    """The largest weight and the largest bias."""
    layers = [m for m in net.modules() if isinstance(m, nn.Linear)]
    return max(float(m.weight.detach().abs().max()) for m in layers), max(
        float(m.bias.detach().abs().max()) for m in layers
    )


def test_initial_ranges_of_2014() -> None:
    torch.manual_seed(0)
    for net, limit in ((generator_of_2014(), 0.05), (MaxoutDiscriminator(1, 28), 0.005)):
        weight, bias = limits(net)
        assert 0.99 * limit < weight <= limit and bias == 0.0
    assert limits(MLPGenerator(Z, 1, 28))[1] > 0  # as PyTorch draws them


@pytest.mark.parametrize(
    ("size", "layers"), [(4, 1), (8, 1), (16, 2), (28, 2), (32, 3), (48, 3), (64, 4), (128, 5)]
)
def test_how_often_a_size_is_halved(size: int, layers: int) -> None:
    assert layers_of("auto", size) == layers


@pytest.mark.parametrize(
    ("layers", "size", "sentence"),
    [
        (4, 28, "layers: 4 need a multiple of 16 pixels, got 28; use 2 or less"),
        ("auto", 30, "layers: 2 need a multiple of 4 pixels, got 30; choose data.size = 28 or 32"),
        (1, 31, "layers: 1 need a multiple of 2 pixels, got 31; choose data.size = 30 or 32"),
        ("auto", 1, "layers: 1 need a multiple of 2 pixels, got 1; choose data.size = 2"),
    ],
)
def test_a_size_that_does_not_fit(layers: Any, size: int, sentence: str) -> None:
    options = {"layers": layers, "norm": "batch", "epsilon": "auto", "start": "channels"}
    for network in (StridedGenerator, StridedDiscriminator, LabelStridedGenerator):
        with pytest.raises(ValueError, match=f"^{sentence}$"):
            network.settle(options, image_size=size)


def test_settling() -> None:
    options = {"layers": "auto", "norm": "batch", "epsilon": "auto", "start": "channels"}
    settled = StridedGenerator.settle(options, image_size=64)
    assert (settled["layers"], settled["epsilon"]) == (4, 1e-5)
    assert MLPGenerator.settle({"norm": "batch", "epsilon": "auto"})["epsilon"] == 0.8
    assert MLPGenerator.settle({"norm": "none", "epsilon": "auto"})["epsilon"] == "auto"
    with pytest.raises(ValueError, match=r'^epsilon: only batch norm has it, and norm is "none"; leave it'):
        MLPGenerator.settle({"norm": "none", "epsilon": 0.8})
    with pytest.raises(ValueError, match=r'^start: "units" are normalised over the batch'):
        StridedGenerator.settle({**options, "norm": "instance", "start": "units"}, image_size=64)


@pytest.mark.parametrize("network", [MLPDiscriminator, MaxoutDiscriminator, ConvDiscriminator])
def test_a_picture_of_another_size_is_refused(network: type) -> None:
    with pytest.raises(ValueError, match="judges pictures of 16x16 only, got 32x16"):
        network(1, 16)(torch.zeros(1, 1, 32, 16))


def test_the_label_meets_every_layer() -> None:
    torch.manual_seed(0)
    G = LabelStridedGenerator(5, 1, 3, 28, units=4, width=2)
    D = LabelStridedDiscriminator(1, 3, 28, units=4, width=2)
    label = torch.tensor([0, 1, 2, 0])
    D(G(torch.randn(4, 5), label), label).sum().backward()
    # the columns that see the label follow those that see numbers or channels: dimension, and how many precede
    seen: list[tuple[Tensor, int, int]] = [
        (G.units[0].weight, 1, 5),
        (G.start[0][0].weight, 1, 4),
        (G.body[0][0].weight, 0, 4),
        (G.head[0].weight, 0, 2),
        (D.body[0][0].weight, 1, 1),
        (D.body[1][0].weight, 1, 2),
        (D.units[0].weight, 1, 4 * 7 * 7),
        (D.score.weight, 1, 4),
    ]
    assert len(seen) == len([*G.parameters(), *D.parameters()])
    for weight, dimension, before in seen:
        assert weight.grad is not None
        columns = weight.grad.narrow(dimension, before, 3)
        assert weight.shape[dimension] == before + 3
        assert columns.abs().max() > 0
