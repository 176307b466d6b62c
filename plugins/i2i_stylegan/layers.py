"""The layers of StyleGAN: equalised learning rates, blur, changes of size, and what follows a convolution.

Karras, Aila, Laine and Lehtinen, "Progressive Growing of GANs", 2018 (PG below); Karras, Laine and Aila, "A Style-Based
Generator Architecture for Generative Adversarial Networks", 2019.
"""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from i2i import I2IError
from i2i.nets import InstanceNorm

GAIN = math.sqrt(2)  # of a layer that a ReLU or its like follows (He et al., 2015)
FUSED = 128  # the side from which on a change of size and its convolution are one operation
EPSILON = 1e-8


class EqualLinear(nn.Module):
    """A linear layer whose weights are scaled as it runs, so that all layers learn equally fast (PG, section 4.1).

    `lr_multiplier` is as good as a smaller learning rate: weights are stored larger, and count less.
    """

    draws_own_weights: ClassVar[bool] = True

    def __init__(self, inputs: int, outputs: int, *, gain: float = GAIN, lr_multiplier: float = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / lr_multiplier)
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.scale = gain / math.sqrt(inputs) * lr_multiplier
        self.lr_multiplier = lr_multiplier

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight * self.scale, self.bias * self.lr_multiplier)


class EqualConv(nn.Module):
    """A convolution of stride 1 by an odd kernel, with zeros around, whose weights are scaled as it runs."""

    draws_own_weights: ClassVar[bool] = True

    def __init__(
        self, inputs: int, outputs: int, kernel: int, *, gain: float = GAIN, bias: bool = True
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None
        self.scale = gain / math.sqrt(inputs * kernel**2)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight * self.scale, self.bias, padding=self.weight.shape[-1] // 2)


class EqualConvUp(EqualConv):
    """Twice the height and width, a 3x3 convolution and a blur; the bias comes later."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, 3, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return blur(conv_up(x, self.weight * self.scale))


class EqualConvDown(EqualConv):
    """A blur, a 3x3 convolution and half the height and width."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, 3)

    def forward(self, x: Tensor) -> Tensor:
        return conv_down(blur(x), self.weight * self.scale, self.bias)


def conv_up(x: Tensor, weight: Tensor, fused: bool | None = None) -> Tensor:
    """Nearest-neighbour enlargement by two, then a 3x3 convolution by `weight` (out, in, 3, 3).

    From 128 pixels on, unless `fused` says otherwise, both are one transposed convolution, as in the authors' code: it
    is faster, and it sees the kernel upside down and mirrored.
    """
    if fused is None:
        fused = 2 * min(x.shape[2:]) >= FUSED
    if fused:
        return F.conv_transpose2d(x, _spread(weight).transpose(0, 1), stride=2, padding=1)
    return F.conv2d(enlarged(x, 2), weight, padding=1)


def conv_down(x: Tensor, weight: Tensor, bias: Tensor | None = None, fused: bool | None = None) -> Tensor:
    """A 3x3 convolution by `weight`, then means of 2x2; from 128 pixels on as one convolution of stride 2."""
    if fused is None:
        fused = min(x.shape[2:]) >= FUSED
    if fused:
        return F.conv2d(x, _spread(weight) / 4, bias, stride=2, padding=1)
    return F.avg_pool2d(F.conv2d(x, weight, bias, padding=1), 2)


def _spread(weight: Tensor) -> Tensor:
    """A 3x3 kernel as 4x4: the sum of its four shifts."""
    w = F.pad(weight, (1, 1, 1, 1))
    return w[..., 1:, 1:] + w[..., :-1, 1:] + w[..., 1:, :-1] + w[..., :-1, :-1]


def enlarged(x: Tensor, factor: int) -> Tensor:
    """Every value becomes a square of factor x factor."""
    return x if factor == 1 else F.interpolate(x, scale_factor=float(factor), mode="nearest")


def blur(x: Tensor) -> Tensor:
    """The binomial filter [1, 2, 1] in both directions, with zeros around (section 2)."""
    taps = x.new_tensor([1.0, 2.0, 1.0]) / 4
    kernel = (taps[:, None] * taps).expand(x.shape[1], 1, 3, 3)
    return F.conv2d(x, kernel, padding=1, groups=x.shape[1])


def mixture(x: Tensor, other: Tensor, share: Tensor) -> Tensor:
    """x, and a share of the other, in the type of x."""
    return x + (other - x) * share


class Epilogue(nn.Module):
    """What follows every convolution of the generator: noise, bias, leaky ReLU, instance norm, style (figure 1b).

    x (N, channels, H, W), noise (N, 1, H, W) and styles (N, latent) to (N, channels, H, W).
    """

    def __init__(self, channels: int, latent: int) -> None:
        super().__init__()
        self.noise = nn.Parameter(torch.zeros(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.norm = InstanceNorm(channels, epsilon=EPSILON)
        self.style = EqualLinear(latent, 2 * channels, gain=1.0)

    def forward(self, x: Tensor, noise: Tensor, styles: Tensor) -> Tensor:
        x = x + noise * self.noise[:, None, None] + self.bias[:, None, None]
        x = self.norm(F.leaky_relu(x, 0.2))
        scale, shift = self.style(styles)[:, :, None, None].chunk(2, 1)
        styled: Tensor = x * (scale + 1) + shift
        return styled


def with_deviation(x: Tensor, group: int) -> Tensor:
    """The maps (N, C, H, W) and one more: how much the pictures of a group differ, in the mean (PG, section 3).

    With N pictures in groups of `group`, a group is every (N / group)-th of them; fewer than `group` are one group.

    Raises:
        I2IError: the pictures cannot be grouped so.
    """
    count = min(group, len(x))
    if len(x) % count:
        raise I2IError(
            f"strategy.discriminator.group: the discriminator compares pictures in groups of {group}, and {len(x)} of "
            f"a micro-batch cannot be grouped so; choose batches that can, or group = 1"
        )
    groups = x.float() if x.dtype in (torch.bfloat16, torch.float16) else x
    groups = groups.view(count, -1, *x.shape[1:])
    spread = (groups - groups.mean(0)).square().mean(0)
    mean = (spread + EPSILON).sqrt().mean((1, 2, 3)).to(x.dtype)
    return torch.cat([x, mean.repeat(count).view(-1, 1, 1, 1).expand(-1, 1, *x.shape[2:])], 1)
