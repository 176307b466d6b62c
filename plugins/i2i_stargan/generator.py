"""The generator of StarGAN."""

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from i2i.nets import Chain, InstanceNorm, Width, check_sides


class DomainResNet(nn.Module):
    """Residual blocks at a quarter of the size, told the wanted domains (Choi et al., 2018, appendix).

    (N, in_channels, H, W) and (N, domains) to (N, out_channels, H, W), pictures in [-1, 1]; H and W are multiples of 4,
    8 or more. No convolution has a bias; every instance norm has a weight, and uses each picture's own statistics.

    Attributes:
        multiple: height and width of the input must be multiples of this.
        by_sample: no sample of a batch looks at another, unless a layer does.
    """

    by_sample = True
    multiple = 4

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        domains: int,
        *,
        width: Width = 64,
        blocks: Annotated[int, Field(ge=0, le=1000, description="residual blocks")] = 6,
    ) -> None:
        super().__init__()
        # Borders are zeros: a label is a constant channel, which the norm takes out again but for what happens there.
        self.stem = _layer(nn.Conv2d(in_channels + domains, width, 7, padding=3, bias=False))
        self.down = Chain(
            _layer(nn.Conv2d(width, 2 * width, 4, stride=2, padding=1, bias=False)),
            _layer(nn.Conv2d(2 * width, 4 * width, 4, stride=2, padding=1, bias=False)),
        )
        self.body = Chain(*(_Block(4 * width) for _ in range(blocks)))
        self.up = Chain(
            _layer(nn.ConvTranspose2d(4 * width, 2 * width, 4, stride=2, padding=1, bias=False)),
            _layer(nn.ConvTranspose2d(2 * width, width, 4, stride=2, padding=1, bias=False)),
        )
        self.head = nn.Conv2d(width, out_channels, 7, padding=3, bias=False)

    def forward(self, image: Tensor, domain: Tensor) -> Tensor:
        check_sides(image, "generator", least=8, multiple=self.multiple)
        labels = domain[:, :, None, None].expand(-1, -1, *image.shape[2:])
        x = self.stem(torch.cat([image, labels], 1))
        return torch.tanh(self.head(self.up(self.body(self.down(x)))))


class _Block(nn.Module):
    """Two 3x3 convolutions with norm around an identity, nothing after the sum."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = _layer(nn.Conv2d(channels, channels, 3, padding=1, bias=False))
        self.second = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm = InstanceNorm(channels, affine=True)

    def forward(self, x: Tensor) -> Tensor:
        change: Tensor = self.norm(self.second(self.first(x)))
        return x + change


def _layer(conv: nn.Conv2d | nn.ConvTranspose2d) -> nn.Sequential:
    """A convolution, its norm and the activation."""
    return nn.Sequential(conv, InstanceNorm(conv.out_channels, affine=True), nn.ReLU())
