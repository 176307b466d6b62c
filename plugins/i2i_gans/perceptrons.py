"""Perceptrons: generators and discriminators of linear layers, told a label or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Annotated, Any, Literal, cast

import torch
from pydantic import Field
from torch import Tensor, nn

from i2i.nets import ActivationName, Dropout, Rate, activation
from i2i_gans.layers import (
    Epsilon,
    InitialRange,
    Output,
    OutputName,
    Squash,
    draw_between,
    epsilon_of,
    flat,
    one_hot,
    scaled_norm,
    settled_epsilon,
)

EPSILON = (
    0.8  # BatchNorm1d(n, 0.8) of the code that most of this field starts from means epsilon, not momentum
)
NormOfUnits = Literal["batch", "none"]

Widths = Annotated[
    tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1, description="units of the hidden layers")
]
Norm = Annotated[NormOfUnits, Field(description="normalisation of the hidden layers but the first")]
Activation = Annotated[ActivationName, Field(description="after every hidden layer")]


class MLPGenerator(nn.Module):
    """Linear layers from random numbers to a picture (Goodfellow et al., 2014).

    (N, latent) to (N, out_channels, image_size, image_size) in [-1, 1]. The defaults are those of PyTorch-GAN, whose
    batch norm has an epsilon of 0.8; the published recipe has widths of 1200 and 1200, ReLU, no norm, a sigmoid, and
    weights that start within 0.05.
    """

    def __init__(
        self,
        latent: int,
        out_channels: int,
        image_size: int,
        *,
        widths: Widths = (128, 256, 512, 1024),
        activation: Activation = "leaky-relu",
        norm: Norm = "batch",
        epsilon: Epsilon = "auto",
        output: Output = "tanh",
        initial_range: InitialRange = None,
    ) -> None:
        super().__init__()
        sizes = (latent, *widths)
        self.body = _generator_body(sizes, activation, norm, epsilon_of(epsilon, EPSILON))
        self.head = _Head(sizes[-1], out_channels, image_size, output)
        draw_between(self, initial_range)

    @staticmethod
    def settle(options: Mapping[str, Any]) -> dict[str, Any]:
        """The options with `epsilon = "auto"` as a number.

        Raises:
            ValueError: an epsilon without batch norm.
        """
        return settled_epsilon(options, EPSILON)

    def forward(self, z: Tensor) -> Tensor:
        return cast(Tensor, self.head(self.body(z)))


class LabelMLPGenerator(nn.Module):
    """Linear layers from random numbers and the embedding of a label to a picture (Mirza and Osindero, 2014).

    (N, latent) and labels (N,) to (N, out_channels, image_size, image_size) in [-1, 1]; the form of PyTorch-GAN, with
    an embedding as long as there are labels, and an epsilon of 0.8.
    """

    def __init__(
        self,
        latent: int,
        out_channels: int,
        labels: int,
        image_size: int,
        *,
        widths: Widths = (128, 256, 512, 1024),
        activation: Activation = "leaky-relu",
        norm: Norm = "batch",
        epsilon: Epsilon = "auto",
        output: Output = "tanh",
    ) -> None:
        super().__init__()
        sizes = (labels + latent, *widths)
        self.embedding = nn.Embedding(labels, labels)
        self.body = _generator_body(sizes, activation, norm, epsilon_of(epsilon, EPSILON))
        self.head = _Head(sizes[-1], out_channels, image_size, output)

    @staticmethod
    def settle(options: Mapping[str, Any]) -> dict[str, Any]:
        """The options with `epsilon = "auto"` as a number.

        Raises:
            ValueError: an epsilon without batch norm.
        """
        return settled_epsilon(options, EPSILON)

    def forward(self, z: Tensor, label: Tensor) -> Tensor:
        told = self.embedding(label).to(z.dtype)
        return cast(Tensor, self.head(self.body(torch.cat([told, z], 1))))


class JointMLPGenerator(nn.Module):
    """Random numbers and a label, each through a layer of its own and then one together (Mirza and Osindero, 2014).

    (N, latent) and labels (N,) to (N, out_channels, image_size, image_size) in [-1, 1]; ReLU, and dropout after every
    hidden layer (section 4.1).
    """

    def __init__(
        self,
        latent: int,
        out_channels: int,
        labels: int,
        image_size: int,
        *,
        width: Annotated[int, Field(ge=1, description="units that see the random numbers")] = 200,
        label_width: Annotated[int, Field(ge=1, description="units that see the label")] = 1000,
        joint_width: Annotated[int, Field(ge=1, description="units that see both")] = 1200,
        dropout: Rate = 0.5,
        output: Output = "sigmoid",
    ) -> None:
        super().__init__()
        self.labels = labels
        self.noise = nn.Sequential(nn.Linear(latent, width), nn.ReLU(), Dropout(dropout))
        self.label = nn.Sequential(nn.Linear(labels, label_width), nn.ReLU(), Dropout(dropout))
        self.joint = nn.Sequential(nn.Linear(width + label_width, joint_width), nn.ReLU(), Dropout(dropout))
        self.head = _Head(joint_width, out_channels, image_size, output)

    def forward(self, z: Tensor, label: Tensor) -> Tensor:
        seen = self.noise(z), self.label(one_hot(label, self.labels, z))
        return cast(Tensor, self.head(self.joint(torch.cat(seen, 1))))


class MLPDiscriminator(nn.Module):
    """Linear layers from a picture to one score.

    (N, in_channels, image_size, image_size) to (N, 1) without sigmoid; the form of PyTorch-GAN.
    """

    def __init__(
        self,
        in_channels: int,
        image_size: int,
        *,
        widths: Widths = (512, 256),
        activation: Activation = "leaky-relu",
        dropout: Rate = 0.0,
    ) -> None:
        super().__init__()
        self.image_size = image_size
        self.body = _discriminator_body((in_channels * image_size**2, *widths), activation, dropout)

    def forward(self, image: Tensor) -> Tensor:
        return cast(Tensor, self.body(flat(image, self.image_size)))


class LabelMLPDiscriminator(nn.Module):
    """Linear layers from a picture and the embedding of a label to one score (Mirza and Osindero, 2014).

    (N, in_channels, image_size, image_size) and labels (N,) to (N, 1) without sigmoid; the form of PyTorch-GAN, with
    dropout from the second hidden layer on.
    """

    def __init__(
        self,
        in_channels: int,
        labels: int,
        image_size: int,
        *,
        widths: Widths = (512, 512, 512),
        activation: Activation = "leaky-relu",
        dropout: Rate = 0.4,
    ) -> None:
        super().__init__()
        self.image_size = image_size
        self.embedding = nn.Embedding(labels, labels)
        self.body = _discriminator_body((in_channels * image_size**2 + labels, *widths), activation, dropout)

    def forward(self, image: Tensor, label: Tensor) -> Tensor:
        pixels = flat(image, self.image_size)
        return cast(Tensor, self.body(torch.cat([pixels, self.embedding(label).to(pixels.dtype)], 1)))


class _Head(nn.Module):
    """The last layer of a generator: one unit for every value of the picture."""

    def __init__(self, units: int, channels: int, image_size: int, output: OutputName) -> None:
        super().__init__()
        self.shape = (channels, image_size, image_size)
        self.linear = nn.Linear(units, channels * image_size**2)
        self.squash = Squash(output)

    def forward(self, x: Tensor) -> Tensor:
        return cast(Tensor, self.squash(self.linear(x)).unflatten(1, self.shape))


def _generator_body(
    sizes: Sequence[int], act: ActivationName, norm: NormOfUnits, epsilon: float
) -> nn.Sequential:
    """Hidden layers; the first has no norm."""
    layers = [
        nn.Sequential(
            nn.Linear(one, other),
            scaled_norm(norm if number else "none", other, epsilon),
            activation(act),
        )
        for number, (one, other) in enumerate(pairwise(sizes))
    ]
    return nn.Sequential(*layers)


def _discriminator_body(sizes: Sequence[int], act: ActivationName, dropout: float) -> nn.Sequential:
    """Hidden layers with dropout, which the first does not have, and a score."""
    layers = [
        nn.Sequential(nn.Linear(one, other), Dropout(dropout if number else 0.0), activation(act))
        for number, (one, other) in enumerate(pairwise(sizes))
    ]
    return nn.Sequential(*layers, nn.Linear(sizes[-1], 1))
