"""The small networks of PyTorch-GAN: resize and convolve one way, strided 3x3 kernels the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Annotated, Any, cast

from pydantic import Field
from torch import Tensor, nn

from i2i.nets import Norm, NormName, Width
from i2i_gans.layers import (
    ChannelDropout,
    Epsilon,
    Output,
    Squash,
    check_size,
    epsilon_of,
    layers_of,
    scaled_norm,
    settled_epsilon,
    settled_layers,
)

EPSILON = 0.8  # BatchNorm2d(n, 0.8) means epsilon, not momentum
Doublings = Annotated[int, Field(ge=1, le=32, description="how often the first map is doubled")]
Halvings = Annotated[int, Field(ge=1, le=32, description="layers of stride 2, each twice as wide")]
ChannelRate = Annotated[
    float, Field(ge=0, lt=1, description="share of the channels that dropout sets to zero")
]


class ResizingGenerator(nn.Module):
    """Nearest-neighbour enlargement and convolutions, from random numbers to a picture.

    (N, latent) to (N, out_channels, image_size, image_size) in [-1, 1]; the DCGAN of PyTorch-GAN. The first norm has
    the usual epsilon and no activation after it, the others an epsilon of 0.8.
    """

    def __init__(
        self,
        latent: int,
        out_channels: int,
        image_size: int,
        *,
        width: Width = 128,
        layers: Doublings = 2,
        norm: Norm = "batch",
        epsilon: Epsilon = "auto",
        output: Output = "tanh",
    ) -> None:
        super().__init__()
        side = image_size // 2 ** layers_of(layers, image_size)
        sizes = [width, *(max(1, width // 2**n) for n in range(layers))]
        self.start = nn.Sequential(
            nn.Linear(latent, width * side**2),
            nn.Unflatten(1, (width, side, side)),
            scaled_norm(norm, width, 1e-5),
        )
        self.body = nn.Sequential(
            *(_up(one, other, norm, epsilon_of(epsilon, EPSILON)) for one, other in pairwise(sizes))
        )
        self.head = nn.Sequential(nn.Conv2d(sizes[-1], out_channels, 3, padding=1), Squash(output))

    @staticmethod
    def settle(options: Mapping[str, Any], *, image_size: int) -> dict[str, Any]:
        """The options with `epsilon = "auto"` as a number.

        Raises:
            ValueError: the size cannot be halved so often, or an option would be ignored.
        """
        return settled_layers(settled_epsilon(options, EPSILON), image_size)

    def forward(self, z: Tensor) -> Tensor:
        return cast(Tensor, self.head(self.body(self.start(z))))


class LabelResizingGenerator(nn.Module):
    """Enlargement and convolutions, from random numbers multiplied by the embedding of a label.

    (N, latent) and labels (N,) to (N, out_channels, image_size, image_size) in [-1, 1]; the ACGAN of PyTorch-GAN.
    """

    def __init__(
        self,
        latent: int,
        out_channels: int,
        labels: int,
        image_size: int,
        *,
        width: Width = 128,
        layers: Doublings = 2,
        norm: Norm = "batch",
        epsilon: Epsilon = "auto",
        output: Output = "tanh",
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(labels, latent)
        self.body = ResizingGenerator(
            latent,
            out_channels,
            image_size,
            width=width,
            layers=layers,
            norm=norm,
            epsilon=epsilon,
            output=output,
        )

    @staticmethod
    def settle(options: Mapping[str, Any], *, image_size: int) -> dict[str, Any]:
        """The options with `epsilon = "auto"` as a number.

        Raises:
            ValueError: the size cannot be halved so often, or an option would be ignored.
        """
        return ResizingGenerator.settle(options, image_size=image_size)

    def forward(self, z: Tensor, label: Tensor) -> Tensor:
        return cast(Tensor, self.body(self.embedding(label).to(z.dtype) * z))


class ConvDiscriminator(nn.Module):
    """Strided 3x3 convolutions with dropout, from a picture to one score.

    (N, in_channels, image_size, image_size) to (N, 1) without sigmoid; the DCGAN of PyTorch-GAN, whose layers convolve,
    activate, drop channels and only then normalise.
    """

    def __init__(
        self,
        in_channels: int,
        image_size: int,
        *,
        width: Width = 16,
        layers: Halvings = 4,
        dropout: ChannelRate = 0.25,
        norm: Norm = "batch",
        epsilon: Epsilon = "auto",
    ) -> None:
        super().__init__()
        sizes = [in_channels, *(width * 2**n for n in range(layers))]
        self.trunk = _Trunk(sizes, image_size, dropout, norm, epsilon_of(epsilon, EPSILON))
        self.score = nn.Linear(self.trunk.units, 1)

    @staticmethod
    def settle(options: Mapping[str, Any]) -> dict[str, Any]:
        """The options with `epsilon = "auto"` as a number.

        Raises:
            ValueError: an epsilon without batch norm.
        """
        return settled_epsilon(options, EPSILON)

    def forward(self, image: Tensor) -> Tensor:
        return cast(Tensor, self.score(self.trunk(image)))


class ClassDiscriminator(nn.Module):
    """Strided 3x3 convolutions with dropout, from a picture to one score and its class (Odena et al., ACGAN, 2017).

    (N, in_channels, image_size, image_size) to (N, 1) without sigmoid and logits (N, classes); the form of PyTorch-GAN,
    without its softmax before the cross-entropy, which has one of its own.
    """

    def __init__(
        self,
        in_channels: int,
        classes: int,
        image_size: int,
        *,
        width: Width = 16,
        layers: Halvings = 4,
        dropout: ChannelRate = 0.25,
        norm: Norm = "batch",
        epsilon: Epsilon = "auto",
    ) -> None:
        super().__init__()
        sizes = [in_channels, *(width * 2**n for n in range(layers))]
        self.trunk = _Trunk(sizes, image_size, dropout, norm, epsilon_of(epsilon, EPSILON))
        self.score = nn.Linear(self.trunk.units, 1)
        self.label = nn.Linear(self.trunk.units, classes)

    @staticmethod
    def settle(options: Mapping[str, Any]) -> dict[str, Any]:
        """The options with `epsilon = "auto"` as a number.

        Raises:
            ValueError: an epsilon without batch norm.
        """
        return settled_epsilon(options, EPSILON)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        x = self.trunk(image)
        return self.score(x), self.label(x)


class _Trunk(nn.Module):
    """(N, C, image_size, image_size) to (N, units)."""

    def __init__(
        self, sizes: Sequence[int], image_size: int, dropout: float, norm: NormName, epsilon: float
    ) -> None:
        super().__init__()
        self.image_size = image_size
        side = -(-image_size // 2 ** (len(sizes) - 1))  # an odd map keeps its last row
        self.units = sizes[-1] * side**2
        self.body = nn.Sequential(
            *(
                nn.Sequential(
                    nn.Conv2d(one, other, 3, stride=2, padding=1),
                    nn.LeakyReLU(0.2),
                    ChannelDropout(dropout),
                    scaled_norm(norm if number else "none", other, epsilon),
                )
                for number, (one, other) in enumerate(pairwise(sizes))
            )
        )

    def forward(self, image: Tensor) -> Tensor:
        check_size(image, self.image_size)
        return cast(Tensor, self.body(image)).flatten(1)


def _up(in_channels: int, out_channels: int, norm: NormName, epsilon: float) -> nn.Sequential:
    return nn.Sequential(
        nn.Upsample(scale_factor=2.0),
        nn.Conv2d(in_channels, out_channels, 3, padding=1),
        scaled_norm(norm, out_channels, epsilon),
        nn.LeakyReLU(0.2),
    )
