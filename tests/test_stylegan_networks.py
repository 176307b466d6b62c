"""StyleGAN's networks against the published tables, and its layers against what they stand for."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from i2i.core.errors import I2IError
from i2i_stylegan.discriminator import ProgressiveDiscriminator
from i2i_stylegan.layers import (
    Epilogue,
    EqualConv,
    EqualConvUp,
    EqualLinear,
    blur,
    conv_down,
    conv_up,
    with_deviation,
)
from i2i_stylegan.mapping import Mapping, MeanStyle
from i2i_stylegan.synthesis import StyleGenerator, channels_at

# fp64: the same sums in another order
EXACT = 1e-14


def weights(net: nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


def randn(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.mark.parametrize(
    ("resolution", "generator", "discriminator"),
    [(1024, 26_219_627, 23_087_249), (256, 26_086_229, 23_052_353)],
)
def test_numbers_of_weights(resolution: int, generator: int, discriminator: int) -> None:
    with torch.device("meta"):
        net, judge = StyleGenerator(3, 512, resolution), ProgressiveDiscriminator(3, resolution)
    assert weights(net) == generator
    assert weights(net.mapping) == 2_101_248
    assert weights(judge) == discriminator


def test_widths() -> None:
    sides = [4, 8, 16, 32, 64, 128, 256, 512, 1024]
    assert [channels_at(side, 8192, 512) for side in sides] == [512, 512, 512, 512, 256, 128, 64, 32, 16]
    assert channels_at(64, 4, 512) == 1


@pytest.mark.parametrize("resolution", [8, 16, 32])
def test_they_grow(resolution: int) -> None:
    net, judge = StyleGenerator(3, 4, 32, width=32), ProgressiveDiscriminator(3, 32, width=32)
    assert net.layers == 8
    sides = [s for s in (4, 8, 16, 32) if s <= resolution for _ in (0, 1)]
    noise = [torch.zeros(2, 1, s, s) for s in sides]
    image = net(torch.zeros(2, net.layers, 4), noise)
    assert image.shape == (2, 3, resolution, resolution)
    assert judge(image).shape == (2, 1)


def test_a_fade_begins_with_the_old_picture_and_ends_with_the_new() -> None:
    torch.manual_seed(0)
    net = StyleGenerator(3, 4, 16, width=32, layers=1).double()
    styles, noise = randn(2, 6, 4), [randn(2, 1, s, s) for s in (4, 4, 8, 8, 16, 16)]
    old, new = net(styles, noise[:4]), net(styles, noise)
    half = net(styles, noise, torch.tensor(0.5).double())
    torch.testing.assert_close(net(styles, noise, torch.tensor(0.0).double()), new)
    torch.testing.assert_close(half, (new + F.interpolate(old, scale_factor=2)) / 2)


def test_the_discriminator_fades_from_what_it_saw_before() -> None:
    torch.manual_seed(0)
    judge = ProgressiveDiscriminator(3, 16, width=32).double()
    image = randn(4, 3, 16, 16)
    # At the beginning of a fade it sees nothing but the picture of half the resolution.
    begun = judge(image, torch.tensor(1.0).double())
    torch.testing.assert_close(begun, judge(F.avg_pool2d(image, 2)))
    assert not torch.allclose(begun, judge(image, torch.tensor(0.5).double()))


def scaled(layer: EqualConv | EqualLinear, squared_gain: float) -> Tensor:
    """The weights as they are used: times the gain, by the root of the fan-in."""
    return layer.weight * (squared_gain / layer.weight[0].numel()) ** 0.5


@pytest.mark.parametrize("side", [8, 128])
def test_the_discriminator_by_hand(side: int) -> None:
    torch.manual_seed(0)
    judge = ProgressiveDiscriminator(3, side, width=8, max_width=3, group=1).double()
    for name, weight in judge.named_parameters():
        if name.endswith("bias"):
            nn.init.normal_(weight)

    def conv(x: Tensor, layer: EqualConv) -> Tensor:
        return F.conv2d(x, scaled(layer, 2), layer.bias, padding=layer.weight.shape[-1] // 2)

    def act(x: Tensor) -> Tensor:
        return torch.where(x > 0, x, 0.2 * x)

    image, fade = randn(2, 3, side, side), torch.tensor(0.25).double()
    x = act(conv(image, judge.from_rgb[-1]))
    for block in reversed(judge.blocks):
        x = blur(act(conv(x, block.conv)))
        x = act(F.avg_pool2d(conv(x, block.down), 2))
        if block is judge.blocks[-1]:
            x = 0.75 * x + 0.25 * act(conv(F.avg_pool2d(image, 2), judge.from_rgb[-2]))
    head = judge.head
    x = act(conv(x, head.conv)).flatten(1)
    x = act(x @ scaled(head.hidden, 2).T + head.hidden.bias)
    torch.testing.assert_close(judge(image, fade), x @ scaled(head.score, 1).T + head.score.bias)


def test_the_generator_by_hand() -> None:
    torch.manual_seed(0)
    net = StyleGenerator(3, 4, 8, width=8, layers=1).double()
    for name, weight in net.named_parameters():
        if not name.endswith("weight"):
            nn.init.normal_(weight)
    styles, noise = randn(2, 4, 4), [randn(2, 1, s, s) for s in (4, 4, 8, 8)]
    start, block, picture = net.start, net.blocks[0], net.to_rgb[1]
    x = start.first(start.constant.expand(2, -1, -1, -1), noise[0], styles[:, 0])
    x = start.second(F.conv2d(x, scaled(start.conv, 2), padding=1), noise[1], styles[:, 1])
    x = blur(F.conv2d(F.interpolate(x, scale_factor=2), scaled(block.up, 2), padding=1))
    x = block.first(x, noise[2], styles[:, 2])
    x = block.second(F.conv2d(x, scaled(block.conv, 2), padding=1), noise[3], styles[:, 3])
    torch.testing.assert_close(net(styles, noise), F.conv2d(x, scaled(picture, 1), picture.bias))


def test_fused_up_is_nearest_and_the_flipped_kernel() -> None:
    x, w = randn(2, 3, 8, 8), randn(4, 3, 3, 3)
    fused = conv_up(x, w, fused=True)
    assert (fused - conv_up(x, w.flip(2, 3), fused=False)).abs().max() < EXACT * fused.abs().max()
    assert (fused - conv_up(x, w, fused=False)).abs().max() > 1


def test_fused_down_is_the_convolution_and_means() -> None:
    x, w, bias = randn(2, 3, 8, 8), randn(4, 3, 3, 3), randn(4)
    fused, apart = (conv_down(x, w, bias, fused=fused) for fused in (True, False))
    assert (fused - apart).abs().max() < EXACT * fused.abs().max()


@pytest.mark.parametrize(("side", "fused"), [(32, False), (64, True)])
def test_where_up_is_fused(side: int, fused: bool) -> None:
    x, w = randn(1, 1, side, side), randn(1, 1, 3, 3)
    assert torch.equal(conv_up(x, w), conv_up(x, w, fused=fused))
    assert not torch.allclose(conv_up(x, w), conv_up(x, w, fused=not fused))


def test_up_is_blurred() -> None:
    layer, x = EqualConvUp(2, 3).double(), randn(1, 2, 4, 4)
    assert layer.bias is None
    torch.testing.assert_close(layer(x), blur(conv_up(x, layer.weight * layer.scale)))


def test_the_blur() -> None:
    dot = torch.zeros(1, 2, 5, 5)
    dot[0, 1, 2, 2] = 16.0
    expected = torch.zeros(5, 5)
    expected[1:4, 1:4] = torch.tensor([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]])
    assert torch.equal(blur(dot)[0, 1], expected)
    assert not blur(dot)[0, 0].any()


def test_scales_of_equal_layers() -> None:
    torch.manual_seed(0)
    conv, linear = EqualConv(64, 64, 3), EqualLinear(256, 256, lr_multiplier=0.01)
    assert conv.scale == pytest.approx((2 / (64 * 9)) ** 0.5)
    assert linear.scale == pytest.approx((2 / 256) ** 0.5 * 0.01)
    # 36864 and 65536 numbers: their standard deviation is known to 0.4 %
    assert float(conv.weight.detach().std()) == pytest.approx(1, rel=0.02)
    assert float(linear.weight.detach().std()) == pytest.approx(100, rel=0.02)
    nn.init.ones_(linear.bias)
    torch.testing.assert_close(linear(torch.zeros(1, 256)), torch.full((1, 256), 0.01))


def test_the_order_of_an_epilogue() -> None:
    torch.manual_seed(0)
    layer = Epilogue(3, 5).double()
    with torch.no_grad():
        for weight in (layer.noise, layer.bias, layer.style.bias):
            weight.normal_()
    x, noise, w = randn(2, 3, 4, 4), randn(2, 1, 4, 4).flip(2), randn(2, 5)
    y = x + layer.noise.view(3, 1, 1) * noise + layer.bias.view(3, 1, 1)
    y = torch.where(y > 0, y, 0.2 * y)
    y = y - y.mean((2, 3), keepdim=True)
    y = y / (y.square().mean((2, 3), keepdim=True) + 1e-8).sqrt()
    style = (w @ layer.style.weight.T / 5**0.5 + layer.style.bias).view(2, 2, 3, 1, 1)
    torch.testing.assert_close(layer(x, noise, w), y * (style[:, 0] + 1) + style[:, 1])


def test_nothing_is_noisy_and_no_style_is_biased_at_first() -> None:
    net = StyleGenerator(3, 4, 16, width=32)
    assert torch.equal(net.start.constant, torch.ones_like(net.start.constant))
    epilogues = [m for m in net.modules() if isinstance(m, Epilogue)]
    assert len(epilogues) == net.layers
    assert not any(w.any() for e in epilogues for w in (e.noise, e.bias, e.style.bias))


def test_the_mapping_forgets_the_length() -> None:
    torch.manual_seed(0)
    mapping, z = Mapping(8, 2).double(), randn(3, 8)
    w = mapping(z)
    assert w.shape == (3, 8)
    torch.testing.assert_close(mapping(5 * z), w, rtol=1e-6, atol=0)  # 1e-8 is added to its square
    by_hand = z / (z.square().mean(1, keepdim=True) + 1e-8).sqrt()
    for layer in mapping.layers:
        by_hand = F.leaky_relu(by_hand @ layer.weight.T * (2 / 8) ** 0.5 * 0.01 + layer.bias * 0.01, 0.2)
    torch.testing.assert_close(w, by_hand)


def test_a_group_is_strided() -> None:
    x = randn(4, 2, 4, 4)
    x[2], x[3] = x[0], x[1] + 1  # with groups of two: 0 and 2 are alike, 1 and 3 differ by one
    deviation = with_deviation(x, 2)
    assert torch.equal(deviation[:, :2], x)
    expected = torch.tensor([1e-4, 0.5, 1e-4, 0.5]).double()  # 1e-4 = √1e-8
    torch.testing.assert_close(deviation[:, 2, 0, 0], expected, rtol=1e-6, atol=1e-6)
    assert (deviation[:, 2] == deviation[:, 2, :1, :1]).all()


def test_few_pictures_are_one_group() -> None:
    x = randn(2, 1, 4, 4)
    half = (x[0] - x[1]).abs().mean() / 2
    torch.testing.assert_close(with_deviation(x, 4)[:, 1, 0, 0], half.expand(2), rtol=1e-6, atol=0)


def test_pictures_that_cannot_be_grouped() -> None:
    with pytest.raises(
        I2IError, match=r"^strategy.discriminator.group: .* groups of 4, and 6 of a micro-batch"
    ):
        with_deviation(torch.zeros(6, 1, 4, 4), 4)


def test_without_groups_each_picture_is_judged_alone() -> None:
    torch.manual_seed(0)
    judge, image = ProgressiveDiscriminator(3, 8, width=16, group=1).double(), randn(3, 3, 8, 8)
    torch.testing.assert_close(judge(image)[:1], judge(image[:1]))
    together = ProgressiveDiscriminator(3, 8, width=16, group=4).double()
    assert not torch.allclose(together(image)[:1], together(image[:1]))


def test_the_mean_style_follows_batches_not_their_parts() -> None:
    whole, parts = MeanStyle(3).double(), MeanStyle(3).double()
    styles = randn(4, 6, 3)
    expected = torch.zeros(3).double()
    for moment, batch in enumerate(styles):
        whole.add(batch, moment)
        for part in batch.split(2):
            parts.add(part, moment)
        expected = 0.995 * expected + 0.005 * batch.mean(0)
        torch.testing.assert_close(whole.now(), expected)
        torch.testing.assert_close(parts.now(), expected)


def test_the_mean_style_is_saved_within_a_batch() -> None:
    first, other = MeanStyle(3), MeanStyle(3)
    styles = randn(4, 3).float()
    first.add(styles[:2], 0)
    other.load_state_dict(first.state_dict())
    first.add(styles[2:], 0), other.add(styles[2:], 0)
    assert torch.equal(first.now(), other.now())
