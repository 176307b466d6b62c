"""The published initialisations, by their statistics."""

import math

import pytest
import torch
from torch import nn

from i2i.nets import BatchNorm, InstanceNorm, UNet, init_weights
from i2i.nets.init import kept_weights


def drawn(name, gain=0.02, layer=None):
    layer = layer or nn.Conv2d(256, 256, 3)
    nn.init.ones_(layer.bias)
    init_weights(nn.Sequential(layer), name, gain, torch.Generator().manual_seed(0))
    return layer


@pytest.mark.parametrize(
    ("name", "std"),
    [("normal", 0.02), ("xavier", 4.17e-4), ("kaiming", math.sqrt(2 / (256 * 9)))],
)
def test_standard_deviation_of_a_convolution(name, std):
    layer = drawn(name)
    assert layer.weight.std().item() == pytest.approx(std, rel=0.01)  # 589,824 numbers: 0.1 % is one sigma
    assert layer.weight.mean().abs().item() < std / 100
    assert not layer.bias.any()


def test_gain_is_the_scale():
    assert drawn("normal", gain=0.5).weight.std().item() == pytest.approx(0.5, rel=0.01)
    assert drawn("xavier", gain=1.0).weight.std().item() == pytest.approx(4.17e-4 / 0.02, rel=0.01)


def test_orthogonal_rows():
    layer = drawn("orthogonal", gain=0.5, layer=nn.Linear(32, 16))
    torch.testing.assert_close(layer.weight @ layer.weight.mT, 0.25 * torch.eye(16), atol=1e-6, rtol=0)
    assert not layer.bias.any()


@pytest.mark.parametrize("layer", [nn.Conv1d(8, 8, 3), nn.ConvTranspose2d(8, 8, 3), nn.Linear(8, 8)])
def test_every_convolution_and_linear_layer_is_drawn(layer):
    before = layer.weight.clone()
    assert not torch.equal(drawn("normal", layer=layer).weight, before)


def test_batch_norm_is_drawn_around_one():
    norm = BatchNorm(10_000)
    nn.init.ones_(norm.bias)
    init_weights(norm, "xavier")
    assert norm.weight.mean().item() == pytest.approx(1.0, abs=1e-3)  # 0.02 / 100: five sigma
    assert norm.weight.std().item() == pytest.approx(0.02, rel=0.05)
    assert not norm.bias.any()


def test_other_layers_stay():
    norm = InstanceNorm(4, affine=True)
    init_weights(norm, "normal")
    assert norm.weight.eq(1).all()


def test_default_leaves_torchs_weights():
    layer = nn.Conv2d(2, 2, 3)
    before = {k: v.clone() for k, v in layer.state_dict().items()}
    init_weights(layer, "default")
    assert all(torch.equal(v, before[k]) for k, v in layer.state_dict().items())


def test_numbers_come_from_the_generator_or_the_global_one():
    nets = [UNet(3, 3, width=2, depth=2, norm="batch") for _ in range(2)]
    for net in nets:
        init_weights(net, generator=torch.Generator().manual_seed(3))
    assert all(torch.equal(a, b) for a, b in zip(nets[0].parameters(), nets[1].parameters()))
    for net in nets:
        torch.manual_seed(5)
        init_weights(net)
    assert all(torch.equal(a, b) for a, b in zip(nets[0].parameters(), nets[1].parameters()))


class Own(nn.Linear):
    """Scales its weights as it runs."""

    draws_own_weights = True


def test_layers_that_draw_their_own_weights_are_left_to_it():
    net = nn.Sequential(nn.Conv2d(2, 2, 1), Own(2, 2))
    before = {k: v.clone() for k, v in net.state_dict().items()}
    with pytest.raises(
        ValueError, match=r'^name: Own draw their own weights .* ignore "xavier"; use "default"'
    ):
        init_weights(net, "xavier")
    init_weights(net, "default")
    assert all(torch.equal(v, before[k]) for k, v in net.state_dict().items())


class Keeping(nn.Sequential):
    """Holds weights that were published."""

    keeps_weights = True


def test_what_keeps_its_weights_is_left_alone_with_all_inside():
    net = nn.Sequential(nn.Conv2d(2, 2, 1), Keeping(nn.Conv2d(2, 2, 1), nn.Sequential(Own(2, 2))))
    before = {k: v.clone() for k, v in net.state_dict().items()}
    init_weights(net, "xavier")
    assert [k for k, v in net.state_dict().items() if not torch.equal(v, before[k])] == ["0.weight", "0.bias"]
    assert kept_weights(net) == ["1"]


def test_unknown_name():
    with pytest.raises(ValueError, match="there is no init 'he'; known: normal, xavier"):
        init_weights(nn.Linear(2, 2), "he")
