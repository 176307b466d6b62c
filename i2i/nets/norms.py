"""Normalisation whose gradient is right for every memory layout, batch size and precision.

`F.instance_norm` is not used: on the CPU its backward is silently wrong at batch 1 when the incoming
gradient is channels-last (torch 2.13 and 2.15). Group norm of contiguous data is right everywhere, and
faster.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from i2i.nets.options import NormName

GROUPS = 32
HALF = (torch.bfloat16, torch.float16)


def norm_layer(name: NormName, channels: int) -> nn.Module:
    """The norm of that name for (N, channels, H, W)."""
    match name:
        case "instance":
            return InstanceNorm(channels)
        case "batch":
            return BatchNorm(channels)
        case "group":
            return GroupNorm(channels)
        case "none":
            return nn.Identity()
        case _:
            raise ValueError(f"there is no norm '{name}'; known: instance, batch, group, none")


def hidden_bias(norm: NormName) -> bool:
    """Whether hidden convolutions have a bias: as published for CycleGAN, before instance norm only."""
    return norm == "instance"


def normalise(x: Tensor, groups: int, weight: Tensor | None, bias: Tensor | None, epsilon: float) -> Tensor:
    """Each group of channels of each picture to mean 0 and variance 1, then weight and bias per channel.

    Statistics are in fp32 (fp64 for fp64 input), also under autocast; the result has the type of `x`.

    Raises:
        ValueError: a group holds a single value.
    """
    if x.shape[1] // groups * x.shape[2] * x.shape[3] < 2:
        raise ValueError(
            f"normalising by picture needs more than one value, got maps of {x.shape[2]}x{x.shape[3]}"
        )
    x = x.contiguous()  # the channels-last kernel loses digits (E[x²] - E[x]²) and has a slow backward
    if x.dtype not in HALF:
        return F.group_norm(x, groups, weight, bias, epsilon)
    weight = torch.ones(x.shape[1], device=x.device) if weight is None else weight.float()
    bias = None if bias is None else bias.float()
    # with an fp32 weight the CPU kernel keeps fp32 statistics of half input; CUDA's refuses the mixture
    values = x if x.device.type == "cpu" else x.float()
    return F.group_norm(values, groups, weight, bias, epsilon).to(x.dtype)


class InstanceNorm(nn.Module):
    """Every channel of every picture to mean 0, variance 1 (Ulyanov et al., 2016); no running statistics."""

    def __init__(self, channels: int, *, affine: bool = False, epsilon: float = 1e-5) -> None:
        super().__init__()
        self.channels = channels
        self.epsilon = epsilon
        self.weight = nn.Parameter(torch.ones(channels)) if affine else None
        self.bias = nn.Parameter(torch.zeros(channels)) if affine else None

    def forward(self, x: Tensor) -> Tensor:
        return normalise(x, self.channels, self.weight, self.bias, self.epsilon)


class GroupNorm(nn.GroupNorm):
    """Groups of channels of every picture to mean 0 and variance 1 (Wu and He, 2018), with weight and bias.

    There are 32 groups, or the largest number below that divides both 32 and the channels.
    """

    def __init__(self, channels: int) -> None:
        super().__init__(math.gcd(GROUPS, channels), channels)

    def forward(self, x: Tensor) -> Tensor:
        return normalise(x, self.num_groups, self.weight, self.bias, self.eps)


class BatchNorm(nn.BatchNorm2d):
    """Every channel of the batch to mean 0 and variance 1 (Ioffe and Szegedy, 2015), with weight and bias.

    Attributes:
        per_picture: normalise each picture by its own statistics and leave the running ones alone, as pix2pix
            does at inference; then a picture's result does not depend on its neighbours in the batch.
    """

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        self.per_picture = False

    def forward(self, x: Tensor) -> Tensor:
        if self.per_picture:
            return normalise(x, self.num_features, self.weight, self.bias, self.eps)
        if x.device.type == "mps":  # its backward is wrong for channels-last input
            x = x.contiguous()
        return super().forward(x)
