"""Winograd's form of a convolution: values and gradients, first and second, are those of the convolution."""

import pytest
import torch
from torch.nn import functional as F

from i2i.nets import ReflectConv, winograd


def sample(height, width, channels=3, made=2, dtype=torch.float64):
    torch.manual_seed(0)
    x = torch.randn(2, channels, height + 2, width + 2, dtype=dtype, requires_grad=True)
    weight = torch.randn(made, channels, 3, 3, dtype=dtype, requires_grad=True)
    return x, weight, torch.randn(made, dtype=dtype, requires_grad=True)


@pytest.mark.parametrize("size", [(4, 4), (8, 12), (5, 7), (1, 6)])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_values_and_gradients_are_those_of_the_convolution(size, layout):
    x, weight, bias = sample(*size)
    x = x.detach().contiguous(memory_format=layout).requires_grad_()
    ours, exact = winograd.convolve(x, weight, bias), F.conv2d(x, weight, bias)
    gradient = torch.randn_like(exact)
    torch.testing.assert_close(ours, exact, atol=1e-12, rtol=0)  # fp64: a few hundred roundings of 1e-16
    for one, other in zip(
        torch.autograd.grad(ours, (x, weight, bias), gradient),
        torch.autograd.grad(exact, (x, weight, bias), gradient),
    ):
        torch.testing.assert_close(one, other, atol=1e-11, rtol=0)


def test_can_be_differentiated_twice():
    x, weight, bias = sample(4, 5, channels=2)
    assert torch.autograd.gradgradcheck(winograd.convolve, (x, weight, bias))


def test_fp32_loses_few_digits():
    x, weight, bias = sample(32, 32, channels=256, made=256, dtype=torch.float32)
    exact = F.conv2d(x.double(), weight.double(), bias.double())
    # 2304 products of about 1 each: the largest values are 250
    assert (winograd.convolve(x, weight, bias) - exact).abs().max() < 1e-5 * exact.abs().max()


@pytest.fixture
def counted(monkeypatch):
    calls = []
    whole = winograd.convolve
    monkeypatch.setattr(winograd, "convolve", lambda *given: calls.append(1) or whole(*given))
    return calls


def test_it_stands_in_where_networks_learn_in_fp32(counted):
    conv, x = ReflectConv(256, 256, 3), torch.randn(1, 256, 8, 8)
    torch.testing.assert_close(conv(x), plain(conv, x), atol=2e-5, rtol=0)  # values up to 3, of 2304 products
    assert len(counted) == 1


@pytest.mark.parametrize("case", ["no gradient", "bf16", "few channels", "stride", "kernel"])
def test_elsewhere_torch_convolves(case, counted):
    channels = 128 if case == "few channels" else 256
    conv = ReflectConv(channels, 256, 5 if case == "kernel" else 3, stride=2 if case == "stride" else 1)
    x = torch.randn(1, channels, 8, 8)
    with (
        torch.autocast("cpu", torch.bfloat16, enabled=case == "bf16"),
        torch.set_grad_enabled(case != "no gradient"),
    ):
        conv(x)
    assert not counted


def plain(conv, x):
    border = conv.border
    return F.conv2d(F.pad(x, (border,) * 4, mode="reflect"), conv.weight, conv.bias, conv.stride)
