"""The networks of DCGAN: strided convolutions, and no others."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Any, Literal, cast

from pydantic import Field
from torch import Tensor, nn

from i2i.nets import Norm, Width
from i2i_gans.layers import (
    Epsilon,
    Layers,
    Output,
    Squash,
    epsilon_of,
    layers_of,
    scaled_norm,
    settled_epsilon,
    settled_layers,
)

EPSILON = 1e-5
KernelSize = Literal[4, 5]
Kernel = Annotated[
    KernelSize, Field(description="side of the strided kernels: 4 of most code, 5 of the paper's")
]


class StridedGenerator(nn.Module):
    """Transposed convolutions from random numbers to a picture (Radford et al., DCGAN, 2016).

    (N, latent) to (N, out_channels, image_size, image_size) in [-1, 1]. No layer has a bias. The defaults are those of
    the PyTorch examples, half as wide as the paper; the authors' code has `width = 128`, `kernel = 5`,
    `start = "units"` and `epsilon = 1e-8`.
    """

    def __init__(
        self,
        latent: int,
        out_channels: int,
        image_size: int,
        *,
        width: Annotated[int, Field(ge=1, description="channels of the last hidden layer")] = 64,
        layers: Layers = "auto",
        kernel: Kernel = 4,
        start: Annotated[
            Literal["channels", "units"],
            Field(description="batch norm of the first map: over each channel, or over each single value"),
        ] = "channels",
        norm: Norm = "batch",
        epsilon: Epsilon = "auto",
        output: Output = "tanh",
    ) -> None:
        super().__init__()
        count, constant = layers_of(layers, image_size), epsilon_of(epsilon, EPSILON)
        side = image_size // 2**count
        sizes = [width * 2**n for n in reversed(range(count))]
        self.start: nn.Module
        if start == "channels":
            self.start = nn.Sequential(
                nn.Unflatten(1, (latent, 1, 1)),
                nn.ConvTranspose2d(latent, sizes[0], side, bias=False),
                scaled_norm(norm, sizes[0], constant),
                nn.ReLU(),
            )
        else:
            self.start = nn.Sequential(
                nn.Linear(latent, sizes[0] * side**2, bias=False),
                scaled_norm(norm, sizes[0] * side**2, constant),
                nn.ReLU(),
                nn.Unflatten(1, (sizes[0], side, side)),
            )
        self.body = nn.Sequential(
            *(
                nn.Sequential(doubling(one, other, kernel), scaled_norm(norm, other, constant), nn.ReLU())
                for one, other in pairwise(sizes)
            )
        )
        self.head = nn.Sequential(doubling(sizes[-1], out_channels, kernel), Squash(output))

    @staticmethod
    def settle(options: Mapping[str, Any], *, image_size: int) -> dict[str, Any]:
        """The options with "auto" as numbers.

        Raises:
            ValueError: the size cannot be halved so often, or an option would be ignored.
        """
        if options["start"] == "units" and options["norm"] not in ("batch", "none"):
            raise ValueError(
                f'start: "units" are normalised over the batch, not by norm = "{options["norm"]}"; use "channels"'
            )
        return settled_layers(settled_epsilon(options, EPSILON), image_size)

    def forward(self, z: Tensor) -> Tensor:
        return cast(Tensor, self.head(self.body(self.start(z))))


class StridedDiscriminator(nn.Module):
    """Strided convolutions from a picture to one score (Radford et al., DCGAN, 2016).

    (N, in_channels, image_size, image_size) to (N, 1) without sigmoid; a larger picture gets a map of scores. No layer
    has a bias, the first has no norm. The authors' code has `width = 128`, `kernel = 5` and `epsilon = 1e-8`.
    """

    def __init__(
        self,
        in_channels: int,
        image_size: int,
        *,
        width: Width = 64,
        layers: Layers = "auto",
        kernel: Kernel = 4,
        norm: Norm = "batch",
        epsilon: Epsilon = "auto",
    ) -> None:
        super().__init__()
        count, constant = layers_of(layers, image_size), epsilon_of(epsilon, EPSILON)
        sizes = [in_channels, *(width * 2**n for n in range(count))]
        self.body = nn.Sequential(
            *(
                nn.Sequential(
                    halving(one, other, kernel),
                    scaled_norm(norm if number else "none", other, constant),
                    nn.LeakyReLU(0.2),
                )
                for number, (one, other) in enumerate(pairwise(sizes))
            )
        )
        self.score = nn.Conv2d(sizes[-1], 1, image_size // 2**count, bias=False)

    @staticmethod
    def settle(options: Mapping[str, Any], *, image_size: int) -> dict[str, Any]:
        """The options with "auto" as numbers.

        Raises:
            ValueError: the size cannot be halved so often, or an option would be ignored.
        """
        return settled_layers(settled_epsilon(options, EPSILON), image_size)

    def forward(self, image: Tensor) -> Tensor:
        scores: Tensor = self.score(self.body(image))
        return scores.flatten(1) if scores.shape[2:] == (1, 1) else scores


def halving(in_channels: int, out_channels: int, kernel: KernelSize) -> nn.Conv2d:
    """Half the height and width of an even map."""
    return nn.Conv2d(in_channels, out_channels, kernel, stride=2, padding=(kernel - 1) // 2, bias=False)


def doubling(in_channels: int, out_channels: int, kernel: KernelSize) -> nn.ConvTranspose2d:
    """Twice the height and width."""
    padding, odd = (kernel - 1) // 2, kernel % 2
    return nn.ConvTranspose2d(
        in_channels, out_channels, kernel, stride=2, padding=padding, output_padding=odd, bias=False
    )
