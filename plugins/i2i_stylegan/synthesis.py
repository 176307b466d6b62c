"""The generator of StyleGAN: styles and noise to pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from i2i_stylegan.growth import SMALLEST
from i2i_stylegan.layers import Epilogue, EqualConv, EqualConvUp, enlarged, mixture
from i2i_stylegan.mapping import Mapping, MeanStyle

BaseWidth = Annotated[
    int, Field(ge=1, description="channels of a layer times half its resolution, where max_width allows it")
]
MaxWidth = Annotated[int, Field(ge=1, description="most channels of a layer")]


def channels_at(resolution: int, width: int, max_width: int) -> int:
    """The channels of the layers at a resolution: 512 up to 32x32, then half as many at each doubling."""
    return max(1, min(max_width, 2 * width // resolution))


def doublings(resolution: int) -> int:
    """How often 4 is doubled."""
    return int(math.log2(resolution // SMALLEST))


class StyleGenerator(nn.Module):
    """Styles control every layer of a learned constant's way to a picture (Karras et al., 2019).

    `mapping` turns random numbers z (N, latent) into styles; the generator itself turns styles (N, layers, latent), one
    for each layer, and noise into pictures (N, out_channels, S, S), mostly in [-1, 1]. It grows: it is as deep as it is
    given noise.

    Attributes:
        layers: of the full depth, two for each resolution.
        mean_style: the running mean of the styles.
        lod: level of detail: how many doublings the pictures lack yet, with fractions while a new layer fades in.
    """

    lod: Tensor

    def __init__(
        self,
        out_channels: int,
        latent: int,
        resolution: int,
        *,
        width: BaseWidth = 8192,
        max_width: MaxWidth = 512,
        layers: Annotated[int, Field(ge=1, le=1000, description="layers of the mapping network")] = 8,
    ) -> None:
        super().__init__()
        depth = doublings(resolution)
        sizes = [channels_at(SMALLEST * 2**n, width, max_width) for n in range(depth + 1)]
        self.layers = 2 * len(sizes)
        self.mapping = Mapping(latent, layers)
        self.mean_style = MeanStyle(latent)
        self.start = _Start(sizes[0], latent)
        self.blocks = nn.ModuleList(_Block(sizes[n], sizes[n + 1], latent) for n in range(depth))
        self.to_rgb = nn.ModuleList(EqualConv(size, out_channels, 1, gain=1.0) for size in sizes)
        self.register_buffer("lod", torch.zeros(()))

    def forward(self, styles: Tensor, noise: Sequence[Tensor], fade: Tensor | None = None) -> Tensor:
        """Pictures of the resolution of the last noise.

        Args:
            styles: (N, layers, latent); those beyond the present depth are not used.
            noise: (N, 1, S, S) for each layer, S = 4, 4, 8, 8, …
            fade: a number, the share of the picture of half the resolution while the last block is new.
        """
        x = self.start(noise[:2], styles[:, :2])
        earlier = x
        blocks = list(self.blocks)[: len(noise) // 2 - 1]
        for n, block in enumerate(blocks, start=1):
            here = slice(2 * n, 2 * n + 2)
            x, earlier = block(x, noise[here], styles[:, here]), x
        picture: Tensor = self.to_rgb[len(blocks)](x)
        if fade is None:
            return picture
        return mixture(picture, enlarged(self.to_rgb[len(blocks) - 1](earlier), 2), fade)


class _Start(nn.Module):
    """The constant, and the first two layers."""

    def __init__(self, channels: int, latent: int) -> None:
        super().__init__()
        self.constant = nn.Parameter(torch.ones(channels, SMALLEST, SMALLEST))
        self.first = Epilogue(channels, latent)
        self.conv = EqualConv(channels, channels, 3, bias=False)
        self.second = Epilogue(channels, latent)

    def forward(self, noise: Sequence[Tensor], styles: Tensor) -> Tensor:
        x = self.constant.expand(styles.shape[0], -1, -1, -1)
        x = self.first(x, noise[0], styles[:, 0])
        made: Tensor = self.second(self.conv(x), noise[1], styles[:, 1])
        return made


class _Block(nn.Module):
    """Twice the resolution, by two layers."""

    def __init__(self, inputs: int, outputs: int, latent: int) -> None:
        super().__init__()
        self.up = EqualConvUp(inputs, outputs)
        self.first = Epilogue(outputs, latent)
        self.conv = EqualConv(outputs, outputs, 3, bias=False)
        self.second = Epilogue(outputs, latent)

    def forward(self, x: Tensor, noise: Sequence[Tensor], styles: Tensor) -> Tensor:
        x = self.first(self.up(x), noise[0], styles[:, 0])
        made: Tensor = self.second(self.conv(x), noise[1], styles[:, 1])
        return made
