"""Networks of pytorch-CycleGAN-and-pix2pix: recognised by their tensors, and ours do with them what theirs do."""

from __future__ import annotations

import pytest
import torch
from sources import Pixel, patch, picture, randomised, resnet, shapes_of, unet
from torch import Tensor, nn

from i2i.core.errors import I2IError
from i2i.nets import (
    PatchGAN,
    PixelDiscriminator,
    PublishedNetwork,
    ResNet,
    UNet,
    read_patch,
    read_pixel,
    read_resnet,
    read_unet,
)

NORMS = ("batch", "instance", "none")
READERS = (read_unet, read_resnet, read_patch, read_pixel)


def ours(net: nn.Module, found: PublishedNetwork | None) -> nn.Module:
    """Our network with the weights of theirs."""
    assert found is not None
    told, facts = dict(found.options), (found.in_channels, found.out_channels)
    made: nn.Module
    match found.component:
        case "unet":
            made = UNet(*facts, dropout=0.5, **told)
        case "resnet":
            made = ResNet(*facts, **told)
        case "patch":
            made = PatchGAN(found.in_channels, **told)
        case "pixel":
            made = PixelDiscriminator(found.in_channels, **told)
    weights = net.state_dict()
    assert found.keys.keys() == weights.keys()
    made.load_state_dict({mine: weights[theirs] for theirs, mine in found.keys.items()})
    return made.eval()


def assert_equal(net: nn.Module, found: PublishedNetwork | None, x: Tensor) -> None:
    made = ours(net, found)
    with torch.no_grad():  # in fp64: other kernels normalise, and rounding in fp32 grows from block to block
        assert torch.allclose(made.double()(x.double()), net.double()(x.double()), atol=1e-9)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize(("depth", "size"), [(5, None), (7, 128), (8, 256)])
def test_a_u_net_is_read(norm: str, depth: int, size: int | None) -> None:
    net = randomised(unet(norm, depth, channels=(1, 3)))
    found = read_unet(shapes_of(net.state_dict()))
    assert found is not None
    assert (found.component, found.options) == ("unet", {"width": 2, "depth": depth, "norm": norm})
    assert (found.in_channels, found.out_channels, found.image_size) == (1, 3, size)
    assert_equal(net, found, picture(2**depth, channels=1))


def test_a_u_net_of_256_pixels_with_batch_norm_has_82_tensors_and_with_instance_norm_32() -> None:
    for norm, count in (("batch", 82), ("instance", 32)):
        found = read_unet(shapes_of(unet(norm, 8).state_dict()))
        assert found is not None
        assert len(found.keys) == count


def test_the_networks_of_these_tests_have_the_published_sizes() -> None:
    with torch.device("meta"):
        nets = {
            54_413_955: unet("batch", 8, 64),
            41_828_995: unet("batch", 7, 64),
            11_378_179: resnet("instance", 9, 64),
            2_768_705: patch("batch", 3, 64, 6),
            9_024: Pixel("batch", 64, 6),
        }
    assert {sum(p.numel() for p in net.parameters()): net for net in nets.values()} == nets


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("dropout", [False, True])
@pytest.mark.parametrize("blocks", [1, 6, 9])
def test_a_resnet_is_read(norm: str, dropout: bool, blocks: int) -> None:
    net = randomised(resnet(norm, blocks, channels=(3, 1), dropout=dropout))
    found = read_resnet(shapes_of(net.state_dict()))
    assert found is not None
    rate = 0.5 if dropout else 0.0
    assert (found.component, found.in_channels, found.out_channels) == ("resnet", 3, 1)
    assert found.options == {"width": 2, "blocks": blocks, "norm": norm, "dropout": rate}
    assert_equal(net, found, picture(32))


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("layers", [1, 2, 3, 4])
def test_a_discriminator_of_patches_is_read(norm: str, layers: int) -> None:
    net = randomised(patch(norm, layers, channels=6))
    found = read_patch(shapes_of(net.state_dict()))
    assert found is not None
    assert (found.component, found.in_channels) == ("patch", 6)
    assert found.options == {"width": 2, "layers": layers, "norm": norm}
    assert_equal(net, found, picture(64, channels=6))


@pytest.mark.parametrize("norm", NORMS)
def test_a_discriminator_of_pixels_is_read(norm: str) -> None:
    net = randomised(Pixel(norm))
    found = read_pixel(shapes_of(net.state_dict()))
    assert found is not None
    assert (found.component, found.options) == ("pixel", {"width": 2, "norm": norm})
    assert_equal(net, found, picture(8))


@pytest.mark.parametrize(
    ("net", "reader"),
    [(unet(), read_unet), (resnet(), read_resnet), (patch(), read_patch), (Pixel(), read_pixel)],
    ids=["unet", "resnet", "patch", "pixel"],
)
def test_one_reader_knows_a_network(net: nn.Module, reader: object) -> None:
    shapes = shapes_of(net.state_dict())
    assert [read for read in READERS if read(shapes) is not None] == [reader]


@pytest.mark.parametrize("read", READERS)
def test_what_is_no_network_of_theirs_is_not_read(read: object) -> None:
    assert callable(read)
    assert read({}) is None
    assert read({"weight": (3,), "model.0.weight": (3, 3), "model.1.weight": (2, 2, 1, 1)}) is None
    linear = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Linear(4, 4))
    assert read(shapes_of(linear.state_dict())) is None


def blurred_resnet() -> dict[str, tuple[int, ...]]:
    """The generator of CUT: no strides, and layers of blur that move the numbers on."""
    shapes: dict[str, tuple[int, ...]] = {}
    for place in (1, 4, 8, 22, 26, 30):
        shapes[f"model.{place}.weight"] = (4, 4, 7, 7) if place in (1, 30) else (4, 4, 3, 3)
    for block in range(12, 21):
        for place in (1, 5):
            shapes[f"model.{block}.conv_block.{place}.weight"] = (4, 4, 3, 3)
    return shapes


FILTERS = {f"model.{place}.filt": (4, 1, 3, 3) for place in (7, 11, 21, 25)}


@pytest.mark.parametrize("filters", [FILTERS, {}], ids=["with filters", "without"])
def test_a_generator_that_blurs_is_refused(filters: dict[str, tuple[int, ...]]) -> None:
    with pytest.raises(I2IError, match="blurs where it halves or doubles the size"):
        read_resnet(blurred_resnet() | filters)


def test_a_generator_that_blurs_on_the_way_up_only_is_refused() -> None:
    with pytest.raises(I2IError, match="anti-aliasing"):
        read_resnet(shapes_of(resnet().state_dict()) | {"model.12.filt": (4, 1, 4, 4)})


@pytest.mark.parametrize("filters", [{"model.2.filt": (4, 1, 3, 3)}, {}], ids=["with filters", "without"])
def test_a_discriminator_that_blurs_is_refused(filters: dict[str, tuple[int, ...]]) -> None:
    shapes = {f"model.{place}.weight": (4, 4, 4, 4) for place in (0, 3, 7, 11, 14)}
    with pytest.raises(I2IError, match="anti-aliasing"):
        read_patch(shapes | filters)
