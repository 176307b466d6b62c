"""The discriminator of StyleGAN."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from i2i_stylegan.growth import SMALLEST
from i2i_stylegan.layers import EqualConv, EqualConvDown, EqualLinear, mixture, with_deviation
from i2i_stylegan.synthesis import BaseWidth, MaxWidth, channels_at, doublings


class ProgressiveDiscriminator(nn.Module):
    """Judges pictures of any resolution from 4 up to its own, and grows with them (Karras et al., 2018).

    Pictures (N, in_channels, S, S) to scores (N, 1) without sigmoid.
    """

    def __init__(
        self,
        in_channels: int,
        resolution: int,
        *,
        width: BaseWidth = 8192,
        max_width: MaxWidth = 512,
        group: Annotated[
            int, Field(ge=1, description="pictures whose variety it sees; 1 judges each alone")
        ] = 4,
    ) -> None:
        super().__init__()
        depth = doublings(resolution)
        sizes = [channels_at(SMALLEST * 2**n, width, max_width) for n in range(depth + 1)]
        last = channels_at(SMALLEST // 2, width, max_width)
        self.from_rgb = nn.ModuleList(EqualConv(in_channels, size, 1) for size in sizes)
        self.blocks = nn.ModuleList(_Block(sizes[n + 1], sizes[n]) for n in range(depth))
        self.head = _Head(sizes[0], last, group)

    def forward(self, image: Tensor, fade: Tensor | None = None) -> Tensor:
        """Scores.

        Args:
            image: the pictures.
            fade: a number, the share of what it sees at half the resolution while the first block is new.
        """
        depth = doublings(min(image.shape[2:]))
        x = F.leaky_relu(self.from_rgb[depth](image), 0.2)
        for n in reversed(range(depth)):
            x = self.blocks[n](x)
            if fade is not None and n == depth - 1:
                coarse = F.leaky_relu(self.from_rgb[n](F.avg_pool2d(image, 2)), 0.2)
                x = mixture(x, coarse, fade)
        scores: Tensor = self.head(x)
        return scores


class _Block(nn.Module):
    """Half the resolution, by two layers."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = EqualConv(inputs, inputs, 3)
        self.down = EqualConvDown(inputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = F.leaky_relu(self.conv(x), 0.2)
        return F.leaky_relu(self.down(x), 0.2)


class _Head(nn.Module):
    """The score, from maps of 4x4 and from how much the pictures of a group differ."""

    def __init__(self, inputs: int, width: int, group: int) -> None:
        super().__init__()
        self.group = group
        self.conv = EqualConv(inputs + (group > 1), inputs, 3)
        self.hidden = EqualLinear(inputs * SMALLEST**2, width)
        self.score = EqualLinear(width, 1, gain=1.0)

    def forward(self, x: Tensor) -> Tensor:
        if self.group > 1:
            x = with_deviation(x, self.group)
        x = F.leaky_relu(self.conv(x), 0.2)
        x = F.leaky_relu(self.hidden(x.flatten(1)), 0.2)
        scores: Tensor = self.score(x)
        return scores
