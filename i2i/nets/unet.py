"""The U-Net of pix2pix."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Annotated, Any, Literal, cast

import torch
from pydantic import Field
from torch import Tensor, nn

from i2i.nets.blocks import Dropout, activation
from i2i.nets.norms import hidden_bias, norm_layer
from i2i.nets.options import ActivationName, Norm, NormName, Rate, Width
from i2i.nets.sides import check_sides

DEEPEST = 8
WIDEST = 8

Depth = Annotated[
    Annotated[int, Field(ge=1, le=32)] | Literal["auto"],
    Field(description='halvings of the picture; "auto" goes down to one pixel, 8 times at most'),
]


class UNet(nn.Module):
    """Encoder-decoder with skips (Ronneberger et al., 2015), as in pix2pix (Isola et al., 2017, appendix).

    (N, in_channels, H, W) to (N, out_channels, H, W), both in [-1, 1]; H and W are multiples of 2^depth.
    Dropout sits on the way up at the widest levels, the innermost excepted, as in the authors' PyTorch code.

    Attributes:
        multiple: height and width of the input must be multiples of this.
        by_sample: no sample of a batch looks at another, unless a layer does.
    """

    by_sample = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        width: Width = 64,
        depth: Depth = "auto",
        norm: Norm = "instance",
        dropout: Rate = 0.0,
    ) -> None:
        super().__init__()
        levels = DEEPEST if depth == "auto" else depth
        self.multiple = 2**levels
        sizes = level_widths(width, levels)
        deepest = levels - 1
        self.down = nn.ModuleList(
            _Down(
                read,
                made,
                norm="none" if level in (0, deepest) else norm,
                first=level == 0,
                bias=hidden_bias(norm),
            )
            for level, (read, made) in enumerate(pairwise([in_channels, *sizes]))
        )
        self.up = nn.ModuleList(
            Up(
                nn.ConvTranspose2d(read, made, 4, stride=2, padding=1, bias=hidden_bias(norm) or level == 0),
                norm=norm if level else "none",
                dropout=dropout if 3 < level < deepest else 0.0,
            )
            for level, (read, made) in enumerate(up_channels(sizes, out_channels))
        )

    @staticmethod
    def settle(options: Mapping[str, Any], *, image_size: int) -> dict[str, Any]:
        """The options with "auto" replaced by the depth for square pictures of that many pixels.

        Raises:
            ValueError: the depth does not fit the size; the message names the one that does.
        """
        return settle_depth(options, image_size)

    def forward(self, image: Tensor) -> Tensor:
        check_sides(image, "U-Net", multiple=self.multiple)
        skips = []
        x = image
        for down in self.down:
            x = down(x)
            skips.append(x)
        x = self.up[-1](skips.pop())
        for up in reversed(self.up[:-1]):
            x = up(torch.cat([skips.pop(), x], 1))
        return torch.tanh(x)


def level_widths(width: int, depth: int) -> list[int]:
    """The channels that leave each level on the way down, the outermost first."""
    return [width * min(2**level, WIDEST) for level in range(depth)]


def up_channels(sizes: Sequence[int], out_channels: int) -> list[tuple[int, int]]:
    """The channels that enter and leave each level on the way up, the outermost first.

    `sizes` leave the levels on the way down; a skip joins the map at every level but the innermost.
    """
    *skipped, innermost = sizes
    return list(zip([*(2 * size for size in skipped), innermost], [out_channels, *skipped], strict=True))


def settle_depth(options: Mapping[str, Any], image_size: int) -> dict[str, Any]:
    """The options of a U-Net with "auto" replaced by the depth for square pictures of that many pixels.

    Raises:
        ValueError: the depth does not fit the size; the message names the one that does.
    """
    fitting = max(d for d in range(DEEPEST + 1) if image_size % 2**d == 0)
    depth = options.get("depth", "auto")
    if depth == "auto" and fitting < 2:
        raise ValueError(
            f"depth: none fits pictures of {image_size} pixels; choose a power of two, such as 256"
        )
    if depth != "auto" and image_size % 2**depth:
        known = f"; use {fitting} or less" if fitting else ""
        raise ValueError(f"depth: {depth} needs a multiple of {2**depth} pixels, got {image_size}{known}")
    return {**options, "depth": fitting if depth == "auto" else depth}


class _Down(nn.Module):
    """Half the height and width: activation (not on the picture), 4x4 convolution, norm."""

    def __init__(
        self, in_channels: int, out_channels: int, *, norm: NormName, first: bool, bias: bool
    ) -> None:
        super().__init__()
        self.act = activation("none" if first else "leaky-relu")
        self.conv = nn.Conv2d(in_channels, out_channels, 4, stride=2, padding=1, bias=bias)
        self.norm = norm_layer(norm, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        return cast(Tensor, self.norm(self.conv(self.act(x))))


class Up(nn.Module):
    """Activation, a convolution that doubles height and width, norm, dropout."""

    def __init__(
        self,
        conv: nn.Conv2d | nn.ConvTranspose2d,
        *,
        norm: NormName,
        dropout: float,
        act: ActivationName = "relu",
    ) -> None:
        super().__init__()
        self.act = activation(act)
        self.conv = conv
        self.norm = norm_layer(norm, conv.out_channels)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        return cast(Tensor, self.dropout(self.norm(self.conv(self.act(x)))))
