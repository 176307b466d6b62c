"""Networks in the layout of pytorch-CycleGAN-and-pix2pix, with random weights: what is imported in tests.

Written from the names and shapes of their tensors; the nesting makes the names.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

WIDEST = 8


class Joined(nn.Module):
    """A level of the U-Net: what it reads beside what it makes of it; the outermost gives the latter alone."""

    def __init__(self, layers: list[nn.Module], *, outermost: bool = False) -> None:
        super().__init__()
        self.model = nn.Sequential(*layers)
        self.outermost = outermost

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.model(x)
        return made if self.outermost else torch.cat([x, made], 1)


class Outer(nn.Module):
    """A network that calls itself `model`."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.model(x)
        return made


def norms(kind: str, channels: int) -> nn.Module:
    if kind == "batch":
        return nn.BatchNorm2d(channels)
    return nn.InstanceNorm2d(channels) if kind == "instance" else nn.Identity()


def unet(
    kind: str = "batch",
    depth: int = 7,
    width: int = 2,
    channels: tuple[int, int] = (3, 3),
    dropout: bool = True,
) -> nn.Module:
    bias, (read, made) = kind == "instance", channels
    sizes = [width * min(2**level, WIDEST) for level in range(depth)]
    inner: nn.Module = nn.Identity()
    for level in reversed(range(depth)):
        above = sizes[level - 1] if level else made
        below = sizes[level] if level == depth - 1 else 2 * sizes[level]
        source = sizes[level - 1] if level else read
        down = nn.Conv2d(source, sizes[level], 4, 2, 1, bias=bias)
        up = nn.ConvTranspose2d(below, above, 4, 2, 1, bias=bias or level == 0)
        if level == 0:
            layers: list[nn.Module] = [down, inner, nn.ReLU(), up, nn.Tanh()]
        elif level == depth - 1:
            layers = [nn.LeakyReLU(0.2), down, nn.ReLU(), up, norms(kind, above)]
        else:
            ends: list[nn.Module] = [nn.LeakyReLU(0.2), down, norms(kind, sizes[level])]
            layers = [*ends, inner, nn.ReLU(), up, norms(kind, above)]
            layers += [nn.Dropout(0.5)] * (dropout and level > 3)
        inner = Joined(layers, outermost=level == 0)
    return Outer(inner)


class Residual(nn.Module):
    def __init__(self, channels: int, kind: str, dropout: bool) -> None:
        super().__init__()
        bias = kind == "instance"

        def conv() -> list[nn.Module]:
            return [nn.ReflectionPad2d(1), nn.Conv2d(channels, channels, 3, bias=bias), norms(kind, channels)]

        self.conv_block = nn.Sequential(*conv(), nn.ReLU(), *[nn.Dropout(0.5)] * dropout, *conv())

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = x + self.conv_block(x)
        return made


def resnet(
    kind: str = "instance",
    blocks: int = 2,
    width: int = 2,
    channels: tuple[int, int] = (3, 3),
    dropout: bool = False,
) -> nn.Module:
    bias, (read, made) = kind == "instance", channels

    def normed(conv: nn.Module, channels: int) -> list[nn.Module]:
        return [conv, norms(kind, channels), nn.ReLU()]

    layers: list[nn.Module] = [nn.ReflectionPad2d(3)]
    layers += normed(nn.Conv2d(read, width, 7, bias=bias), width)
    layers += normed(nn.Conv2d(width, 2 * width, 3, 2, 1, bias=bias), 2 * width)
    layers += normed(nn.Conv2d(2 * width, 4 * width, 3, 2, 1, bias=bias), 4 * width)
    layers += [Residual(4 * width, kind, dropout) for _ in range(blocks)]
    for size in (2 * width, width):
        layers += normed(nn.ConvTranspose2d(2 * size, size, 3, 2, 1, output_padding=1, bias=bias), size)
    layers += [nn.ReflectionPad2d(3), nn.Conv2d(width, made, 7), nn.Tanh()]
    return Outer(nn.Sequential(*layers))


def patch(kind: str = "instance", layers: int = 3, width: int = 2, channels: int = 3) -> nn.Module:
    body: list[nn.Module] = [nn.Conv2d(channels, width, 4, 2, 1), nn.LeakyReLU(0.2)]
    before = width
    for layer in range(1, layers + 1):
        size = width * min(2**layer, WIDEST)
        stride = 1 if layer == layers else 2
        body += [nn.Conv2d(before, size, 4, stride, 1, bias=kind == "instance"), norms(kind, size)]
        body += [nn.LeakyReLU(0.2)]
        before = size
    return Outer(nn.Sequential(*body, nn.Conv2d(before, 1, 4, 1, 1)))


class Pixel(nn.Module):
    def __init__(self, kind: str = "instance", width: int = 2, channels: int = 3) -> None:
        super().__init__()
        bias = kind == "instance"
        self.net = nn.Sequential(
            nn.Conv2d(channels, width, 1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, 2 * width, 1, bias=bias),
            norms(kind, 2 * width),
            nn.LeakyReLU(0.2),
            nn.Conv2d(2 * width, 1, 1, bias=bias),
        )

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.net(x)
        return made


def randomised(net: nn.Module, seed: int = 0) -> nn.Module:
    """A network as if it had been trained: weights and running statistics that are not those of the start."""
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in net.state_dict().items():
        if tensor.dtype.is_floating_point:
            drawn = torch.randn(tensor.shape, generator=generator) * 0.2
            tensor.copy_(drawn.abs() + 0.5 if name.endswith("running_var") else drawn)
    return net.eval()


def shapes_of(weights: nn.Module | Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    held = weights.state_dict() if isinstance(weights, nn.Module) else weights
    return {key: tuple(tensor.shape) for key, tensor in held.items()}


def saved(path: Path, weights: nn.Module | Mapping[str, Any], *, old: bool = False) -> Path:
    """Weights as a file, in the format of today or in the one that PyTorch wrote before 1.6."""
    held = weights.state_dict() if isinstance(weights, nn.Module) else weights
    torch.save(held, path, _use_new_zipfile_serialization=not old)
    return path


def picture(size: int, channels: int = 3, seed: int = 1) -> Tensor:
    return torch.rand(1, channels, size, size, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def stale(net: nn.Module) -> dict[str, Tensor]:
    """The state of a network with the statistics that instance norms without weights kept before PyTorch 0.4."""
    weights = dict(net.state_dict())
    for name, module in net.named_modules():
        if isinstance(module, nn.InstanceNorm2d):
            weights[f"{name}.running_mean"] = torch.zeros(module.num_features)
            weights[f"{name}.running_var"] = torch.ones(module.num_features)
            weights[f"{name}.num_batches_tracked"] = torch.tensor(7)
    return weights
