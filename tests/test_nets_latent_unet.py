"""The U-Net that follows a code, against the published counts and an in-place recursion."""

import itertools

import pytest
import torch
from torch.nn import functional as F

import i2i
from i2i.nets import LatentUNet

# fp64: the same sums in another order, through norms that enlarge the rounding.
ROUNDING = 1e-10
INJECT, UPSAMPLE = ("all", "input"), ("transposed", "bilinear")
IN_PLACE = {
    "relu": torch.relu_,
    "leaky-relu": lambda x: F.leaky_relu_(x, 0.2),
    "elu": lambda x: F.elu(x, inplace=True),
}


def on_meta(*facts, **options):
    with torch.device("meta"):
        return LatentUNet(*(facts or (3, 3, 8)), **options)


def tiny(depth=4, latent=3, **options):
    torch.manual_seed(0)
    return LatentUNet(2, 1, latent, width=2, depth=depth, **options).double()


def inputs(size=32, latent=3):
    torch.manual_seed(1)
    return torch.randn(2, 2, size, size, dtype=torch.float64), torch.randn(2, latent, dtype=torch.float64)


def published(net, image, code, inject, upsample, activation):
    """The recursion of the authors: a level calls the next one, and activations overwrite what they read."""
    deepest = len(net.down) - 1

    def enlarge(level, x):
        x, conv = IN_PLACE[activation](x), net.up[level].conv
        if upsample == "transposed":
            x = F.conv_transpose2d(x, conv.weight, conv.bias, stride=2, padding=1)
        else:
            x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
            x = F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), conv.weight, conv.bias)
        return F.instance_norm(x) if level else x

    def block(level, x):
        entry = x
        if inject == "all" or level == 0:
            entry = torch.cat([x, code[:, :, None, None].expand(-1, -1, *x.shape[2:])], 1)
        if level:
            F.leaky_relu_(entry, 0.2)
        conv = net.down[level].conv
        y = F.conv2d(entry, conv.weight, conv.bias, stride=2, padding=1)
        if 0 < level < deepest:
            y = F.instance_norm(y)
        if level < deepest:
            y = block(level + 1, y)
        y = enlarge(level, y)
        return torch.cat([y, x], 1) if level else torch.tanh(y)

    return block(0, image)


@pytest.mark.parametrize(
    ("facts", "options", "parameters"),
    [
        ((3, 3, 8), {}, 54_794_627),
        ((1, 3, 8), {}, 54_792_579),
        ((3, 3, 8), {"depth": 7}, 42_145_155),
        ((3, 3, 8), {"inject": "input"}, 54_417_795),
        ((3, 3, 8), {"inject": "input", "depth": 7}, 41_833_859),
        ((3, 3, 8), {"upsample": "bilinear"}, 39_538_435),
        ((3, 3, 8), {"upsample": "bilinear", "depth": 7}, 30_558_979),
        ((3, 3, 8), {"upsample": "bilinear", "inject": "input"}, 39_161_603),
        ((3, 3, 8), {"upsample": "bilinear", "inject": "input", "depth": 7}, 30_247_683),
    ],
)
def test_parameters(facts, options, parameters):
    assert sum(p.numel() for p in on_meta(*facts, **options).parameters()) == parameters


@pytest.mark.parametrize(
    ("inject", "read"),
    [("all", [11, 72, 136, 264, 520, 520, 520, 520]), ("input", [11, 64, 128, 256, 512, 512, 512, 512])],
)
def test_where_the_code_enters(inject, read):
    assert [down.conv.in_channels for down in on_meta(inject=inject).down] == read


@pytest.mark.parametrize("upsample", UPSAMPLE)
@pytest.mark.parametrize("inject", INJECT)
def test_a_picture_keeps_its_size(inject, upsample):
    net = on_meta(1, 3, 8, inject=inject, upsample=upsample)
    image, code = torch.empty(2, 1, 256, 512, device="meta"), torch.empty(2, 8, device="meta")
    assert net(image, code).shape == (2, 3, 256, 512)
    assert net.multiple == 256


