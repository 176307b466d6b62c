"""VAE-GAN's networks against the published layer tables, and its loss against its formula."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from helpers import registry
from torch import Tensor, nn
from torch.nn import functional as F

from i2i.core.errors import SpecError
from i2i.nets import BatchNorm
from i2i.spec.spec import resolve
from i2i_gans.vaegan_losses import BoundedLogistic
from i2i_gans.vaegan_networks import VAEGANDecoder, VAEGANDiscriminator, VAEGANEncoder

SCORES = torch.tensor([[-2.0], [0.5], [3.0], [-30.0]], dtype=torch.float64)
D = torch.sigmoid(SCORES)


def published() -> dict[str, nn.Module]:
    with torch.device("meta"):
        return {
            "E": VAEGANEncoder(3, 128, 64),
            "G": VAEGANDecoder(128, 3, 64),
            "D": VAEGANDiscriminator(3, 3, 64),
        }


@pytest.mark.parametrize(("name", "count"), [("E", 18_071_360), ("G", 4_693_155), ("D", 10_953_857)])
def test_weights(name: str, count: int) -> None:
    assert sum(p.numel() for p in published()[name].parameters()) == count


def test_shapes() -> None:
    nets, image = published(), torch.empty(2, 3, 64, 64, device="meta")
    mean, log_variance = nets["E"](image)
    assert mean.shape == log_variance.shape == (2, 128)
    assert nets["G"](mean).shape == image.shape
    scores, features = nets["D"](image)
    assert scores.shape == (2, 1)
    assert features.shape == (2, 256, 8, 8)


def test_where_there_are_biases() -> None:
    biased = {
        part: [
            name
            for name, layer in net.named_modules()
            if not isinstance(layer, BatchNorm) and getattr(layer, "bias", None) is not None
        ]
        for part, net in published().items()
    }
    assert biased == {"E": ["mean", "log_variance"], "G": ["head"], "D": ["seen.0", "score"]}


@pytest.mark.parametrize(("layer", "shape"), [(1, (16, 8, 8)), (2, (32, 4, 4)), (3, (32, 2, 2))])
def test_features_are_those_before_the_norm(layer: int, shape: tuple[int, ...]) -> None:
    net = VAEGANDiscriminator(3, layer, 16, width=4, hidden=5)
    image, kept = torch.rand(2, 3, 16, 16), []
    net.seen[-1].register_forward_hook(lambda module, given, made: kept.append(made))
    assert isinstance(net.seen[-1], nn.Conv2d) and net.seen[-1].stride == (2, 2)
    assert isinstance(net.rest[0], BatchNorm)
    _, features = net(image)
    assert features is kept[0] and features.shape == (2, *shape)


def test_a_layer_that_is_not_there() -> None:
    with pytest.raises(ValueError, match="feature_layer 4 does not exist; use 1 to 3"):
        VAEGANDiscriminator(3, 4, 16)


def test_first_weights() -> None:
    torch.manual_seed(0)
    net = VAEGANDecoder(16, 3, 16, width=64)
    bounds = {
        "linear.0.weight": 1 / math.sqrt(3 * 16),
        "body.0.weight": 1 / math.sqrt(3 * 64 * 25),
        "body.3.weight": 1
        / math.sqrt(3 * 32 * 25),  # of a transposed convolution the outputs count, as published
        "head.weight": 1 / math.sqrt(3 * 8 * 25),
    }
    for name, bound in bounds.items():
        largest = float(net.state_dict()[name].abs().max())
        assert 0.95 * bound < largest <= bound, name  # the least of them has 600 values
    assert not net.head.bias.any()


@pytest.mark.parametrize("norm", ["instance", "none"])
def test_without_batch_norm_pictures_do_not_meet(norm: str) -> None:
    torch.manual_seed(0)
    encoder = VAEGANEncoder(3, 2, 16, width=4, hidden=5, norm=norm)
    decoder = VAEGANDecoder(2, 3, 16, width=8, norm=norm)
    discriminator = VAEGANDiscriminator(3, 3, 16, width=4, hidden=5, norm=norm)
    image = torch.rand(3, 3, 16, 16)
    for whole, alone in zip(discriminator(image), discriminator(image[:1]), strict=True):
        torch.testing.assert_close(whole[:1], alone)
    both = decoder(encoder(image)[0])
    torch.testing.assert_close(both[:1], decoder(encoder(image[:1])[0]))


@pytest.mark.parametrize("size", [36, 8])
@pytest.mark.parametrize("part", ["encoder", "generator", "discriminator"])
def test_sizes_that_cannot_be_halved(size: int, part: str) -> None:
    tables = {"strategy": {"name": "vaegan"}, "data": {"name": "demo", "layout": "images", "size": size}}
    with pytest.raises(SpecError, match=f"strategy.{part}.*multiple of 8, at least 16, got {size}"):
        resolve(tables, registry())


def test_pictures_of_another_size_are_refused() -> None:
    image = torch.zeros(1, 3, 16, 24)
    with pytest.raises(ValueError, match="encoder reads pictures of 16x16 only, got 16x24"):
        VAEGANEncoder(3, 2, 16, width=1, hidden=1)(image)
    with pytest.raises(ValueError, match="discriminator judges pictures of 16x16 only, got 16x24"):
        VAEGANDiscriminator(3, 1, 16, width=1, hidden=1)(image)


class Book:
    """The weights of a network in their order, and the layers of a textbook that use them up."""

    def __init__(self, net: nn.Module) -> None:
        self.weights = iter(net.parameters())

    def normed(self, x: Tensor) -> Tensor:
        dims, shape = [d for d in range(x.dim()) if d != 1], [1, -1] + [1] * (x.dim() - 2)
        centred = x - x.mean(dims, keepdim=True)
        x = centred / (centred.square().mean(dims, keepdim=True) + 1e-5).sqrt()
        return (x * next(self.weights).view(shape) + next(self.weights).view(shape)).clamp(min=0)

    def linear(self, x: Tensor) -> Tensor:
        return F.linear(x, next(self.weights), next(self.weights))

    def hidden(self, x: Tensor) -> Tensor:
        return self.normed(F.linear(x, next(self.weights)))

    def down(self, x: Tensor) -> Tensor:
        return F.conv2d(x, next(self.weights), stride=2, padding=2)

    def up(self, x: Tensor) -> Tensor:
        return self.normed(F.conv_transpose2d(x, next(self.weights), stride=2, padding=2, output_padding=1))

    def conv(self, x: Tensor) -> Tensor:
        return F.conv2d(x, next(self.weights), next(self.weights), padding=2)


def encoder(book: Book, x: Tensor) -> tuple[Tensor, ...]:
    for _ in range(3):
        x = book.normed(book.down(x))
    x = book.hidden(x.flatten(1))
    return book.linear(x), book.linear(x)


def decoder(book: Book, z: Tensor) -> tuple[Tensor, ...]:
    x = book.hidden(z).view(len(z), -1, 2, 2)
    for _ in range(3):
        x = book.up(x)
    return (torch.tanh(book.conv(x)),)


def discriminator(book: Book, x: Tensor) -> tuple[Tensor, ...]:
    x = book.conv(x).clamp(min=0)
    for _ in range(2):
        x = book.normed(book.down(x))
    features = book.down(x)
    return book.linear(book.hidden(book.normed(features).flatten(1))), features


@pytest.mark.parametrize(
    ("book", "net", "shape"),
    [
        (encoder, lambda: VAEGANEncoder(3, 4, 16, width=2, hidden=5), (6, 3, 16, 16)),
        (decoder, lambda: VAEGANDecoder(4, 3, 16, width=16), (6, 4)),
        (discriminator, lambda: VAEGANDiscriminator(3, 3, 16, width=2, hidden=5), (6, 3, 16, 16)),
    ],
)
def test_the_published_layers(
    book: Callable[[Book, Tensor], tuple[Tensor, ...]], net: Callable[[], nn.Module], shape: tuple[int, ...]
) -> None:
    torch.manual_seed(0)
    made, given = net().double(), torch.randn(shape, dtype=torch.float64)
    for weight in made.parameters():
        nn.init.normal_(weight)
    found, weights = made(given), Book(made)
    for one, other in zip(found if isinstance(found, tuple) else (found,), book(weights, given), strict=True):
        torch.testing.assert_close(one, other)
    assert not [*weights.weights]


def test_all_three_draw_their_first_weights() -> None:
    torch.manual_seed(0)
    nets = [
        VAEGANEncoder(3, 4, 16, width=8, hidden=64),
        VAEGANDecoder(4, 3, 16, width=64),
        VAEGANDiscriminator(3, 3, 16, width=8, hidden=64),
    ]
    for net in nets:
        layers = [m for m in net.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d | nn.Linear)]
        for layer in layers:
            bound = 1 / math.sqrt(3 * layer.weight[0].numel())
            # the least of them has 64 values: all below nine tenths of the bound once in 800
            assert 0.9 * bound < float(layer.weight.detach().abs().max()) <= bound
            assert layer.bias is None or not layer.bias.any()


FORMULAS = [
    (BoundedLogistic(), "real", -(D + 1e-3).log()),
    (BoundedLogistic(), "fake", -(1 - D + 1e-3).log()),
    (BoundedLogistic(), "fool", (1 - D + 1e-3).log()),
    (BoundedLogistic(objective="non-saturating"), "fool", -(D + 1e-3).log()),
    (BoundedLogistic(epsilon=0.1), "real", -(D + 0.1).log()),
]


@pytest.mark.parametrize(("gan", "role", "formula"), FORMULAS)
def test_the_bounded_loss(gan: BoundedLogistic, role: str, formula: torch.Tensor) -> None:
    torch.testing.assert_close(gan(SCORES, role), formula.mean())


def test_the_bounded_loss_knows_its_roles() -> None:
    with pytest.raises(ValueError, match="real, fake or fool"):
        BoundedLogistic()(SCORES, "true")
