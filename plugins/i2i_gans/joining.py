"""The label joined at every layer of DCGAN's networks, as the authors of DCGAN do on MNIST."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import Field
from torch import Tensor, nn

from i2i.nets import BatchNorm, Width
from i2i_gans.convolutional import KernelSize, doubling, halving
from i2i_gans.layers import Layers, Output, Squash, joined, layers_of, one_hot, settled_layers

EPSILON = 1e-8
KERNEL: KernelSize = 5
NormName = Literal["batch", "none"]

Units = Annotated[int, Field(ge=1, description="units of the linear hidden layer")]
Norm = Annotated[NormName, Field(description="normalisation of the hidden layers, without weight and bias")]


class LabelStridedGenerator(nn.Module):
    """Transposed convolutions, told a label at every layer (the authors of DCGAN, 2016, on MNIST).

    (N, latent) and labels (N,) to (N, out_channels, image_size, image_size) in [-1, 1]. Two linear layers, then 5x5
    kernels; no layer has a bias, batch norm has neither weight nor bias.
    """

    def __init__(
        self,
        latent: int,
        out_channels: int,
        labels: int,
        image_size: int,
        *,
        units: Units = 1024,
        width: Annotated[int, Field(ge=1, description="channels of the last hidden layer")] = 64,
        layers: Layers = "auto",
        norm: Norm = "batch",
        output: Output = "sigmoid",
    ) -> None:
        super().__init__()
        self.labels = labels
        count = layers_of(layers, image_size)
        side = image_size // 2**count
        sizes = [width * 2**n for n in reversed(range(count))]
        self.units = _linear(latent + labels, units, norm, nn.ReLU())
        self.start = nn.Sequential(
            _linear(units + labels, sizes[0] * side**2, norm, nn.ReLU()),
            nn.Unflatten(1, (sizes[0], side, side)),
        )
        self.body = nn.ModuleList(
            nn.Sequential(doubling(one + labels, other, KERNEL), _norm(norm, other), nn.ReLU())
            for one, other in pairwise(sizes)
        )
        self.head = nn.Sequential(doubling(sizes[-1] + labels, out_channels, KERNEL), Squash(output))

    @staticmethod
    def settle(options: Mapping[str, Any], *, image_size: int) -> dict[str, Any]:
        """The options with `layers = "auto"` as a number.

        Raises:
            ValueError: the size cannot be halved so often.
        """
        return settled_layers(options, image_size)

    def forward(self, z: Tensor, label: Tensor) -> Tensor:
        told = one_hot(label, self.labels, z)
        x = z
        for layer in (self.units, self.start, *self.body, self.head):
            x = layer(joined(x, told))
        return x


class LabelStridedDiscriminator(nn.Module):
    """Strided convolutions, told a label at every layer (the authors of DCGAN, 2016, on MNIST).

    (N, in_channels, image_size, image_size) and labels (N,) to (N, 1) without sigmoid. 5x5 kernels, then a linear
    hidden layer; no layer has a bias, the first has no norm.
    """

    def __init__(
        self,
        in_channels: int,
        labels: int,
        image_size: int,
        *,
        width: Width = 64,
        layers: Layers = "auto",
        units: Units = 1024,
        norm: Norm = "batch",
    ) -> None:
        super().__init__()
        self.labels = labels
        count = layers_of(layers, image_size)
        side = image_size // 2**count
        sizes = [in_channels, *(width * 2**n for n in range(count))]
        self.body = nn.ModuleList(
            nn.Sequential(
                halving(sizes[n] + labels, sizes[n + 1], KERNEL),
                _norm(norm if n else "none", sizes[n + 1]),
                nn.LeakyReLU(0.2),
            )
            for n in range(count)
        )
        self.units = _linear(sizes[-1] * side**2 + labels, units, norm, nn.LeakyReLU(0.2))
        self.score = nn.Linear(units + labels, 1, bias=False)

    @staticmethod
    def settle(options: Mapping[str, Any], *, image_size: int) -> dict[str, Any]:
        """The options with `layers = "auto"` as a number.

        Raises:
            ValueError: the size cannot be halved so often.
        """
        return settled_layers(options, image_size)

    def forward(self, image: Tensor, label: Tensor) -> Tensor:
        told = one_hot(label, self.labels, image)
        x = image
        for layer in self.body:
            x = layer(joined(x, told))
        x = self.units(joined(x.flatten(1), told))
        score: Tensor = self.score(joined(x, told))
        return score


def _norm(norm: NormName, channels: int) -> nn.Module:
    return BatchNorm(channels, affine=False, epsilon=EPSILON) if norm == "batch" else nn.Identity()


def _linear(inputs: int, units: int, norm: NormName, act: nn.Module) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, units, bias=False), _norm(norm, units), act)
