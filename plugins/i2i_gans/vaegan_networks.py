"""The networks of VAE-GAN, and how their first weights are drawn."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor, nn

from i2i.nets import BatchNorm, Norm, NormName, Width, norm_layer

HALVINGS = 3
SMALLEST = 16

Hidden = Annotated[int, Field(ge=1, description="units of the linear layer behind the convolutions")]


class VAEGANEncoder(nn.Module):
    """Three convolutions of stride 2 and a linear layer (Larsen et al., 2016, table 1).

    (N, in_channels, image_size, image_size) in [-1, 1] to the mean and the log-variance of the code, both (N, latent).
    With another norm than "batch" the linear layer has none.

    Attributes:
        image_size: the linear layer sees a whole picture, and so there is one size.
    """

    def __init__(
        self,
        in_channels: int,
        latent: int,
        image_size: int,
        *,
        width: Width = 64,
        hidden: Hidden = 1024,
        norm: Norm = "batch",
    ) -> None:
        super().__init__()
        self.image_size = image_size
        sizes = [in_channels, width, 2 * width, 4 * width]
        self.body = nn.Sequential(*(layer for i, o in pairwise(sizes) for layer in _down(i, o, norm)))
        self.linear = _linear(sizes[-1] * _last_side(image_size) ** 2, hidden, norm)
        self.mean = nn.Linear(hidden, latent)
        self.log_variance = nn.Linear(hidden, latent)
        draw_uniform(self)

    @staticmethod
    def settle(options: Mapping[str, Any], *, image_size: int) -> dict[str, Any]:
        """The options, unchanged.

        Raises:
            ValueError: pictures of that many pixels cannot be halved three times.
        """
        _last_side(image_size)
        return dict(options)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        _check_size(image, self.image_size, "encoder reads")
        x = self.linear(self.body(image).flatten(1))
        return self.mean(x), self.log_variance(x)


class VAEGANDecoder(nn.Module):
    """A linear layer and three transposed convolutions of stride 2 (Larsen et al., 2016, table 1).

    Codes (N, latent) to pictures (N, out_channels, image_size, image_size) in [-1, 1]. With another norm than "batch"
    the linear layer has none.

    Attributes:
        image_size: height and width of what it makes.
    """

    def __init__(
        self,
        latent: int,
        out_channels: int,
        image_size: int,
        *,
        width: Annotated[int, Field(ge=1, description="channels of the smallest map")] = 256,
        norm: Norm = "batch",
    ) -> None:
        super().__init__()
        self.image_size = image_size
        self.side = _last_side(image_size)
        sizes = [width, width, max(1, width // 2), max(1, width // 8)]
        self.linear = _linear(latent, width * self.side**2, norm)
        self.body = nn.Sequential(*(layer for i, o in pairwise(sizes) for layer in _up(i, o, norm)))
        self.head = nn.Conv2d(sizes[-1], out_channels, 5, padding=2)
        draw_uniform(self)

    @staticmethod
    def settle(options: Mapping[str, Any], *, image_size: int) -> dict[str, Any]:
        """The options, unchanged.

        Raises:
            ValueError: pictures of that many pixels cannot be halved three times.
        """
        _last_side(image_size)
        return dict(options)

    def forward(self, z: Tensor) -> Tensor:
        x = self.linear(z).unflatten(1, (-1, self.side, self.side))
        return torch.tanh(self.head(self.body(x)))


class VAEGANDiscriminator(nn.Module):
    """Judges whole pictures, and shows what it sees in one of its layers (Larsen et al., 2016, table 1).

    (N, in_channels, image_size, image_size) to scores (N, 1) without sigmoid, and to the features (N, C, H, W) that a
    convolution of stride 2 gives, before norm and activation. Reconstructions are compared in them.

    Attributes:
        image_size: the linear layer sees a whole picture, and so there is one size.
    """

    def __init__(
        self,
        in_channels: int,
        feature_layer: int,
        image_size: int,
        *,
        width: Width = 32,
        hidden: Hidden = 512,
        norm: Norm = "batch",
    ) -> None:
        super().__init__()
        if feature_layer > HALVINGS:
            raise ValueError(f"feature_layer {feature_layer} does not exist; use 1 to {HALVINGS}")
        self.image_size = image_size
        sizes = [width, 4 * width, 8 * width, 8 * width]
        blocks: list[nn.Module] = [nn.Conv2d(in_channels, width, 5, padding=2), nn.ReLU()]
        for i, o in pairwise(sizes):
            blocks += _down(i, o, norm)
        cut = 3 * feature_layer  # behind the convolution, before its norm
        self.seen, self.rest = nn.Sequential(*blocks[:cut]), nn.Sequential(*blocks[cut:])
        self.linear = _linear(sizes[-1] * _last_side(image_size) ** 2, hidden, norm)
        self.score = nn.Linear(hidden, 1)
        draw_uniform(self)

    @staticmethod
    def settle(options: Mapping[str, Any], *, image_size: int) -> dict[str, Any]:
        """The options, unchanged.

        Raises:
            ValueError: pictures of that many pixels cannot be halved three times.
        """
        _last_side(image_size)
        return dict(options)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        _check_size(image, self.image_size, "discriminator judges")
        features = self.seen(image)
        return self.score(self.linear(self.rest(features).flatten(1))), features


def draw_uniform(network: nn.Module) -> None:
    """Draw weights from ±1/√(3·n), n the values of one slice of the weight, and set biases to 0, as the authors do."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            bound = 1 / math.sqrt(3 * layer.weight[0].numel())
            nn.init.uniform_(layer.weight, -bound, bound)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def _down(in_channels: int, out_channels: int, norm: NormName) -> list[nn.Module]:
    conv = nn.Conv2d(in_channels, out_channels, 5, 2, 2, bias=norm == "none")
    return [conv, norm_layer(norm, out_channels), nn.ReLU()]


def _up(in_channels: int, out_channels: int, norm: NormName) -> list[nn.Module]:
    conv = nn.ConvTranspose2d(in_channels, out_channels, 5, 2, 2, output_padding=1, bias=norm == "none")
    return [conv, norm_layer(norm, out_channels), nn.ReLU()]


def _linear(in_features: int, out_features: int, norm: NormName) -> nn.Module:
    """A vector has one value to a channel, which only statistics over a batch can norm."""
    if norm not in ("batch", "sync-batch"):
        return nn.Sequential(nn.Linear(in_features, out_features), nn.ReLU())
    linear = nn.Linear(in_features, out_features, bias=False)
    return nn.Sequential(linear, BatchNorm(out_features, synchronised=norm == "sync-batch"), nn.ReLU())


def _last_side(image_size: int) -> int:
    """The side of the smallest map."""
    if image_size % 2**HALVINGS or image_size < SMALLEST:
        raise ValueError(
            f"pictures are halved {HALVINGS} times here; choose a size that is a multiple of {2**HALVINGS}, at least "
            f"{SMALLEST}, got {image_size}"
        )
    return int(image_size // 2**HALVINGS)


def _check_size(image: Tensor, image_size: int, does: str) -> None:
    height, width = image.shape[2:]
    if (height, width) != (image_size, image_size):
        raise ValueError(f"this {does} pictures of {image_size}x{image_size} only, got {height}x{width}")
