"""The networks of GAN, CGAN, DCGAN and ACGAN compute what the published ones do: layer by layer, by the formulas."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from i2i.nets import Dropout
from i2i_gans import (
    ClassDiscriminator,
    ConvDiscriminator,
    JointMaxoutDiscriminator,
    JointMLPGenerator,
    LabelMLPDiscriminator,
    LabelMLPGenerator,
    LabelResizingGenerator,
    LabelStridedDiscriminator,
    LabelStridedGenerator,
    MaxoutDiscriminator,
    MLPDiscriminator,
    MLPGenerator,
    ResizingGenerator,
    StridedDiscriminator,
    StridedGenerator,
)

LATENT, LABELS, CHANNELS = 5, 3, 2


class Book:
    """The weights of a network in their order, and the layers of a textbook that use them up."""

    def __init__(self, net: nn.Module) -> None:
        self.weights = iter(net.parameters())

    def table(self, label: Tensor) -> Tensor:
        return next(self.weights)[label]

    def linear(self, x: Tensor, *, bias: bool = True) -> Tensor:
        return F.linear(x, next(self.weights), next(self.weights) if bias else None)

    def down(self, x: Tensor, padding: int, *, bias: bool = False) -> Tensor:
        return F.conv2d(x, next(self.weights), next(self.weights) if bias else None, 2, padding)

    def up(self, x: Tensor, padding: int) -> Tensor:
        """Transposed, to twice the size."""
        weight = next(self.weights)
        return F.conv_transpose2d(x, weight, None, 2, padding, output_padding=weight.shape[2] % 2)

    def norm(self, x: Tensor, epsilon: float, *, affine: bool = True) -> Tensor:
        dims, shape = [d for d in range(x.dim()) if d != 1], [1, -1] + [1] * (x.dim() - 2)
        centred = x - x.mean(dims, keepdim=True)
        x = centred / (centred.square().mean(dims, keepdim=True) + epsilon).sqrt()
        return x * next(self.weights).view(shape) + next(self.weights).view(shape) if affine else x


def leaky(x: Tensor) -> Tensor:
    return torch.where(x > 0, x, 0.2 * x)


def hot(label: Tensor) -> Tensor:
    return torch.eye(LABELS, dtype=torch.float64)[label]


def beside(x: Tensor, label: Tensor) -> Tensor:
    """Zeros and a one as further channels."""
    told = hot(label)
    return torch.cat(
        [x, told.view(-1, LABELS, 1, 1) * torch.ones_like(x[:, :1]) if x.dim() == 4 else told], 1
    )


def mlp_generator(book: Book, z: Tensor) -> Tensor:
    x = leaky(book.linear(z))
    x = leaky(book.norm(book.linear(x), 0.8))
    return torch.tanh(book.linear(x)).view(-1, CHANNELS, 8, 8)


def label_mlp_generator(book: Book, z: Tensor, label: Tensor) -> Tensor:
    return mlp_generator(book, torch.cat([book.table(label), z], 1))


def of_2014(book: Book, z: Tensor) -> Tensor:
    x = book.linear(book.linear(z).relu()).relu()
    return 2 * torch.sigmoid(book.linear(x)).view(-1, CHANNELS, 8, 8) - 1


def joint_mlp_generator(book: Book, z: Tensor, label: Tensor) -> Tensor:
    seen = book.linear(z).relu(), book.linear(hot(label)).relu()
    x = book.linear(torch.cat(seen, 1)).relu()
    return 2 * torch.sigmoid(book.linear(x)).view(-1, CHANNELS, 8, 8) - 1


def mlp_discriminator(book: Book, image: Tensor) -> Tensor:
    return book.linear(leaky(book.linear(leaky(book.linear(image.flatten(1))))))


def label_mlp_discriminator(book: Book, image: Tensor, label: Tensor) -> Tensor:
    return mlp_discriminator(book, torch.cat([image.flatten(1), book.table(label)], 1))


def maxout(x: Tensor, pieces: int) -> Tensor:
    return x.view(len(x), -1, pieces).max(2).values


def maxout_discriminator(book: Book, image: Tensor) -> Tensor:
    return book.linear(maxout(book.linear(maxout(book.linear(image.flatten(1)), 5)), 5))


def joint_maxout_discriminator(book: Book, image: Tensor, label: Tensor) -> Tensor:
    seen = maxout(book.linear(image.flatten(1)), 5), maxout(book.linear(hot(label)), 5)
    return book.linear(maxout(book.linear(torch.cat(seen, 1)), 4))


def strided_generator(book: Book, z: Tensor) -> Tensor:
    x = F.conv_transpose2d(z[:, :, None, None], next(book.weights))
    x = book.norm(x, 1e-5).relu()
    x = book.norm(book.up(x, 1), 1e-5).relu()
    return torch.tanh(book.up(x, 1))


def authors_strided_generator(book: Book, z: Tensor) -> Tensor:
    x = book.norm(book.linear(z, bias=False), 1e-8).relu().view(len(z), -1, 4, 4)
    x = book.norm(book.up(x, 2), 1e-8).relu()
    return torch.tanh(book.up(x, 2))


def strided_discriminator(book: Book, image: Tensor) -> Tensor:
    x = leaky(book.down(image, 1))
    x = leaky(book.norm(book.down(x, 1), 1e-5))
    return F.conv2d(x, next(book.weights)).flatten(1)


def label_strided_generator(book: Book, z: Tensor, label: Tensor) -> Tensor:
    x = book.norm(book.linear(beside(z, label), bias=False), 1e-8, affine=False).relu()
    x = book.norm(book.linear(beside(x, label), bias=False), 1e-8, affine=False).relu()
    x = book.norm(book.up(beside(x.view(len(z), -1, 4, 4), label), 2), 1e-8, affine=False).relu()
    return 2 * torch.sigmoid(book.up(beside(x, label), 2)) - 1


def label_strided_discriminator(book: Book, image: Tensor, label: Tensor) -> Tensor:
    x = leaky(book.down(beside(image, label), 2))
    x = leaky(book.norm(book.down(beside(x, label), 2), 1e-8, affine=False))
    x = leaky(book.norm(book.linear(beside(x.flatten(1), label), bias=False), 1e-8, affine=False))
    return book.linear(beside(x, label), bias=False)


def resizing_generator(book: Book, z: Tensor) -> Tensor:
    x = book.norm(book.linear(z).view(len(z), -1, 4, 4), 1e-5)
    for _ in range(2):
        x = x.repeat_interleave(2, 2).repeat_interleave(2, 3)
        x = F.conv2d(x, next(book.weights), next(book.weights), padding=1)
        x = leaky(book.norm(x, 0.8))
    return torch.tanh(F.conv2d(x, next(book.weights), next(book.weights), padding=1))


def label_resizing_generator(book: Book, z: Tensor, label: Tensor) -> Tensor:
    return resizing_generator(book, book.table(label) * z)


def trunk(book: Book, image: Tensor) -> Tensor:
    x = leaky(book.down(image, 1, bias=True))
    x = book.norm(leaky(book.down(x, 1, bias=True)), 0.8)
    return x.flatten(1)


def conv_discriminator(book: Book, image: Tensor) -> Tensor:
    return book.linear(trunk(book, image))


def class_discriminator(book: Book, image: Tensor) -> Tensor:
    x = trunk(book, image)
    return torch.cat([book.linear(x), book.linear(x)], 1)


NUMBERS, LABEL = torch.Size([LATENT]), torch.Size([])
SMALL, LARGE = torch.Size([CHANNELS, 8, 8]), torch.Size([CHANNELS, 16, 16])
JOINT = {"width": 4, "label_width": 6, "joint_width": 7}

CASES: list[tuple[Callable[..., Tensor], Callable[[], nn.Module], tuple[torch.Size, ...]]] = [
    (mlp_generator, lambda: MLPGenerator(LATENT, CHANNELS, 8, widths=(6, 7)), (NUMBERS,)),
    (
        of_2014,
        lambda: MLPGenerator(
            LATENT, CHANNELS, 8, widths=(6, 7), activation="relu", norm="none", output="sigmoid"
        ),
        (NUMBERS,),
    ),
    (
        label_mlp_generator,
        lambda: LabelMLPGenerator(LATENT, CHANNELS, LABELS, 8, widths=(6, 7)),
        (NUMBERS, LABEL),
    ),
    (
        joint_mlp_generator,
        lambda: JointMLPGenerator(LATENT, CHANNELS, LABELS, 8, **JOINT),
        (NUMBERS, LABEL),
    ),
    (mlp_discriminator, lambda: MLPDiscriminator(CHANNELS, 8, widths=(6, 7)), (SMALL,)),
    (
        label_mlp_discriminator,
        lambda: LabelMLPDiscriminator(CHANNELS, LABELS, 8, widths=(6, 7)),
        (SMALL, LABEL),
    ),
    (maxout_discriminator, lambda: MaxoutDiscriminator(CHANNELS, 8, widths=(6, 7)), (SMALL,)),
    (
        joint_maxout_discriminator,
        lambda: JointMaxoutDiscriminator(CHANNELS, LABELS, 8, **JOINT),
        (SMALL, LABEL),
    ),
    (strided_generator, lambda: StridedGenerator(LATENT, CHANNELS, 16, width=4), (NUMBERS,)),
    (
        authors_strided_generator,
        lambda: StridedGenerator(LATENT, CHANNELS, 16, width=4, kernel=5, start="units", epsilon=1e-8),
        (NUMBERS,),
    ),
    (strided_discriminator, lambda: StridedDiscriminator(CHANNELS, 16, width=4), (LARGE,)),
    (
        label_strided_generator,
        lambda: LabelStridedGenerator(LATENT, CHANNELS, LABELS, 16, units=6, width=4),
        (NUMBERS, LABEL),
    ),
    (
        label_strided_discriminator,
        lambda: LabelStridedDiscriminator(CHANNELS, LABELS, 16, units=6, width=4),
        (LARGE, LABEL),
    ),
    (resizing_generator, lambda: ResizingGenerator(LATENT, CHANNELS, 16, width=4), (NUMBERS,)),
    (
        label_resizing_generator,
        lambda: LabelResizingGenerator(LATENT, CHANNELS, LABELS, 16, width=4),
        (NUMBERS, LABEL),
    ),
    (conv_discriminator, lambda: ConvDiscriminator(CHANNELS, 16, width=4, layers=2), (LARGE,)),
    (
        class_discriminator,
        lambda: ClassDiscriminator(CHANNELS, LABELS, 16, width=4, layers=2),
        (LARGE,),
    ),
]


@pytest.mark.parametrize(("book", "make", "shapes"), CASES)
def test_the_published_layers(
    book: Callable[..., Tensor], make: Callable[[], nn.Module], shapes: tuple[torch.Size, ...]
) -> None:
    torch.manual_seed(0)
    net = make().double()
    for weight in net.parameters():
        nn.init.normal_(weight)
    for layer in net.modules():
        if isinstance(layer, Dropout):
            layer.rate = 0.0
    given = [
        torch.tensor([0, 1, 2, 2, 1, 0]) if shape == LABEL else torch.randn(6, *shape, dtype=torch.float64)
        for shape in shapes
    ]
    made, weights = net(*given), Book(net)
    whole = torch.cat(made, 1) if isinstance(made, tuple) else made
    torch.testing.assert_close(whole, book(weights, *given))
    assert not [*weights.weights]
