"""The residual generator against the published layer table."""

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from i2i.nets import Dropout, ReflectConv, ResizeConv, ResNet


def on_meta(**options):
    with torch.device("meta"):
        return ResNet(3, 3, **options)


@pytest.mark.parametrize(
    ("options", "parameters"),
    [({}, 11_378_179), ({"norm": "batch"}, 11_383_427), ({"blocks": 6}, 7_837_699)],
)
def test_parameters(options, parameters):
    assert sum(p.numel() for p in on_meta(**options).parameters()) == parameters


def test_tensors_and_sizes():
    net = on_meta()
    assert len(net.state_dict()) == 48
    assert net.multiple == 4
    seen = []
    for module in [net.stem, *net.down, *net.body, *net.up]:
        module.register_forward_hook(lambda m, x, y: seen.append((y.shape[1], y.shape[2])))
    assert net(torch.empty(1, 3, 256, 256, device="meta")).shape == (1, 3, 256, 256)
    assert seen == [(64, 256), (128, 128), (256, 64), *[(256, 64)] * 9, (128, 128), (64, 256)]


def test_only_7x7_and_residual_convolutions_reflect():
    net = ResNet(3, 3, width=2, blocks=1)
    reflecting = {name for name, module in net.named_modules() if isinstance(module, ReflectConv)}
    assert reflecting == {"stem.conv", "body.0.first.conv", "body.0.second.conv", "head"}
    assert [(down.conv.kernel_size, down.conv.padding) for down in net.down] == [((3, 3), (1, 1))] * 2
    assert [up.conv.output_padding for up in net.up] == [(1, 1)] * 2


@pytest.mark.parametrize(("norm", "without"), [("instance", 0), ("batch", 7), ("group", 7), ("none", 7)])
def test_bias(norm, without):
    net = ResNet(3, 3, width=2, blocks=1, norm=norm)
    convolutions = [module for module in net.modules() if hasattr(module, "kernel_size")]
    assert sum(conv.bias is None for conv in convolutions) == without
    assert net.head.bias is not None


def test_dropout_sits_inside_every_block():
    net = ResNet(3, 3, width=2, blocks=3, dropout=0.5)
    rates = [module.rate for module in net.modules() if isinstance(module, Dropout)]
    assert rates == [0.5] * 3
    assert list(net.state_dict()) == list(ResNet(3, 3, width=2, blocks=3).state_dict())


def test_resize_instead_of_transposed_convolution():
    net = ResNet(3, 1, width=2, blocks=1, upsample="resize")
    assert all(isinstance(up.conv, ResizeConv) for up in net.up)
    assert net(torch.zeros(2, 3, 8, 12)).shape == (2, 1, 8, 12)


def test_range():
    y = ResNet(3, 3, width=2, blocks=1)(torch.randn(1, 3, 16, 16) * 100)
    assert y.abs().max() <= 1


@pytest.mark.parametrize(("height", "width"), [(250, 256), (8, 10), (4, 4)])
def test_sides_must_be_multiples_of_four(height, width):
    with pytest.raises(ValueError, match=f"multiples of 4, at least 8, got {height}x{width}"):
        ResNet(3, 3, width=2, blocks=0)(torch.zeros(1, 3, height, width))


@pytest.mark.parametrize(("size", "blocks"), [(64, 6), (128, 6), (132, 9), (256, 9)])
def test_auto_blocks(size, blocks):
    assert ResNet.settle({"blocks": "auto", "norm": "batch"}, image_size=size) == {
        "blocks": blocks,
        "norm": "batch",
    }
    assert ResNet.settle({"blocks": 2}, image_size=size) == {"blocks": 2}
    assert len(on_meta().body) == 9


def test_compiles_as_one_graph_and_equals_eager_under_autocast():
    net = ResNet(3, 3, width=8, blocks=1, upsample="resize")
    compiled = torch.compile(net, backend="aot_eager", fullgraph=True)
    x = torch.randn(1, 3, 16, 16)
    with torch.autocast("cpu", torch.bfloat16):
        # the eager head sums the columns of its kernel: values below 1, two roundings to bf16
        torch.testing.assert_close(compiled(x), net(x), atol=2**-7, rtol=0)


def test_a_fake_tensor_passes():
    with FakeTensorMode(), torch.autocast("cpu", torch.bfloat16):
        y = ResNet(3, 3, width=2, blocks=1)(torch.randn(1, 3, 16, 16))
        y.float().sum().backward()
    assert y.shape == (1, 3, 16, 16)
