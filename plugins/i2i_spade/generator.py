"""The generator of SPADE."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Any, Literal, cast

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from i2i.nets import BatchNorm, InstanceNorm, Width, check_sides, convolution

SHARES = (
    16,
    16,
    16,
    16,
    8,
    4,
    2,
    1,
)  # of the width: channels that enter the blocks, and those that leave the last
NORMAL, MOST = 5, 7  # doublings that are published as "normal" and "most"; "more" is between them

NormName = Literal["batch", "instance", "none"]
Depth = Annotated[
    int, Field(ge=NORMAL, le=MOST, description='doublings of the first map: 5 "normal", 6 "more", 7 "most"')
]
Hidden = Annotated[int, Field(ge=1, description="channels of the layer that reads the map for each norm")]
Norm = Annotated[NormName, Field(description="normalisation that the map then modulates")]
Spectral = Annotated[
    bool, Field(description="divide the weights of the blocks by their largest singular value")
]


class SPADEGenerator(nn.Module):
    """A map modulates every norm of a growing picture (Park et al., 2019, appendix A).

    (N, in_channels, H, W), and with a latent code (N, latent), to (N, out_channels, H, W) in [-1, 1]; H and W are
    multiples of 2^depth. The first map, 2^depth times smaller than the picture, is made from the shrunk input, or from
    the code; then it has the size that belongs to `image_size` and `aspect`, and is resized for other pictures.

    Args:
        in_channels: channels of the map, one per class as a rule.
        out_channels: channels of the picture.
        image_size: width of the pictures in training; a latent code needs it.
        latent: numbers in the latent code; 0 is none.
        aspect: width / height of the pictures in training.

    Attributes:
        multiple: height and width of the input must be multiples of this.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        image_size: int = 0,
        latent: int = 0,
        aspect: float = 1.0,
        *,
        width: Width = 64,
        depth: Depth = NORMAL,
        norm: Norm = "batch",
        hidden: Hidden = 128,
        spectral: Spectral = True,
    ) -> None:
        super().__init__()
        if depth == MOST and width % 2:
            raise ValueError(
                f"width: {width} cannot be halved, as depth = {depth} needs it; use an even number"
            )
        self.multiple = 2**depth
        self.start: nn.Module
        if latent:
            self.start = _CodeMap(latent, SHARES[0] * width, *_first_map(image_size, aspect, self.multiple))
        else:
            self.start = nn.Conv2d(in_channels, SHARES[0] * width, 3, padding=1)
        sizes = [share * width for share in SHARES] + [width // 2] * (depth == MOST)
        self.blocks = nn.ModuleList(
            SPADEBlock(read, made, in_channels, norm=norm, hidden=hidden, spectral=spectral)
            for read, made in pairwise(sizes)
        )
        # No doubling before the first block, nor between the two in the middle at depth 5.
        self.still = (0,) if depth > NORMAL else (0, 2)
        self.head = nn.Conv2d(sizes[-1], out_channels, 3, padding=1)

    @staticmethod
    def settle(options: Mapping[str, Any], *, image_size: int) -> dict[str, Any]:
        """The options, unchanged.

        Raises:
            ValueError: pictures of that width do not fit the depth.
        """
        _refuse(image_size, options["depth"])
        return dict(options)

    def forward(self, image: Tensor, z: Tensor | None = None) -> Tensor:
        check_sides(image, "generator", multiple=self.multiple)
        height, width = (side // self.multiple for side in image.shape[2:])
        if z is None:
            x = self.start(F.interpolate(image, size=(height, width), mode="nearest"))
        else:
            x = self.start(z, height, width)
        for number, block in enumerate(self.blocks):
            if number not in self.still:
                x = F.interpolate(x, scale_factor=2.0, mode="nearest")
            x = block(x, image)
        return torch.tanh(self.head(F.leaky_relu(x, 0.2)))


class SPADEBlock(nn.Module):
    """Two 3x3 convolutions, each behind a modulated norm and an activation, around an identity or a 1x1 one."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        map_channels: int,
        *,
        norm: NormName,
        hidden: int,
        spectral: bool,
    ) -> None:
        super().__init__()
        middle = min(in_channels, out_channels)
        self.first_norm = SPADENorm(in_channels, map_channels, norm=norm, hidden=hidden)
        self.first = convolution(in_channels, middle, 3, padding=1, spectral=spectral)
        self.second_norm = SPADENorm(middle, map_channels, norm=norm, hidden=hidden)
        self.second = convolution(middle, out_channels, 3, padding=1, spectral=spectral)
        self.shortcut_norm: SPADENorm | None = None
        if in_channels != out_channels:
            self.shortcut_norm = SPADENorm(in_channels, map_channels, norm=norm, hidden=hidden)
            self.shortcut = convolution(in_channels, out_channels, 1, bias=False, spectral=spectral)

    def forward(self, x: Tensor, image: Tensor) -> Tensor:
        told = F.interpolate(image, size=x.shape[2:], mode="nearest")
        short = x if self.shortcut_norm is None else self.shortcut(self.shortcut_norm(x, told))
        long = self.first(F.leaky_relu(self.first_norm(x, told), 0.2))
        long = self.second(F.leaky_relu(self.second_norm(long, told), 0.2))
        return cast(Tensor, short + long)


class SPADENorm(nn.Module):
    """Spatially-adaptive normalisation: a norm without weights, then scale and shift read from a map at each place.

    (N, channels, H, W) and (N, map_channels, H, W) to (N, channels, H, W); Park et al., 2019, section 3.
    """

    def __init__(self, channels: int, map_channels: int, *, norm: NormName, hidden: int) -> None:
        super().__init__()
        self.norm = _plain_norm(norm, channels)
        self.read = nn.Conv2d(map_channels, hidden, 3, padding=1)
        self.scale = nn.Conv2d(hidden, channels, 3, padding=1)
        self.shift = nn.Conv2d(hidden, channels, 3, padding=1)

    def forward(self, x: Tensor, told: Tensor) -> Tensor:
        seen = F.relu(self.read(told))
        return cast(Tensor, self.norm(x) * (1 + self.scale(seen)) + self.shift(seen))


class _CodeMap(nn.Module):
    """The first map, (N, channels, height, width), from a latent code."""

    def __init__(self, latent: int, channels: int, height: int, width: int) -> None:
        super().__init__()
        self.shape = (channels, height, width)
        self.linear = nn.Linear(latent, channels * height * width)

    def forward(self, z: Tensor, height: int, width: int) -> Tensor:
        x: Tensor = self.linear(z).unflatten(1, self.shape)
        if (height, width) == self.shape[1:]:
            return x
        return F.interpolate(x, size=(height, width), mode="bilinear")


def _plain_norm(name: NormName, channels: int) -> nn.Module:
    """The norm of that name, without weights."""
    if name == "batch":
        return BatchNorm(channels, affine=False, synchronised=True)
    return InstanceNorm(channels) if name == "instance" else nn.Identity()


def _first_map(image_size: int, aspect: float, multiple: int) -> tuple[int, int]:
    """Height and width of the first map."""
    width = image_size // multiple
    height = round(width / aspect)
    if height * multiple != round(image_size / aspect) or not height:
        raise ValueError(
            f"depth: pictures of {image_size}x{round(image_size / aspect)} pixels do not divide by {multiple}; choose "
            "another size or aspect"
        )
    return height, width


def _refuse(image_size: int, depth: int) -> None:
    """Refuse a width that does not divide."""
    if image_size % 2**depth:
        fitting = max((n for n in range(NORMAL, depth) if image_size % 2**n == 0), default=0)
        hint = f"use {fitting}" if fitting else f"choose a multiple of {2**NORMAL}, such as 256"
        raise ValueError(f"depth: {depth} needs a multiple of {2**depth} pixels, got {image_size}; {hint}")
