"""Spectral normalisation against torch's own, and wherever a network is taken."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from i2i.nets import SpectralConv, convolution, init_weights


def conv(bias: bool = True) -> SpectralConv:
    torch.manual_seed(0)
    return SpectralConv(3, 8, 3, stride=2, padding=1, bias=bias).double()


def image(seed: int = 1) -> Tensor:
    return torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def theirs(ours: SpectralConv) -> nn.Module:
    """Torch's, with the same weight and vectors."""
    plain = nn.Conv2d(3, 8, 3, 2, 1, bias=ours.bias is not None).double()
    made = nn.utils.spectral_norm(plain)
    state = {"weight_orig": ours.weight, "weight_u": ours.u, "weight_v": ours.v}
    made.load_state_dict(state | ({} if ours.bias is None else {"bias": ours.bias}))
    return made


@pytest.mark.parametrize("bias", [True, False])
def test_it_is_torchs_step_by_step(bias: bool) -> None:
    ours = conv(bias)
    other = theirs(ours)
    for step in range(3):
        one, two = ours(image(step)), other(image(step))
        # fp64: sums in another order
        assert torch.allclose(one, two, rtol=0, atol=1e-13)
        assert torch.allclose(ours.u, other.weight_u, rtol=0, atol=1e-14)
        assert torch.allclose(ours.v, other.weight_v, rtol=0, atol=1e-14)
    one.square().sum().backward()
    two.square().sum().backward()
    assert torch.allclose(ours.weight.grad, other.weight_orig.grad, rtol=0, atol=1e-12)
    assert torch.allclose(ours.eval()(image()), other.eval()(image()), rtol=0, atol=1e-13)


def test_the_largest_singular_value_becomes_one() -> None:
    ours = conv()
    for _ in range(200):
        weight = ours.normalised()
    assert float(torch.linalg.matrix_norm(weight.detach().flatten(1), 2)) == pytest.approx(1, abs=1e-6)


def test_one_pass_is_one_step_and_none_outside_of_training() -> None:
    ours = conv()
    before = copy.deepcopy(ours.state_dict())
    ours.eval()(image())
    assert all(torch.equal(before[key], value) for key, value in ours.state_dict().items())
    ours.train()(image())
    matrix = ours.weight.detach().flatten(1)
    v = nn.functional.normalize(matrix.T @ before["u"], dim=0)
    assert torch.allclose(ours.v, v, rtol=0, atol=1e-14)
    assert torch.allclose(ours.u, nn.functional.normalize(matrix @ v, dim=0), rtol=0, atol=1e-14)


@pytest.mark.parametrize("training", [True, False])
def test_later_passes_leave_earlier_gradients_alone(training: bool) -> None:
    ours = conv().train(training)
    alone = copy.deepcopy(ours)
    alone(image()).square().sum().backward()
    first = ours(image()).square().sum()
    ours.train()(image(2))
    first.backward()
    assert torch.equal(ours.weight.grad, alone.weight.grad)


def test_the_raw_weight_is_initialised_trained_and_stored() -> None:
    ours = SpectralConv(256, 256, 3, padding=1)
    init_weights(ours, "xavier", 0.02)
    assert float(ours.weight.detach().std()) == pytest.approx(4.17e-4, rel=0.01)
    assert not ours.bias.any()
    assert [name for name, _ in ours.named_parameters()] == ["weight", "bias"]
    assert list(ours.state_dict()) == ["weight", "bias", "u", "v"]
    # whatever the scale of the raw weight, that of the result is the same: half precision can hold it
    ours.normalised()
    assert 0.01 < float(ours.normalised().detach().std()) < 0.1


def test_the_scale_of_the_raw_weight_does_not_count() -> None:
    ours = conv()
    small = copy.deepcopy(ours)
    small.weight.data *= 1e-8
    # fp64, and a billion times what is added to a norm of zero
    assert torch.allclose(ours.normalised(), small.normalised(), rtol=0, atol=1e-12)


def test_a_copy_goes_its_own_way() -> None:
    ours = conv()
    other = copy.deepcopy(ours)
    assert torch.equal(ours.eval()(image()), other.eval()(image()))
    ours.train()(image())
    assert not torch.equal(ours.u, other.u)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_the_estimate_is_in_full_precision_under_autocast(dtype: torch.dtype) -> None:
    ours = conv().float()
    other = copy.deepcopy(ours)
    with torch.autocast("cpu", dtype):
        assert ours(image().float()).dtype == dtype
        half = ours.normalised()
    other(image().float())
    assert half.dtype == torch.float32
    assert torch.equal(half, other.normalised())


def test_a_rehearsal_needs_no_memory() -> None:
    with FakeTensorMode():
        ours = SpectralConv(3, 8, 3)
        ours(torch.zeros(2, 3, 8, 8)).sum().backward()
    assert ours.weight.grad.shape == (8, 3, 3, 3)


def test_compiled_is_eager() -> None:
    ours = conv()
    other = copy.deepcopy(ours)
    ours.compile(backend="aot_eager")
    for step in range(2):
        # fp64: the compiler may sum in another order
        assert torch.allclose(ours(image(step)), other(image(step)), rtol=0, atol=1e-13)
    assert torch.allclose(ours.u, other.u, rtol=0, atol=1e-14)
    ours(image()).sum().backward()
    other(image()).sum().backward()
    assert torch.allclose(ours.weight.grad, other.weight.grad, rtol=0, atol=1e-12)


def test_it_can_be_left_out() -> None:
    assert type(convolution(3, 8, 3, spectral=False)) is nn.Conv2d
    made = convolution(3, 8, 4, stride=2, padding=2, bias=False)
    assert isinstance(made, SpectralConv)
    assert (made.stride, made.padding, made.bias) == ((2, 2), (2, 2), None)
