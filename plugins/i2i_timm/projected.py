"""The discriminator of Projected GAN, which judges frozen features."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

import i2i
from i2i.nets import Width, check_sides, convolution
from i2i_timm.backbone import FrozenBackbone, check_weights
from i2i_timm.options import Choice, FrozenWeights, Network, NetworkOptions, Stages

LEVELS = 4  # stages that are judged (Sauer et al., 2021, section 4)
WIDEST = 8
Spectral = Annotated[bool, Field(description="divide the weights by their largest singular value")]
# Channels of what is judged -> how many pictures that is, side by side.
PICTURES = {1: 1, 2: 2, 3: 1, 6: 2}


class ProjectedDiscriminator(nn.Module):
    """Judges frozen features of any network of timm, mixed at random (Sauer et al., 2021, Projected GAN).

    (N, in_channels, H, W) to a list of score maps (N, 1, H', W') without sigmoid, one for each stage (by default the
    last four), the largest features first. An input beside its result, 2 or 6 channels, goes through the network as
    two pictures, whose features are judged together.

    Features of all stages are mixed across channels and scales by convolutions with random weights, which never train;
    they are stored. What trains is a small head for each stage, with spectral normalisation, that ends at the
    resolution of the last one's half. There is no differentiable augmentation, which the paper adds.

    Args:
        in_channels: of what is judged.
        translating: nobody judges, and no file of weights is read.

    Attributes:
        smallest: height and width of the input must be this or more.

    Raises:
        I2IError: these channels are neither one picture nor two of a kind.
    """

    def __init__(
        self,
        in_channels: int,
        translating: bool = False,
        *,
        network: Network = "tf_efficientnet_lite1",
        stages: Stages = "auto",
        weights: FrozenWeights = None,
        width: Width = 64,
        spectral: Spectral = True,
        network_options: NetworkOptions = None,
    ) -> None:
        super().__init__()
        self.pictures = _pictures(in_channels)
        choice = Choice(network, stages, weights, network_options or {})
        self.features = FrozenBackbone(choice, LEVELS, reads=not translating)
        steps = [_halvings(each, self.features.reductions[-1]) for each in self.features.reductions]
        sizes = [width * min(2**level, WIDEST) for level in range(len(steps))]
        self.mixing = _Mixing([self.pictures * each for each in self.features.channels], sizes)
        self.heads = nn.ModuleList(
            _head(size, 1 + more, spectral) for size, more in zip(sizes, steps, strict=True)
        )
        self.smallest = self.features.smallest

    @staticmethod
    def settle(options: Mapping[str, Any]) -> dict[str, Any]:
        """The options, unchanged.

        Raises:
            ValueError: timm does not know the network, or nobody says which weights.
        """
        check_weights(options["network"], options["weights"])
        return dict(options)

    def forward(self, image: Tensor) -> list[Tensor]:
        check_sides(image, "discriminator", least=self.smallest)
        each = torch.cat(image.chunk(self.pictures, 1))
        maps = [torch.cat(seen.chunk(self.pictures), 1) for seen in self.features(each)]
        return [head(mixed) for head, mixed in zip(self.heads, self.mixing(maps), strict=True)]


class _Mixing(nn.Module):
    """Random projections across channels and, from coarse to fine, across scales (section 3.2); none is trained."""

    def __init__(self, inputs: Sequence[int], outputs: Sequence[int]) -> None:
        super().__init__()
        coarser = [*outputs[1:], outputs[-1]]
        for level, (read, made, below) in enumerate(zip(inputs, outputs, coarser, strict=True)):
            self.register_buffer(f"channels_{level}", _random(made, read, 1))
            if level + 1 < len(inputs):
                self.register_buffer(f"scales_{level}", _random(made, below, 3))

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        mixed: list[Tensor] = []
        for level in reversed(range(len(maps))):
            x = F.conv2d(maps[level], getattr(self, f"channels_{level}"))
            if mixed:
                coarse = F.interpolate(mixed[0], x.shape[2:], mode="bilinear")
                x = x + F.conv2d(coarse, getattr(self, f"scales_{level}"), padding=1)
            mixed = [x, *mixed]
        return mixed


def _random(made: int, read: int, side: int) -> Tensor:
    return nn.init.kaiming_normal_(torch.empty(made, read, side, side))


def _head(channels: int, halvings: int, spectral: bool) -> nn.Sequential:
    """Convolutions of stride 2, and one that scores."""
    layers: list[nn.Module] = []
    for _ in range(halvings):
        down = convolution(channels, channels, 3, stride=2, padding=1, spectral=spectral)
        layers += [down, nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, convolution(channels, 1, 3, padding=1, spectral=spectral))


def _halvings(reduction: int, coarsest: int) -> int:
    """How often a map is halved until it is as coarse as the coarsest."""
    return round(math.log2(coarsest / reduction))


def _pictures(channels: int) -> int:
    if channels not in PICTURES:
        raise i2i.I2IError(
            "discriminator 'projected' cannot be used here: its features take pictures of 1 or 3 channels, alone or "
            f"two of a kind side by side, and there are {channels} channels; set data.channels, or choose another "
            "discriminator"
        )
    return PICTURES[channels]