@pytest.mark.parametrize(
    ("inject", "upsample", "activation"), list(itertools.product(INJECT, UPSAMPLE, IN_PLACE))
)
def test_equal_to_the_in_place_recursion(inject, upsample, activation):
    options = {"inject": inject, "upsample": upsample, "activation": activation}
    net, (image, code) = tiny(**options), inputs()
    with torch.no_grad():
        expected = published(net, image.clone(), code, **options)
        torch.testing.assert_close(net(image, code), expected, atol=ROUNDING, rtol=0)


@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("inject", INJECT)
def test_shallow_ones_follow_the_recursion_too(inject, depth):
    net, (image, code) = tiny(depth, inject=inject), inputs(4)
    with torch.no_grad():
        expected = published(net, image.clone(), code, inject, "transposed", "relu")
        torch.testing.assert_close(net(image, code), expected, atol=ROUNDING, rtol=0)


def test_inputs_are_left_alone():
    net, (image, code) = tiny(), inputs()
    before = image.clone(), code.clone()
    net(image, code)
    assert torch.equal(image, before[0]) and torch.equal(code, before[1])


@pytest.mark.parametrize("inject", INJECT)
def test_every_number_of_the_code_acts(inject):
    net, (image, code) = tiny(inject=inject), inputs()
    net(image, code.requires_grad_()).square().sum().backward()
    assert code.grad.abs().min() > 1e-6


def test_behind_a_norm_the_code_acts_through_the_border_only():
    """The repeated code is constant, so the taps that never meet the padding shift a channel; the norm undoes that."""
    net, (image, code) = tiny(latent=2), inputs(latent=2)
    net(image, code).square().sum().backward()
    taps = [down.conv.weight.grad[:, -2:].abs() for down in net.down]
    interior = [float(tap[:, :, 1:3, 1:3].max()) for tap in taps]
    border = [float(tap.max()) for tap in taps]
    assert max(interior[1:-1]) < ROUNDING
    assert min(border[1:-1]) > 1e-4
    assert interior[0] > 1e-4 and interior[-1] > 1e-4  # neither has a norm


@pytest.mark.parametrize("norm", ["instance", "batch", "group", "none"])
@pytest.mark.parametrize("upsample", UPSAMPLE)
def test_every_convolution_has_a_bias(norm, upsample):
    net = on_meta(norm=norm, upsample=upsample)
    assert all(module.conv.bias is not None for module in [*net.down, *net.up])


@pytest.mark.parametrize(("depth", "levels"), [(8, [4, 5, 6]), (7, [4, 5]), (6, [4]), (5, [])])
def test_dropout_is_on_the_widest_levels_but_the_innermost(depth, levels):
    net = on_meta(depth=depth, dropout=0.5)
    assert [level for level, up in enumerate(net.up) if up.dropout.rate == 0.5] == levels


def test_names_of_the_weights():
    names = {key.rpartition(".")[0] for key in on_meta(norm="batch", depth=3).state_dict()}
    assert names == {*(f"{way}.{level}.conv" for way in ("down", "up") for level in range(3))} | {
        "down.1.norm",
        "up.1.norm",
        "up.2.norm",
    }


def test_sides_that_cannot_be_halved_so_often_are_refused():
    with pytest.raises(ValueError, match=r"^this U-Net needs sides that are multiples of 16, got 32x24$"):
        tiny()(torch.zeros(1, 2, 32, 24), torch.zeros(1, 3))


@pytest.mark.parametrize("shape", [(2, 4), (1, 3), (2, 3, 1, 1)])
def test_a_code_that_does_not_fit_is_refused(shape):
    with pytest.raises(ValueError, match="needs a code of 3 numbers for each of 2 pictures, got"):
        tiny()(torch.zeros(2, 2, 32, 32), torch.zeros(shape))


def test_the_depth_is_settled_as_for_any_u_net():
    assert LatentUNet.settle({"inject": "input"}, image_size=128) == {"inject": "input", "depth": 7}
    with pytest.raises(
        ValueError, match=r"^depth: 8 needs a multiple of 256 pixels, got 128; use 7 or less$"
    ):
        LatentUNet.settle({"depth": 8}, image_size=128)


def test_a_spec_names_it():
    registry = i2i.discover()
    ref = registry.resolve("generator", {"name": "latent-unet", "width": 2}, "", offers={"image_size": 64})
    net = registry.build(ref, {}, {"in_channels": 3, "out_channels": 1, "latent": 4})
    assert (net.multiple, net.latent) == (64, 4)
