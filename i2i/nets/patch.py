"""Discriminators that judge every patch of a picture."""

from collections.abc import Mapping
from typing import Annotated, Any, cast

from pydantic import Field
from torch import Tensor, nn

from i2i.nets.blocks import ConvBlock
from i2i.nets.norms import hidden_bias
from i2i.nets.options import Norm, Width
from i2i.nets.recompute import Chain
from i2i.nets.sides import check_sides

WIDEST = 8


class PatchGAN(nn.Module):
    """Judges overlapping patches, 70x70 pixels with three layers (Isola et al., 2017, section 3.2.2).

    (N, in_channels, H, W) to a map of scores (N, 1, H', W') without sigmoid. With 1 to 6 layers a score sees
    16, 34, 70, 142, 286 or 574 pixels.

    Attributes:
        by_sample: no sample of a batch looks at another, unless a layer does.
    """

    by_sample = True

    def __init__(
        self,
        in_channels: int,
        *,
        width: Width = 64,
        layers: Annotated[int, Field(ge=1, le=32, description="layers of stride 2")] = 3,
        norm: Norm = "instance",
    ) -> None:
        super().__init__()
        self.smallest = _smallest(layers)
        sizes = [width * min(2**layer, WIDEST) for layer in range(layers + 1)]
        blocks = [ConvBlock(in_channels, width, 4, stride=2, norm="none", act="leaky-relu", bias=True)]
        for layer in range(1, layers + 1):
            stride = 1 if layer == layers else 2
            blocks.append(
                ConvBlock(sizes[layer - 1], sizes[layer], 4, stride=stride, norm=norm, act="leaky-relu")
            )
        self.body = Chain(*blocks)
        self.head = nn.Conv2d(sizes[-1], 1, 4, padding=1)

    @staticmethod
    def settle(options: Mapping[str, Any], *, image_size: int) -> dict[str, Any]:
        """The options, unchanged.

        Raises:
            ValueError: pictures of that many pixels are too small for so many layers.
        """
        layers = options.get("layers", 3)
        if image_size < _smallest(layers):
            fitting = max((n for n in range(1, layers) if _smallest(n) <= image_size), default=None)
            hint = f"; use {fitting} or less" if fitting else ""
            raise ValueError(
                f"layers: {layers} need at least {_smallest(layers)} pixels, got {image_size}{hint}"
            )
        return dict(options)

    def forward(self, image: Tensor) -> Tensor:
        check_sides(image, "PatchGAN", least=self.smallest)
        return cast(Tensor, self.head(self.body(image)))


def _smallest(layers: int) -> int:
    """The side that leaves one score: a layer halves it, each of the last two convolutions takes a pixel."""
    return int(3 * 2**layers)


class PixelDiscriminator(nn.Module):
    """Judges every pixel alone, by its colour (Isola et al., 2017, the 1x1 "PixelGAN" of section 4.4).

    (N, in_channels, H, W) to a map of scores (N, 1, H, W) without sigmoid.

    Attributes:
        by_sample: no sample of a batch looks at another, unless a layer does.
    """

    by_sample = True

    def __init__(self, in_channels: int, *, width: Width = 64, norm: Norm = "instance") -> None:
        super().__init__()
        self.body = Chain(
            ConvBlock(in_channels, width, 1, norm="none", act="leaky-relu", bias=True),
            ConvBlock(width, 2 * width, 1, norm=norm, act="leaky-relu"),
        )
        self.head = nn.Conv2d(2 * width, 1, 1, bias=hidden_bias(norm))

    def forward(self, image: Tensor) -> Tensor:
        return cast(Tensor, self.head(self.body(image)))
