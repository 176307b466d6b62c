"""Patch and pixel discriminators against the published table."""

import pytest
import torch
from torch import nn

from i2i.nets import InstanceNorm, PatchGAN, PixelDiscriminator

LAYERS = range(1, 7)


def on_meta(channels=6, **options):
    with torch.device("meta"):
        return PatchGAN(channels, **options)


@pytest.mark.parametrize(
    ("channels", "options", "parameters"),
    [
        (6, {"norm": "batch"}, 2_768_705),
        (6, {}, 2_767_809),
        (3, {"norm": "batch"}, 2_765_633),
        (3, {}, 2_764_737),
        (6, {"norm": "batch", "layers": 1}, 139_585),
        (6, {"norm": "batch", "layers": 2}, 666_433),
        (6, {"norm": "batch", "layers": 4}, 6_964_033),
        (6, {"norm": "batch", "layers": 5}, 11_159_361),
        (6, {"norm": "batch", "layers": 6}, 15_354_689),
    ],
)
def test_parameters(channels, options, parameters):
    assert sum(p.numel() for p in on_meta(channels, **options).parameters()) == parameters


@pytest.mark.parametrize(("layers", "size"), list(zip(LAYERS, [126, 62, 30, 14, 6, 2])))
def test_map_of_256_pixels(layers, size):
    assert on_meta(layers=layers)(torch.empty(2, 6, 256, 256, device="meta")).shape == (2, 1, size, size)


@pytest.mark.parametrize(("layers", "field"), list(zip(LAYERS, [16, 34, 70, 142, 286, 574])))
def test_receptive_field(layers, field):
    seen, step = 1, 1
    for conv in on_meta(layers=layers).modules():
        if isinstance(conv, nn.Conv2d):
            seen += (conv.kernel_size[0] - 1) * step
            step *= conv.stride[0]
    assert seen == field


def test_a_score_depends_on_exactly_its_patch():
    net = PatchGAN(1, width=1, layers=1, norm="none").double()
    image = torch.randn(1, 1, 32, 32, dtype=torch.float64, requires_grad=True)
    net(image)[0, 0, 7, 7].backward()
    rows = image.grad[0, 0].abs().sum(1).nonzero()
    assert rows.max() - rows.min() + 1 == 16


@pytest.mark.parametrize(("norm", "biased"), [("instance", 5), ("batch", 2), ("group", 2), ("none", 2)])
def test_bias(norm, biased):
    net = on_meta(norm=norm)
    convolutions = [module for module in net.modules() if isinstance(module, nn.Conv2d)]
    assert sum(conv.bias is not None for conv in convolutions) == biased
    assert convolutions[0].bias is not None and convolutions[-1].bias is not None


def test_the_first_layer_has_no_norm():
    net = PatchGAN(3, width=2)
    assert [isinstance(block.norm, InstanceNorm) for block in net.body] == [False, True, True, True]


@pytest.mark.parametrize("layers", LAYERS)
def test_the_smallest_picture_gives_one_score(layers):
    net = on_meta(layers=layers)
    assert net(torch.empty(1, 6, net.smallest, net.smallest, device="meta")).shape == (1, 1, 1, 1)
    with pytest.raises(ValueError, match=f"at least {net.smallest} pixels"):
        net(torch.empty(1, 6, net.smallest - 1, net.smallest, device="meta"))


def test_settle_refuses_more_layers_than_fit():
    assert PatchGAN.settle({"layers": 3, "width": 4}, image_size=24) == {"layers": 3, "width": 4}
    with pytest.raises(ValueError, match=r"^layers: 4 need at least 48 pixels, got 32; use 3 or less$"):
        PatchGAN.settle({"layers": 4}, image_size=32)
    with pytest.raises(ValueError, match=r"^layers: 1 need at least 6 pixels, got 4$"):
        PatchGAN.settle({"layers": 1}, image_size=4)


@pytest.mark.parametrize(("norm", "parameters"), [("batch", 9_024), ("instance", 9_024 - 256 + 128 + 1)])
def test_pixel_discriminator(norm, parameters):
    net = PixelDiscriminator(6, norm=norm)
    assert sum(p.numel() for p in net.parameters()) == parameters
    assert net(torch.zeros(1, 6, 8, 12)).shape == (1, 1, 8, 12)
    assert (net.head.bias is not None) == (norm == "instance")


def test_a_pixel_score_sees_one_pixel():
    image = torch.randn(1, 3, 5, 5, requires_grad=True)
    PixelDiscriminator(3, width=2, norm="none")(image)[0, 0, 2, 3].backward()
    assert image.grad.abs().sum(1).nonzero().tolist() == [[0, 2, 3]]
