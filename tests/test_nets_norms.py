"""Norms against the written-out formula: every layout, batch size and precision, and twice differentiated."""

import itertools

import pytest
import torch
from torch import nn

from i2i.nets import BatchNorm, GroupNorm, InstanceNorm, hidden_bias, norm_layer

LAYOUTS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}
# fp32: 1e-5 of values up to 5; bf16: two roundings of values up to 8, each by at most 2^-6
TOLERANCE = {torch.float64: 1e-11, torch.float32: 5e-5, torch.bfloat16: 2**-5}


def per_picture_batch_norm(channels):
    norm = BatchNorm(channels)
    norm.per_picture = True
    return norm


NORMS = {
    "instance": InstanceNorm,
    "affine instance": lambda channels: InstanceNorm(channels, affine=True),
    "batch": BatchNorm,
    "batch by picture": per_picture_batch_norm,
    "group": lambda channels: GroupNorm(channels),
}


def written_out(kind, x, weight, bias):
    """The formula, in fp64: groups of 3 channels for the group norm of 3 x 32 channels."""
    n, c, h, w = x.shape
    parts = x.reshape(n, 32, c // 32, h, w) if kind == "group" else x
    over = {"batch": (0, 2, 3), "group": (2, 3, 4)}.get(kind, (2, 3))
    mean = parts.mean(over, keepdim=True)
    variance = (parts - mean).square().mean(over, keepdim=True)
    result = ((parts - mean) / (variance + 1e-5).sqrt()).reshape(x.shape)
    return result if weight is None else result * weight[:, None, None] + bias[:, None, None]


def sample(n, dtype, layout, shift=0.0):
    return (torch.randn(n, 96, 7, 6) + shift).to(dtype).contiguous(memory_format=LAYOUTS[layout])


@pytest.mark.parametrize("kind", NORMS)
@pytest.mark.parametrize("n", [1, 3])
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_value_and_gradients_are_the_formulas_for_every_layout(kind, n, dtype):
    torch.manual_seed(0)
    norm = NORMS[kind](96).to(torch.float64 if dtype == torch.float64 else torch.float32)
    for parameter in norm.parameters():
        nn.init.normal_(parameter, 1.0, 0.1)
    for x_layout, gradient_layout in itertools.product(LAYOUTS, LAYOUTS):
        x, gradient = (
            sample(n, dtype, x_layout, shift=1.0).requires_grad_(),
            sample(n, dtype, gradient_layout),
        )
        exact_x = x.detach().double().requires_grad_()
        weights = [p.detach().double().requires_grad_() for p in norm.parameters()]
        exact = written_out(kind, exact_x, *(weights or (None, None)))
        exact.backward(gradient.double())
        norm.zero_grad()
        y = norm(x)
        y.backward(gradient)
        assert y.dtype == x.dtype
        close = {"atol": TOLERANCE[dtype], "rtol": 0}
        torch.testing.assert_close(y.double(), exact, **close)
        torch.testing.assert_close(x.grad.double(), exact_x.grad, **close)
        for parameter, exact_weight in zip(norm.parameters(), weights):  # sums of up to 126 products
            torch.testing.assert_close(parameter.grad.double(), exact_weight.grad, atol=2e-4, rtol=2e-2)


@pytest.mark.parametrize("kind", ["instance", "affine instance", "batch by picture", "group"])
def test_bf16_keeps_its_statistics_in_fp32(kind):
    torch.manual_seed(0)
    norm = NORMS[kind](96)
    x = (torch.randn(1, 96, 32, 32) * 3 + 2).bfloat16().requires_grad_()
    gradient = torch.randn(1, 96, 32, 32).bfloat16()
    exact_x = x.detach().double().requires_grad_()
    written_out(kind, exact_x, None, None).backward(gradient.double())
    norm(x).backward(gradient)
    scale = (x.grad.double() * exact_x.grad).sum((2, 3)) / exact_x.grad.square().sum((2, 3))
    # a standard deviation rounded to bf16 would be off by up to 2e-3; the noise of 1024 rounded values is 1e-4
    assert (scale - 1).abs().max() < 3e-4


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_large_mean_costs_few_digits(layout):
    torch.manual_seed(0)
    x = sample(1, torch.float32, layout, shift=100.0)
    # x itself has a rounding of 4e-6 there; E[x²] - E[x]² would be off by 1e-2
    torch.testing.assert_close(
        InstanceNorm(96)(x).double(), written_out("instance", x.double(), None, None), atol=1e-4, rtol=0
    )


@pytest.mark.parametrize("kind", ["instance", "affine instance", "batch", "batch by picture", "group"])
def test_can_be_differentiated_twice(kind):
    torch.manual_seed(0)
    norm = NORMS[kind](3).double()
    x = torch.randn(1, 3, 3, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(norm, (x,))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("kind", ["instance", "batch by picture"])
def test_compiled_equals_eager(kind, dtype):
    torch.manual_seed(0)
    eager, compiled = NORMS[kind](96), NORMS[kind](96)
    compiled.compile(backend="aot_eager")
    x, gradient = sample(1, dtype, "channels_last"), sample(1, dtype, "channels_last")
    results = []
    for norm in (eager, compiled):
        leaf = x.clone().requires_grad_()
        norm(leaf).backward(gradient)
        results.append(leaf.grad)
    torch.testing.assert_close(*results, atol=TOLERANCE[dtype], rtol=0)


def test_autocast_changes_neither_type_nor_value():
    x = sample(2, torch.float32, "contiguous")
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(InstanceNorm(96)(x), InstanceNorm(96)(x.clone()))
        assert InstanceNorm(96)(x.bfloat16()).dtype == torch.bfloat16
        inside = InstanceNorm(96)(x)
    assert torch.equal(inside, InstanceNorm(96)(x))


def test_batch_norm_by_picture_ignores_neighbours_and_running_statistics():
    torch.manual_seed(0)
    norm = per_picture_batch_norm(4).eval()
    norm.running_mean.fill_(7.0)
    x = torch.randn(3, 4, 5, 5)
    # different loops over the batch may round differently
    torch.testing.assert_close(norm(x)[1:2], norm(x[1:2]), atol=1e-6, rtol=0)
    assert norm.train()(x).mean().abs() < 1e-6
    assert norm.num_batches_tracked == 0
    assert norm.running_mean.eq(7).all()


def test_batch_norm_tracks_its_statistics_otherwise():
    norm = BatchNorm(4)
    norm(torch.randn(3, 4, 5, 5) + 1)
    assert norm.num_batches_tracked == 1
    assert norm.running_mean.abs().min() > 0


@pytest.mark.parametrize(("channels", "groups"), [(64, 32), (16, 16), (48, 16), (3, 1)])
def test_group_norm_has_32_groups_or_as_many_as_fit(channels, groups):
    assert GroupNorm(channels).num_groups == groups


def test_names():
    kinds = {name: type(norm_layer(name, 8)) for name in ("instance", "batch", "group", "none")}
    assert kinds == {"instance": InstanceNorm, "batch": BatchNorm, "group": GroupNorm, "none": nn.Identity}
    assert not list(norm_layer("instance", 8).state_dict())
    assert [name for name in kinds if hidden_bias(name)] == ["instance"]
    with pytest.raises(ValueError, match="there is no norm 'layer'; known: instance"):
        norm_layer("layer", 8)


def test_a_single_value_cannot_be_normalised():
    with pytest.raises(ValueError, match="more than one value, got maps of 1x1"):
        InstanceNorm(4)(torch.zeros(2, 4, 1, 1))
