"""The U-Net against the published layer table."""

import pytest
import torch
from torch import nn

from i2i.nets import BatchNorm, Dropout, GroupNorm, InstanceNorm, UNet
from i2i.nets.unet import Up


def on_meta(*channels, **options):
    with torch.device("meta"):
        return UNet(*(channels or (3, 3)), **options)


@pytest.mark.parametrize(
    ("options", "parameters", "entries"),
    [
        ({"norm": "batch"}, 54_413_955, 82),
        ({"norm": "instance"}, 54_409_603, 32),
        ({"norm": "batch", "depth": 7}, 41_828_995, None),
    ],
)
def test_parameters(options, parameters, entries):
    net = on_meta(**options)
    assert sum(p.numel() for p in net.parameters()) == parameters
    assert entries is None or len(net.state_dict()) == entries


def test_sizes_on_the_way_down_and_up():
    net = on_meta()
    seen = []
    for module in [*net.down, *reversed(net.up)]:
        module.register_forward_hook(lambda m, x, y: seen.append((y.shape[1], y.shape[2])))
    assert net(torch.empty(1, 3, 256, 256, device="meta")).shape == (1, 3, 256, 256)
    down = [(64, 128), (128, 64), (256, 32), (512, 16), (512, 8), (512, 4), (512, 2), (512, 1)]
    up = [(512, 2), (512, 4), (512, 8), (512, 16), (256, 32), (128, 64), (64, 128), (3, 256)]
    assert seen == down + up


def test_any_multiple_of_two_to_the_depth_fits():
    net = UNet(1, 2, width=2, depth=3).eval()
    assert net.multiple == 8
    assert net(torch.zeros(2, 1, 16, 40)).shape == (2, 2, 16, 40)
    assert UNet(1, 2, width=2, depth=1)(torch.zeros(1, 1, 4, 6)).shape == (1, 2, 4, 6)
    with pytest.raises(ValueError, match="multiples of 8, got 16x20"):
        net(torch.zeros(1, 1, 16, 20))


@pytest.mark.parametrize(("norm", "biases"), [("instance", 16), ("batch", 1), ("group", 1), ("none", 1)])
def test_convolutions_have_a_bias_before_instance_norm_only(norm, biases):
    net = on_meta(norm=norm)
    convolutions = [module.conv for module in [*net.down, *net.up]]
    assert sum(conv.bias is not None for conv in convolutions) == biases
    assert net.up[0].conv.bias is not None


@pytest.mark.parametrize(
    ("norm", "kind"), [("instance", InstanceNorm), ("batch", BatchNorm), ("group", GroupNorm)]
)
def test_neither_the_outermost_nor_the_innermost_down_has_a_norm(norm, kind):
    net = on_meta(norm=norm)
    assert [isinstance(down.norm, kind) for down in net.down] == [False, *[True] * 6, False]
    assert [isinstance(up.norm, kind) for up in net.up] == [False, *[True] * 7]


@pytest.mark.parametrize(("depth", "levels"), [(8, [4, 5, 6]), (7, [4, 5]), (6, [4]), (5, [])])
def test_dropout_is_on_the_widest_levels_but_the_innermost(depth, levels):
    net = on_meta(depth=depth, dropout=0.5)
    rates = [module.rate for up in net.up for module in up.modules() if isinstance(module, Dropout)]
    assert [level for level, rate in enumerate(rates) if rate == 0.5] == levels
    assert not any(isinstance(module, Dropout) for module in net.down.modules())


def test_unet_128_drops_at_maps_of_4_and_8():
    net = on_meta(depth=7, dropout=0.5)
    sizes = []
    for up in net.up:
        if up.dropout.rate:
            up.register_forward_hook(lambda m, x, y: sizes.append(y.shape[2]))
    net(torch.empty(1, 3, 128, 128, device="meta"))
    assert sizes == [4, 8]


def test_the_skip_comes_first_and_the_way_up_second():
    net = UNet(1, 1, width=2, depth=3)
    outputs, inputs = {}, {}
    for level in range(3):
        net.down[level].register_forward_hook(
            lambda m, x, y, level=level: outputs.update({("down", level): y})
        )
        net.up[level].register_forward_hook(lambda m, x, y, level=level: outputs.update({("up", level): y}))
        net.up[level].register_forward_pre_hook(lambda m, x, level=level: inputs.update({level: x[0]}))
    net(torch.randn(1, 1, 16, 16))
    for level in (0, 1):
        expected = torch.cat([outputs["down", level], outputs["up", level + 1]], 1)
        assert torch.equal(inputs[level], expected)
    assert torch.equal(inputs[2], outputs["down", 2])


def test_activations_are_leaky_down_and_plain_up_and_the_picture_has_none():
    net = UNet(1, 1, width=2, depth=3)
    x = torch.tensor([-1.0, 1.0])
    assert [down.act(x)[0].item() for down in net.down] == pytest.approx([-1, -0.2, -0.2])
    assert [up.act(x)[0].item() for up in net.up] == [0, 0, 0]


def test_dropout_comes_behind_the_norm():
    torch.manual_seed(0)
    up = Up(nn.ConvTranspose2d(2, 2, 4, stride=2, padding=1), norm="instance", dropout=0.5)
    made = up(torch.randn(1, 2, 16, 16))
    # 2048 values, so 0.011 is one sigma; a norm behind it would move the zeros
    assert (made == 0).float().mean().item() == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize(
    ("size", "depth"), [(256, 8), (128, 7), (64, 6), (512, 8), (32, 5), (8, 3), (96, 5), (384, 7)]
)
def test_auto_is_the_deepest_that_fits(size, depth):
    assert UNet.settle({"depth": "auto", "width": 4}, image_size=size) == {"depth": depth, "width": 4}
    assert on_meta().multiple == 256


@pytest.mark.parametrize(
    ("options", "size", "message"),
    [
        ({"depth": 8}, 128, "depth: 8 needs a multiple of 256 pixels, got 128; use 7 or less"),
        ({"depth": 3}, 33, "depth: 3 needs a multiple of 8 pixels, got 33"),
        ({}, 250, "depth: none fits pictures of 250 pixels; choose a power of two, such as 256"),
    ],
)
def test_a_depth_that_cannot_work_is_refused(options, size, message):
    with pytest.raises(ValueError) as error:
        UNet.settle(options, image_size=size)
    assert str(error.value) == message


def test_an_explicit_depth_that_works_is_kept():
    assert UNet.settle({"depth": 2}, image_size=64) == {"depth": 2}
