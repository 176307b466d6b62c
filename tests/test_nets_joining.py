"""Joined batches give what separate ones do; where they would not, they stay separate."""

import pytest
import torch
from torch import nn

from i2i.nets import (
    BatchNorm,
    Dropout,
    LatentUNet,
    PatchGAN,
    PixelDiscriminator,
    ResNet,
    SpectralConv,
    UNet,
    by_sample,
    joined,
)
from i2i_bicyclegan.discriminator import MultiScalePatchGAN
from i2i_stargan.critic import DomainPatchGAN
from i2i_stargan.generator import DomainResNet

PICTURES = torch.randn(2, 3, 32, 32), torch.randn(1, 3, 32, 32)
NETWORKS = {
    "resnet": lambda: (ResNet(3, 3, width=4, blocks=1), PICTURES),
    "unet": lambda: (UNet(3, 3, width=4, depth=3), PICTURES),
    "latent-unet": lambda: (
        LatentUNet(3, 3, latent=2, width=4, depth=3, dropout=0.0),
        tuple((p, torch.randn(len(p), 2)) for p in PICTURES),
    ),
    "patch": lambda: (PatchGAN(3, width=4, layers=2), PICTURES),
    "pixel": lambda: (PixelDiscriminator(3, width=4), PICTURES),
    "scales": lambda: (MultiScalePatchGAN(3, width=4, layers=1), PICTURES),
    "critic": lambda: (DomainPatchGAN(3, 2, width=4, layers=3, image_size=32), PICTURES),
    "domains": lambda: (
        DomainResNet(3, 3, 2, width=4, blocks=1),
        tuple((p, torch.rand(len(p), 2)) for p in PICTURES),
    ),
}


def leaves(results):
    return [part for made in results for part in ([made] if isinstance(made, torch.Tensor) else made)]


def counting(network):
    passes = []
    network.register_forward_pre_hook(lambda module, given: passes.append(len(given[0])))
    return passes


@pytest.mark.parametrize("name", NETWORKS)
def test_one_pass_gives_what_several_do(name):
    torch.manual_seed(0)
    network, inputs = NETWORKS[name]()
    apart = [network(*(each if isinstance(each, tuple) else (each,))) for each in inputs]
    passes = counting(network)
    together = joined(network, *inputs)
    assert passes == [3]
    assert [type(each) for each in together] == [type(each) for each in apart]
    for one, other in zip(leaves(together), leaves(apart), strict=True):
        torch.testing.assert_close(
            one, other, atol=1e-5, rtol=0
        )  # fp32 values of about 1, other order of sums


class Plain(nn.Module):
    by_sample = True

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return self.layer(x)


@pytest.mark.parametrize(
    "layer", [BatchNorm(3), nn.BatchNorm2d(3), Dropout(0.5), nn.Dropout(0.5), SpectralConv(3, 3, 1)]
)
def test_what_looks_around_sees_one_batch_at_a_time(layer):
    network = Plain(layer)
    passes = counting(network)
    joined(network, *PICTURES)
    assert passes == [2, 1]
    assert not by_sample(network)


def test_dropout_that_sleeps_does_not_matter():
    assert by_sample(Plain(nn.Dropout(0.5)).eval())
    assert by_sample(Plain(Dropout(0.5)).eval())


def test_a_network_that_does_not_say_so_is_not_joined():
    network = nn.Conv2d(3, 3, 1)
    passes = counting(network)
    joined(network, *PICTURES)
    assert passes == [2, 1]


def test_batches_of_other_sizes_are_not_joined():
    network = Plain(nn.Identity())
    passes = counting(network)
    made = joined(network, torch.zeros(1, 3, 4, 4), torch.zeros(2, 3, 8, 8))
    assert passes == [1, 2]
    assert [tuple(each.shape) for each in made] == [(1, 3, 4, 4), (2, 3, 8, 8)]
