"""Encoders and discriminator of BicycleGAN, against the published counts and written-out forwards."""

import pytest
import torch
from torch.nn import functional as F

from i2i.nets import init_weights
from i2i_bicyclegan.discriminator import MultiScalePatchGAN
from i2i_bicyclegan.encoders import ConvEncoder, ResNetEncoder

ROUNDING = 1e-12  # fp64: the same sums in another order


def on_meta(network, *facts, **options):
    with torch.device("meta"):
        return network(*facts, **options)


def count(net):
    return sum(p.numel() for p in net.parameters())


def picture(size, channels=3, batch=2):
    torch.manual_seed(1)
    return torch.randn(batch, channels, size, size, dtype=torch.float64)


@pytest.mark.parametrize(
    ("network", "options", "size", "parameters"),
    [
        (ResNetEncoder, {"blocks": 4}, 256, 2_590_032),
        (ResNetEncoder, {"blocks": 3}, 128, 1_344_080),
        (ConvEncoder, {"layers": 5}, 256, 2_760_656),
        (ConvEncoder, {"layers": 4}, 128, 1_711_824),
    ],
)
def test_an_encoder_of_the_published_size(network, options, size, parameters):
    assert network.settle({}, image_size=size) == options
    net = on_meta(network, 3, 8, **options)
    assert count(net) == parameters
    pooled = []
    net.code.register_forward_pre_hook(lambda m, x: pooled.append(x[0].shape[2:]))
    assert [t.shape for t in net(torch.empty(2, 3, size, size, device="meta"))] == [(2, 8), (2, 8)]
    assert pooled == [(8, 8)]


@pytest.mark.parametrize("network", [ResNetEncoder, ConvEncoder])
def test_built_without_settling_it_is_the_one_for_256_pixels(network):
    settled = on_meta(network, 3, 8, **network.settle({}, image_size=256))
    assert on_meta(network, 3, 8).state_dict().keys() == settled.state_dict().keys()


@pytest.mark.parametrize(
    ("network", "option", "numbers"),
    [(ResNetEncoder, "blocks", [1, 1, 1, 2, 2, 5]), (ConvEncoder, "layers", [1, 1, 2, 3, 3, 6])],
)
def test_auto_goes_on_to_a_map_of_eight(network, option, numbers):
    settled = [network.settle({}, image_size=size)[option] for size in (8, 16, 32, 64, 96, 512)]
    assert settled == numbers


@pytest.mark.parametrize(
    ("network", "option"), [(ResNetEncoder, "blocks"), (ConvEncoder, "layers")], ids=["resnet", "conv"]
)
def test_more_than_fit_are_refused(network, option):
    assert network.settle({option: 5}, image_size=64) == {option: 5}
    network(1, 2, width=1, **{option: 5})(torch.zeros(1, 1, 64, 64))
    with pytest.raises(ValueError, match=rf"^{option}: 6 need at least 128 pixels, got 64; use 5 or less$"):
        network.settle({option: 6}, image_size=64)
    with pytest.raises(ValueError, match=rf"^{option}: 1 need at least 4 pixels, got 3$"):
        network.settle({}, image_size=3)
    with pytest.raises(ValueError, match=r"^this encoder needs sides of at least 64 pixels, got 63x80$"):
        network(1, 2, width=1, **{option: 5})(torch.zeros(1, 1, 63, 80))


@pytest.mark.parametrize("network", [ResNetEncoder, ConvEncoder])
def test_other_sizes_give_a_code_too(network):
    mean, log_variance = network(3, 4, width=2)(torch.zeros(2, 3, 72, 104))
    assert mean.shape == log_variance.shape == (2, 4)


def test_the_residual_encoder_written_out():
    net, image = ResNetEncoder(3, 2, width=2, blocks=2).double(), picture(32)
    x = F.conv2d(image, net.stem.weight, net.stem.bias, stride=2, padding=1)
    for block in net.body:
        y = x
        for half in (block.first, block.second):
            y = F.leaky_relu(F.instance_norm(y), 0.2)
            y = F.conv2d(y, half.conv.weight, half.conv.bias, padding=1)
        short = F.conv2d(F.avg_pool2d(x, 2), block.shortcut.weight, block.shortcut.bias)
        x = F.avg_pool2d(y, 2) + short
    x = F.avg_pool2d(F.leaky_relu(x, 0.2), 4).flatten(1)
    heads = (net.code.mean, net.code.log_variance)
    for given, head in zip(net(image), heads):
        torch.testing.assert_close(given, F.linear(x, head.weight, head.bias), atol=ROUNDING, rtol=0)


