"""Activation checkpointing: the same numbers from less that is kept."""

import pytest
import torch
from torch import nn
from torch.autograd.graph import saved_tensors_hooks

from i2i.nets import BatchNorm, Chain, Dropout, ResNet, recompute_blocks


def kept(network, x):
    """Bytes that wait for the gradient, and the gradients."""
    sizes = {}
    with saved_tensors_hooks(lambda t: sizes.__setitem__(t.data_ptr(), t.nbytes) or t, lambda t: t):
        made = network(x)
    gradients = torch.autograd.grad(made.sum(), [x, *network.parameters()])
    return sum(sizes.values()), made, gradients


def test_gradients_are_equal_and_less_is_kept():
    torch.manual_seed(0)
    network, x = ResNet(3, 3, width=4, blocks=4), torch.randn(1, 3, 32, 32, requires_grad=True)
    before, made, gradients = kept(network, x)
    assert recompute_blocks(network) == 8  # 2 down, 4 in the body, 2 up
    after, again, same = kept(network, x)
    assert torch.equal(made, again)
    assert all(torch.equal(one, other) for one, other in zip(gradients, same, strict=True))
    assert after < 0.6 * before


@pytest.mark.parametrize("layer", [BatchNorm(3), Dropout(0.5)])
def test_blocks_that_would_change_are_computed_once(layer):
    chain = Chain(layer, nn.Conv2d(3, 3, 1))
    passes = []
    layer.register_forward_pre_hook(lambda module, given: passes.append(1))
    assert recompute_blocks(chain) == 1
    chain(torch.randn(2, 3, 4, 4, requires_grad=True)).sum().backward()
    assert len(passes) == 1


def test_a_chain_is_a_sequence():
    assert list(Chain(nn.Conv2d(1, 1, 1)).state_dict()) == ["0.weight", "0.bias"]
