"""The residual generator of CycleGAN."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from i2i.nets.blocks import ConvBlock, ReflectConv, ResidualBlock, UpBlock
from i2i.nets.options import Norm, Rate, Upsample, Width
from i2i.nets.recompute import Chain
from i2i.nets.sides import check_sides

Blocks = Annotated[
    Annotated[int, Field(ge=0, le=1000)] | Literal["auto"],
    Field(description='residual blocks; "auto" is 6 up to 128 pixels, else 9'),
]


class ResNet(nn.Module):
    """Residual blocks at a quarter of the size (Johnson et al., 2016), as in CycleGAN (Zhu et al., 2017).

    (N, in_channels, H, W) to (N, out_channels, H, W), both in [-1, 1]; H and W are multiples of 4, 8 or more.

    Attributes:
        multiple: height and width of the input must be multiples of this.
        by_sample: no sample of a batch looks at another, unless a layer does.
    """

    multiple = 4
    by_sample = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        width: Width = 64,
        blocks: Blocks = "auto",
        norm: Norm = "instance",
        dropout: Rate = 0.0,
        upsample: Upsample = "transposed",
    ) -> None:
        super().__init__()
        count = 9 if blocks == "auto" else blocks
        self.stem = ConvBlock(in_channels, width, 7, reflect=True, norm=norm)
        self.down = Chain(
            ConvBlock(width, 2 * width, 3, stride=2, norm=norm),
            ConvBlock(2 * width, 4 * width, 3, stride=2, norm=norm),
        )
        self.body = Chain(*(ResidualBlock(4 * width, norm=norm, dropout=dropout) for _ in range(count)))
        self.up = Chain(
            UpBlock(4 * width, 2 * width, norm=norm, upsample=upsample),
            UpBlock(2 * width, width, norm=norm, upsample=upsample),
        )
        self.head = ReflectConv(width, out_channels, 7)

    @staticmethod
    def settle(options: Mapping[str, Any], *, image_size: int) -> dict[str, Any]:
        """The options with "auto" replaced by the published number of blocks: 6 up to 128 pixels, else 9."""
        blocks = options.get("blocks", "auto")
        return {**options, "blocks": (6 if image_size <= 128 else 9) if blocks == "auto" else blocks}

    def forward(self, image: Tensor) -> Tensor:
        check_sides(image, "ResNet", least=8, multiple=self.multiple)
        return torch.tanh(self.head(self.up(self.body(self.down(self.stem(image))))))