def test_the_plain_encoder_written_out():
    net, image = ConvEncoder(3, 2, width=2, layers=3).double(), picture(32)
    x = image
    for n, layer in enumerate(net.body):
        x = F.conv2d(x, layer.conv.weight, layer.conv.bias, stride=2, padding=1)
        x = F.leaky_relu(F.instance_norm(x) if n else x, 0.2)
    x = F.avg_pool2d(x, 4).flatten(1)
    heads = (net.code.mean, net.code.log_variance)
    for given, head in zip(net(image), heads):
        torch.testing.assert_close(given, F.linear(x, head.weight, head.bias), atol=ROUNDING, rtol=0)


def test_widths_of_the_encoders():
    sizes = [block.shortcut.out_channels for block in on_meta(ResNetEncoder, 3, 8, blocks=5).body]
    assert sizes == [128, 192, 256, 256, 256]
    sizes = [layer.conv.out_channels for layer in on_meta(ConvEncoder, 3, 8, layers=5).body]
    assert sizes == [64, 128, 256, 256, 256]


def test_the_published_first_weights_are_small():
    conv = ResNetEncoder(3, 8).body[3].second.conv
    init_weights(conv, "xavier", 0.02, torch.Generator().manual_seed(0))
    assert conv.weight.shape == (256, 256, 3, 3)
    assert conv.weight.std().item() == pytest.approx(4.17e-4, rel=0.01)  # 589,824 numbers: 0.1 % is one sigma


@pytest.mark.parametrize(
    ("options", "parameters", "maps"),
    [
        ({}, 3_458_978, [30, 14]),
        ({"layers": 3, "scales": 1}, 2_764_737, [30]),
        ({"layers": 3, "scales": 3}, 3_634_067, [30, 14, 6]),
        ({"layers": 2}, 830_626, [62, 30]),
    ],
)
def test_the_discriminator_of_256_pixels(options, parameters, maps):
    net = on_meta(MultiScalePatchGAN, 3, **options)
    assert count(net) == parameters
    scores = net(torch.empty(2, 3, 256, 256, device="meta"))
    assert [tuple(score.shape) for score in scores] == [(2, 1, side, side) for side in maps]


def test_each_scale_judges_the_pooled_picture_with_half_the_width():
    net, image = MultiScalePatchGAN(1, width=4, layers=1, scales=3).double(), picture(47, channels=1)
    assert [judge.head.in_channels for judge in net.judges] == [8, 4, 2]
    scores = net(image)
    for judge, score in zip(net.judges, scores):
        torch.testing.assert_close(score, judge(image), atol=ROUNDING, rtol=0)
        inside = F.avg_pool2d(torch.ones_like(image), 3, 2, 1)  # the share of a window that is picture
        image = F.avg_pool2d(image, 3, 2, 1) / inside


def test_the_layers_follow_the_size():
    settled = [MultiScalePatchGAN.settle({}, image_size=size)["layers"] for size in (64, 128, 255, 256, 512)]
    assert settled == [2, 2, 2, 3, 3]
    assert MultiScalePatchGAN.settle({"layers": 1, "scales": 3}, image_size=64) == {"layers": 1, "scales": 3}


@pytest.mark.parametrize(
    ("options", "size", "message"),
    [
        ({}, 22, "layers: 2 with scales = 2 need at least 23 pixels, got 22; use 1 or less"),
        ({"layers": 4, "scales": 3}, 100, "layers: 4 with scales = 3 need at least 189 pixels, got 100; use 3 or less"),
        ({"scales": 3}, 16, "layers: 2 with scales = 3 need at least 45 pixels, got 16; use 1 with scales = 2"),
        ({"scales": 1}, 5, "layers: 2 with scales = 1 need at least 12 pixels, got 5"),
        ({"width": 6, "scales": 3}, 256, "width: 6 cannot be halved for each of 3 scales; use a multiple of 4"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_refused(options, size, message):
    with pytest.raises(ValueError) as error:
        MultiScalePatchGAN.settle(options, image_size=size)
    assert str(error.value) == message


def test_a_width_that_cannot_be_halved_is_not_built():
    with pytest.raises(ValueError, match="width: 3 cannot be halved for each of 2 scales"):
        MultiScalePatchGAN(3, width=3)


@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("scales", [1, 2, 3])
def test_the_smallest_picture_leaves_one_score(layers, scales):
    net = on_meta(MultiScalePatchGAN, 1, width=4, layers=layers, scales=scales)
    side = net.smallest
    assert MultiScalePatchGAN.settle({"layers": layers, "scales": scales, "width": 4}, image_size=side)
    assert net(torch.empty(1, 1, side, side, device="meta"))[-1].shape == (1, 1, 1, 1)
    with pytest.raises(ValueError, match=f"needs sides of at least {side} pixels, got {side - 1}x{side}"):
        net(torch.empty(1, 1, side - 1, side, device="meta"))
