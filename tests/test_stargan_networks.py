"""StarGAN's networks against the published layer tables, and its schedule."""

from __future__ import annotations

import pytest
import torch
from helpers import registry
from torch import Tensor, nn

from i2i.core.errors import SpecError
from i2i.nets import InstanceNorm
from i2i.spec.spec import resolve
from i2i_stargan import DomainPatchGAN, DomainResNet, StarGAN


def weights(net: nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


@pytest.mark.parametrize(("told", "count"), [(5, 8_430_528), (8, 8_439_936), (5 + 8 + 2, 8_461_888)])
def test_weights_of_the_generator(told: int, count: int) -> None:
    with torch.device("meta"):
        assert weights(DomainResNet(3, 3, told)) == count


@pytest.mark.parametrize(
    ("domains", "size", "count"),
    [(5, 128, 44_762_048), (5, 256, 44_884_928), (8, 128, 44_786_624), (13, 256, 45_147_072)],
)
def test_weights_of_the_critic(domains: int, size: int, count: int) -> None:
    with torch.device("meta"):
        assert weights(DomainPatchGAN(3, domains, size)) == count


@pytest.mark.parametrize(("size", "side"), [(64, 1), (128, 2), (256, 4)])
def test_maps(size: int, side: int) -> None:
    with torch.device("meta"):
        scores, logits = DomainPatchGAN(3, 5, size)(torch.empty(2, 3, size, size))
        image = DomainResNet(3, 3, 5)(torch.empty(2, 3, size, size), torch.empty(2, 5))
    assert scores.shape == (2, 1, side, side)
    assert logits.shape == (2, 5)
    assert image.shape == (2, 3, size, size)


def test_where_there_are_biases_and_norms() -> None:
    with torch.device("meta"):
        generator, critic = DomainResNet(3, 3, 5), DomainPatchGAN(3, 5, 64)
    convolutions = [m for m in generator.modules() if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d))]
    assert len(convolutions) == 18 and all(conv.bias is None for conv in convolutions)
    assert not any(conv.padding_mode != "zeros" for conv in convolutions)
    norms = [m for m in generator.modules() if isinstance(m, InstanceNorm)]
    assert len(norms) == 17 and all(norm.weight is not None for norm in norms)
    assert not list(generator.buffers())  # no running statistics: always the picture's own
    biased = [name for name, m in critic.named_modules() if isinstance(m, nn.Conv2d) and m.bias is not None]
    assert biased == [f"body.{layer}.0" for layer in range(6)]
    assert {m.negative_slope for m in critic.modules() if isinstance(m, nn.LeakyReLU)} == {0.01}


def gradient_of_labels(net: DomainResNet) -> Tensor:
    """(domains, 7, 7): how much each tap of the first convolution learns from its label channel, in fp64."""
    torch.manual_seed(0)
    image, labels = torch.rand(2, 3, 8, 8).double(), torch.tensor([[1.0, 0.0], [1.0, 1.0]]).double()
    net(image, labels).square().sum().backward()
    gradient = net.stem[0].weight.grad
    assert isinstance(gradient, Tensor)
    return gradient[:, 3:].abs().amax(0)


def test_labels_act_through_the_borders() -> None:
    # Seen from every pixel, the centre tap adds a constant, and the norm takes it out again.
    taps = gradient_of_labels(DomainResNet(3, 3, 2, width=4, blocks=1).double())
    largest = taps.amax()
    assert largest > 1e-3
    assert float(taps[:, 3, 3].amax()) < 1e-12 * float(largest)
    taps[:, 3, 3] = largest
    assert float(taps.amin()) > 1e-6 * float(largest)


def test_the_wanted_domain_changes_the_picture() -> None:
    torch.manual_seed(0)
    net, image = DomainResNet(3, 3, 2, width=4, blocks=1), torch.rand(1, 3, 8, 8)
    one, other = net(image, torch.tensor([[1.0, 0.0]])), net(image, torch.tensor([[0.0, 1.0]]))
    assert float((one - other).detach().abs().max()) > 1e-3


@pytest.mark.parametrize("size", [(8, 10), (4, 4)])
def test_the_generator_refuses_a_size(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=f"multiples of 4, at least 8, got {size[0]}x{size[1]}"):
        DomainResNet(3, 3, 1, width=2, blocks=0)(torch.zeros(1, 3, *size), torch.zeros(1, 1))


def test_the_critic_refuses_a_size() -> None:
    with pytest.raises(ValueError, match="judges pictures of 16x16 only, got 32x16"):
        DomainPatchGAN(3, 1, 16, width=2, layers=2)(torch.zeros(1, 3, 32, 16))


@pytest.mark.parametrize(
    ("size", "sentence"),
    [(32, "6 need a multiple of 64 pixels, got 32; use 5 or less"), (33, "got 33; choose an even size")],
)
def test_settling_names_the_layers_that_fit(size: int, sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^layers: .*{sentence}"):
        DomainPatchGAN.settle({"layers": 6}, image_size=size)
    tables = {"strategy": {"name": "stargan"}, "data": {"name": "demo", "layout": "domains", "size": size}}
    with pytest.raises(SpecError, match=f"strategy.discriminator.layers: .*{sentence}"):
        resolve(tables, registry())


def test_the_published_recipe() -> None:
    example = StarGAN.example["data"]
    spec = resolve({"strategy": {"name": "stargan"}, "data": dict(example)}, registry())
    options, data, adam = spec.strategy.options, spec.data.options, spec.optimizers["default"]
    assert (options["gan"].name, options["gan"].options["penalty_weight"]) == ("wgan-gp", 10.0)
    assert (options["domain_weight"], options["cycle_weight"], options["n_critic"]) == (1.0, 10.0, 5)
    assert (data["size"], data["load_size"], data["flip"]) == (128, 128, True)
    assert (data["centre_crop"], data["hold_out"]) == (178, 1999)
    assert data["attributes"] == ("Black_Hair", "Blond_Hair", "Brown_Hair", "Male", "Young")
    assert (adam.name, adam.options["lr"], adam.options["betas"]) == ("adam", 1e-4, (0.5, 0.999))


def test_the_published_rate_hardly_falls() -> None:
    data = {"name": "demo", "layout": "domains", "size": 128}
    spec = resolve({"strategy": {"name": "stargan"}, "data": data}, registry())
    assert (spec.train.steps, spec.train.batch, spec.train.init.name) == (200_000, 16, "default")
    rate = registry().build(spec.schedule, {}, {})
    base = spec.optimizers["default"].options["lr"]
    assert base == 1e-4 and rate(99_999, 1) == 1
    # The authors' last iteration ends at 9.99e-5; ours falls by steps, not by thousands, and has decay_steps + 1.
    assert base * rate(199_999, 1) == pytest.approx(9.99e-5, rel=1e-8)
