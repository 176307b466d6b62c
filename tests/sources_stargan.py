"""Networks in the layout of StarGAN's authors, with random weights: what is imported in tests."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import torch
from torch import Tensor, nn

FIVE = ("Black_Hair", "Blond_Hair", "Brown_Hair", "Male", "Young")


def norm(channels: int) -> nn.Module:
    return nn.InstanceNorm2d(channels, affine=True, track_running_stats=True)


class Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.main = nn.Sequential(*self.layers(channels))

    def layers(self, channels: int) -> Iterator[nn.Module]:
        for last in (False, True):
            yield nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
            yield norm(channels)
            yield from () if last else (nn.ReLU(),)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.main(x)
        return out


class SourceGenerator(nn.Module):
    """All layers in one list, labels tiled into channels, norms that keep running statistics."""

    def __init__(self, told: int, width: int, blocks: int, channels: int = 3) -> None:
        super().__init__()
        self.main = nn.Sequential(*self.layers(told, width, blocks, channels))

    def layers(self, told: int, width: int, blocks: int, channels: int) -> Iterator[nn.Module]:
        yield from (nn.Conv2d(channels + told, width, 7, 1, 3, bias=False), norm(width), nn.ReLU())
        for size in (width, 2 * width):
            yield from (nn.Conv2d(size, 2 * size, 4, 2, 1, bias=False), norm(2 * size), nn.ReLU())
        yield from (Residual(4 * width) for _ in range(blocks))
        for size in (4 * width, 2 * width):
            yield from (
                nn.ConvTranspose2d(size, size // 2, 4, 2, 1, bias=False),
                norm(size // 2),
                nn.ReLU(),
            )
        yield from (nn.Conv2d(width, channels, 7, 1, 3, bias=False), nn.Tanh())

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        tiled = labels.view(*labels.shape, 1, 1).repeat(1, 1, *x.shape[2:])
        out: Tensor = self.main(torch.cat([x, tiled], dim=1))
        return out


class SourceCritic(nn.Module):
    """The head that classifies sees the whole of the last map."""

    def __init__(self, domains: int, width: int, layers: int, size: int) -> None:
        super().__init__()
        sizes = [3, *(width * 2**layer for layer in range(layers))]
        pairs = itertools.pairwise(sizes)
        body = [m for i, o in pairs for m in (nn.Conv2d(i, o, 4, 2, 1), nn.LeakyReLU(0.01))]
        self.main = nn.Sequential(*body)
        self.conv1 = nn.Conv2d(sizes[-1], 1, 3, 1, 1, bias=False)
        self.conv2 = nn.Conv2d(sizes[-1], domains, size // 2**layers, bias=False)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = self.main(x)
        return self.conv1(x), self.conv2(x).flatten(1)
