"""Dropout with addressed draws, convolution blocks, residual and up-sampling blocks."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from i2i.nets import ConvBlock, Dropout, ReflectConv, ResidualBlock, ResizeConv, UpBlock, activation


class Ramp:
    """Draws 0, 1/n, 2/n, … for the n values of each sample."""

    def __init__(self):
        self.calls = 0

    def uniform(self, like):
        self.calls += 1
        count = like[0].numel()
        return (torch.arange(count) / count).view(1, *like.shape[1:]).expand(like.shape)


def test_dropout_is_torchs_without_draws():
    x = torch.randn(2, 3, 4, 4)
    torch.manual_seed(1)
    ours = Dropout(0.3)(x)
    torch.manual_seed(1)
    assert torch.equal(ours, F.dropout(x, 0.3))


def test_dropout_drops_the_values_whose_number_is_below_its_rate():
    dropout = Dropout(0.25)
    dropout.draws = Ramp()
    x = torch.ones(2, 1, 2, 4)
    expected = torch.tensor([0, 0, 1, 1, 1, 1, 1, 1]).view(1, 1, 2, 4) / 0.75
    assert torch.equal(dropout(x), expected.expand(2, 1, 2, 4))


@pytest.mark.parametrize(("rate", "training"), [(0.5, False), (0.0, True)])
def test_dropout_off_draws_nothing(rate, training):
    dropout = Dropout(rate).train(training)
    dropout.draws = Ramp()
    x = torch.randn(1, 2, 3, 3)
    assert dropout(x) is x
    assert dropout.draws.calls == 0


def test_compiled_dropout_draws_anew_every_time():
    class Numbers:
        def uniform(self, like):
            return torch.rand(like.shape)

    block = ResidualBlock(4, dropout=0.5)
    block.dropout.draws = Numbers()
    block.compile(backend="aot_eager")
    x = torch.randn(1, 4, 8, 8)
    torch.manual_seed(0)
    first, second = block(x), block(x)
    torch.manual_seed(0)
    again = block(x)
    assert not torch.equal(first, second)
    assert torch.equal(first, again)
    assert list(block.state_dict()) == list(ResidualBlock(4).state_dict())


@pytest.mark.parametrize("rate", [-0.1, 1.0])
def test_dropout_refuses_a_rate_that_is_none(rate):
    with pytest.raises(ValueError, match="dropout needs a rate"):
        Dropout(rate)


def test_activations_by_name():
    x = torch.tensor([-1.0, 2.0])
    assert torch.equal(activation("leaky-relu")(x), torch.tensor([-0.2, 2.0]))
    assert torch.equal(activation("relu")(x), torch.tensor([0.0, 2.0]))
    assert torch.equal(activation("none")(x), x)
    for name in ("elu", "silu", "tanh"):
        assert activation(name)(x).shape == x.shape
    with pytest.raises(ValueError, match="there is no activation 'gelu'; known: relu"):
        activation("gelu")


@pytest.mark.parametrize("kernel", [1, 3, 7])
def test_reflected_borders_are_torchs(kernel):
    ours = ReflectConv(2, 3, kernel)
    torchs = nn.Conv2d(2, 3, kernel, padding=kernel // 2, padding_mode="reflect")
    torchs.load_state_dict(ours.state_dict())
    x = torch.randn(2, 2, 8, 9)
    torch.testing.assert_close(
        ours(x), torchs(x), atol=2e-6, rtol=0
    )  # values of 1; few channels: other order of sums


@pytest.mark.parametrize("made", [1, 3, 4])
def test_a_convolution_to_few_channels_is_the_sum_over_its_columns(made):
    torch.manual_seed(0)
    ours = ReflectConv(5, made, 7).double()
    torchs = nn.Conv2d(5, made, 7, padding=3, padding_mode="reflect").double()
    torchs.load_state_dict(ours.state_dict())
    x = torch.randn(2, 5, 9, 8, dtype=torch.float64, requires_grad=True)
    exact = torchs(x)
    gradient = torch.randn_like(exact)
    torch.testing.assert_close(ours(x), exact, atol=1e-13, rtol=0)  # fp64, 245 products
    for one, other in zip(
        torch.autograd.grad(ours(x), [x, *ours.parameters()], gradient),
        torch.autograd.grad(exact, [x, *torchs.parameters()], gradient),
        strict=True,
    ):
        torch.testing.assert_close(one, other, atol=1e-12, rtol=0)


def test_reflected_borders_stay_in_bf16():
    seen = []
    conv = ReflectConv(2, 2, 3)
    handle = torch.randn(1, 2, 8, 8).bfloat16().requires_grad_()
    handle.register_hook(lambda gradient: seen.append(gradient.dtype))
    with torch.autocast("cpu", torch.bfloat16):
        y = conv(handle)
    assert y.grad_fn.next_functions[0][0].name().startswith("ReflectionPad2D")  # no cast in between
    y.sum().backward()
    assert seen == [torch.bfloat16]


@pytest.mark.parametrize(
    ("norm", "bias"), [("instance", True), ("batch", False), ("group", False), ("none", False)]
)
def test_bias_follows_the_norm(norm, bias):
    assert (ConvBlock(4, 4, 3, norm=norm).conv.bias is not None) == bias
    assert (UpBlock(4, 4, norm=norm).conv.bias is not None) == bias
    assert ConvBlock(4, 4, 3, norm=norm, bias=True).conv.bias is not None


def test_residual_block_is_the_identity_plus_two_convolutions():
    block = ResidualBlock(4, norm="none").eval()
    x = torch.randn(2, 4, 8, 8)
    pad = (1, 1, 1, 1)
    hidden = F.relu(F.conv2d(F.pad(x, pad, mode="reflect"), block.first.conv.weight))
    expected = x + F.conv2d(F.pad(hidden, pad, mode="reflect"), block.second.conv.weight)
    assert torch.equal(block(x), expected)


def test_up_blocks_double_the_size():
    x = torch.randn(1, 4, 5, 6)
    assert UpBlock(4, 2)(x).shape == (1, 2, 10, 12)
    assert UpBlock(4, 2, upsample="resize")(x).shape == (1, 2, 10, 12)


def test_resize_is_nearest_neighbour_and_a_convolution():
    conv = ResizeConv(2, 3)
    x = torch.randn(1, 2, 4, 4)
    large = x.repeat_interleave(2, 2).repeat_interleave(2, 3)
    expected = F.conv2d(F.pad(large, (1, 1, 1, 1), mode="reflect"), conv.weight, conv.bias)
    assert torch.equal(conv(x), expected)
