"""The U-Net of BicycleGAN: a picture and a random code in, one of many possible pictures out."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from i2i.nets.blocks import ConvBlock, ReflectConv
from i2i.nets.options import Norm, Rate, Width
from i2i.nets.sides import check_sides
from i2i.nets.unet import DEEPEST, Depth, Up, level_widths, settle_depth, up_channels

Inject = Annotated[
    Literal["all", "input"],
    Field(description="where the code enters: every level on the way down, or once beside the picture"),
]
Enlarge = Annotated[
    Literal["transposed", "bilinear"],
    Field(description="transposed convolution, or bilinear and a convolution (no checkerboard)"),
]
UpActivation = Annotated[
    Literal["relu", "leaky-relu", "elu"], Field(description="activation on the way up; leaky-relu down")
]


class LatentUNet(nn.Module):
    """Encoder-decoder with skips that follows a code (Zhu et al., BicycleGAN, 2017, section 4 and figure 3).

    `forward(image, code)`: (N, in_channels, H, W) in [-1, 1] and (N, latent) to (N, out_channels, H, W) in [-1, 1];
    H and W are multiples of 2^depth. The code is repeated at every place of the map that it joins. Dropout sits on the
    way up at the widest levels, the innermost excepted; every convolution has a bias. As in the authors' code.

    Attributes:
        multiple: height and width of the input must be multiples of this.
        by_sample: no sample of a batch looks at another, unless a layer does.
    """

    by_sample = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        latent: int,
        *,
        width: Width = 64,
        depth: Depth = "auto",
        inject: Inject = "all",
        norm: Norm = "instance",
        dropout: Rate = 0.0,
        upsample: Enlarge = "transposed",
        activation: UpActivation = "relu",
    ) -> None:
        super().__init__()
        levels = DEEPEST if depth == "auto" else depth
        self.multiple = 2**levels
        self.latent = latent
        self.inject = inject
        sizes = level_widths(width, levels)
        deepest = levels - 1
        self.down = nn.ModuleList(
            ConvBlock(
                read + self._code_channels(level),
                made,
                4,
                stride=2,
                norm="none" if level in (0, deepest) else norm,
                act="none",
                bias=True,
            )
            for level, (read, made) in enumerate(pairwise([in_channels, *sizes]))
        )
        self.up = nn.ModuleList(
            Up(
                _doubling(read, made, upsample),
                norm=norm if level else "none",
                dropout=dropout if 3 < level < deepest else 0.0,
                act=activation,
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

    def forward(self, image: Tensor, code: Tensor) -> Tensor:
        check_sides(image, "U-Net", multiple=self.multiple)
        if code.shape != (image.shape[0], self.latent):
            raise ValueError(
                f"this U-Net needs a code of {self.latent} numbers for each of {len(image)} pictures, "
                f"got {tuple(code.shape)}"
            )
        x = self.down[0](_join(image, code))
        skips = []
        for down in self.down[1:]:
            skip, x = self._enter(x, code)
            skips.append(skip)
            x = down(x)
        x = self.up[-1](x)
        for up in reversed(self.up[:-1]):
            x = up(torch.cat([x, skips.pop()], 1))
        return torch.tanh(x)

    def _code_channels(self, level: int) -> int:
        return self.latent if level == 0 or self.inject == "all" else 0

    def _enter(self, x: Tensor, code: Tensor) -> tuple[Tensor, Tensor]:
        """What the skip carries, and what the next level reads."""
        if self.inject == "all":
            return x, F.leaky_relu(_join(x, code), 0.2)
        # The published activation works in place, so the skip carries its result; leaky-relu and elu feel that.
        x = F.leaky_relu(x, 0.2)
        return x, x


def _join(x: Tensor, code: Tensor) -> Tensor:
    """A map (N, C, H, W) with a code (N, L) at every place: (N, C + L, H, W)."""
    return torch.cat([x, code.to(x.dtype)[:, :, None, None].expand(-1, -1, *x.shape[2:])], 1)


def _doubling(in_channels: int, out_channels: int, upsample: str) -> nn.Conv2d | nn.ConvTranspose2d:
    """The convolution that doubles height and width; it has a bias."""
    if upsample == "transposed":
        return nn.ConvTranspose2d(in_channels, out_channels, 4, stride=2, padding=1)
    return _BilinearConv(in_channels, out_channels, 3)


class _BilinearConv(ReflectConv):
    """Bilinear enlargement by two, then a convolution with reflected borders."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False))
