"""Batch norm over processes, and its options."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from i2i import I2IError
from i2i.nets import BatchNorm

SHAPES = [(4, 3), (4, 3, 2, 5)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("affine", [False, True])
def test_synchronised_over_one_process_is_plain_batch_norm(shape: tuple[int, ...], affine: bool) -> None:
    plain, ours = (BatchNorm(3, affine=affine, synchronised=sync).double() for sync in (False, True))
    ours.total = lambda tensor: tensor
    x = torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    one, other = x.clone().requires_grad_(), x.clone().requires_grad_()
    results = plain(one), ours(other)
    weights = torch.rand_like(x)
    for result in results:
        (result * weights).sum().backward()
    assert torch.allclose(*results, atol=1e-12)
    assert one.grad is not None and other.grad is not None
    assert torch.allclose(one.grad, other.grad, atol=1e-12)
    for name in ("running_mean", "running_var", "num_batches_tracked"):
        assert torch.allclose(getattr(plain, name), getattr(ours, name), atol=1e-12), name


def test_statistics_are_those_of_all_processes() -> None:
    x = torch.randn(4, 3, 2, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    mine, theirs = x[:2], x[2:]
    norm = BatchNorm(3, affine=False, synchronised=True).double()
    calls = iter((own_sums(theirs), None))
    mean = x.mean((0, 2, 3))

    def total(tensor: Tensor) -> Tensor:
        other = next(calls)
        if other is None:
            other = (theirs - mean.view(1, -1, 1, 1)).square().sum((0, 2, 3))
        return tensor + other

    norm.total = total
    whole = BatchNorm(3, affine=False).double()(x)
    assert torch.allclose(norm(mine), whole[:2], atol=1e-12)


def own_sums(x: Tensor) -> Tensor:
    return torch.cat([torch.tensor([x.numel() / 3], dtype=x.dtype), x.sum((0, 2, 3))])


def test_vectors_and_maps_only() -> None:
    with pytest.raises(ValueError, match=r"batch norm takes \(N, C\) or \(N, C, H, W\), got \(2, 3, 4\)"):
        BatchNorm(3)(torch.zeros(2, 3, 4))


@pytest.mark.parametrize("shape", [(1, 3), (1, 3, 1, 1)])
def test_one_value_of_each_channel_is_too_little_to_learn_from(shape: tuple[int, ...]) -> None:
    norm = BatchNorm(3)
    with pytest.raises(
        I2IError, match=r"raise train\.batch, lower train\.accumulate, or choose another norm$"
    ):
        norm(torch.ones(shape))
    assert norm.eval()(torch.ones(shape)).shape == shape
