"""Normalisation whose gradient is right for every memory layout, batch size and precision.

`F.instance_norm` is not used: on the CPU its backward is silently wrong at batch 1 when the incoming
gradient is channels-last (torch 2.13 and 2.15). Group norm of contiguous data is right everywhere, and
faster. Channels-last data stay so: batch norm of one picture at a time normalises them where they lie.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from i2i.core.errors import I2IError
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
        case "sync-batch":
            return BatchNorm(channels, synchronised=True)
        case "group":
            return GroupNorm(channels)
        case "none":
            return nn.Identity()
        case _:
            raise ValueError(f"there is no norm '{name}'; known: instance, batch, sync-batch, group, none")


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
    if groups == x.shape[1] and _channels_last(x) and (weight is None or x.dtype not in HALF):
        return _one_by_one(
            x, weight, bias, epsilon
        )  # it would sum the gradient of a weight in half precision
    x = x.contiguous()  # the channels-last kernel loses digits (E[x²] - E[x]²) and has a slow backward
    if x.dtype not in HALF:
        return F.group_norm(x, groups, weight, bias, epsilon)
    weight = torch.ones(x.shape[1], device=x.device) if weight is None else weight.float()
    bias = None if bias is None else bias.float()
    # with an fp32 weight the CPU kernel keeps fp32 statistics of half input; CUDA's refuses the mixture
    values = x if x.device.type == "cpu" else x.float()
    return F.group_norm(values, groups, weight, bias, epsilon).to(x.dtype)


def _channels_last(x: Tensor) -> bool:
    """Whether the channels of a pixel lie side by side; only on the CPU are pictures then normalised one by one."""
    return (
        x.device.type == "cpu"
        and x.is_contiguous(memory_format=torch.channels_last)
        and not x.is_contiguous()
    )


def _one_by_one(x: Tensor, weight: Tensor | None, bias: Tensor | None, epsilon: float) -> Tensor:
    """Instance norm of channels-last pictures, without moving their values."""
    exact = torch.promote_types(x.dtype, torch.float32)
    # with an fp32 weight the kernel keeps fp32 statistics of half input
    weight = torch.ones(x.shape[1], dtype=exact, device=x.device) if weight is None else weight.to(exact)
    bias = torch.zeros_like(weight) if bias is None else bias.to(exact)
    made = [F.batch_norm(one, None, None, weight, bias, True, 0.0, epsilon) for one in torch.split(x, 1)]
    return made[0] if len(made) == 1 else torch.cat(made)


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
    """Every channel of the batch to mean 0 and variance 1 (Ioffe and Szegedy, 2015).

    Takes (N, C) and (N, C, H, W).

    Args:
        channels: C.
        affine: with weight and bias.
        epsilon: added to the variance.
        momentum: weight of a new batch in the running statistics.
        synchronised: the batch is that of all processes.

    Attributes:
        per_picture: normalise each picture by its own statistics and leave the running ones alone, as pix2pix
            does at inference; then a picture's result does not depend on its neighbours in the batch.
        total: sums a tensor over all processes, with gradient; None where there is one.
    """

    def __init__(
        self,
        channels: int,
        *,
        affine: bool = True,
        epsilon: float = 1e-5,
        momentum: float = 0.1,
        synchronised: bool = False,
    ) -> None:
        super().__init__(channels, epsilon, momentum, affine)
        self.synchronised = synchronised
        self.per_picture = False
        self.total: Callable[[Tensor], Tensor] | None = None

    def forward(self, x: Tensor) -> Tensor:
        if self.per_picture:
            return normalise(x, self.num_features, self.weight, self.bias, self.eps)
        if self.training and self.synchronised and self.total is not None:
            return self._over_processes(x, self.total)
        if self.training and x.numel() == x.shape[1]:
            raise I2IError(
                "batch norm cannot learn from one value of each channel; raise train.batch, lower train.accumulate, or "
                "choose another norm"
            )
        if x.device.type == "mps":  # its backward is wrong for channels-last input
            x = x.contiguous()
        return super().forward(x)

    def _check_input_dim(self, input: Tensor) -> None:
        if input.dim() not in (2, 4):
            raise ValueError(f"batch norm takes (N, C) or (N, C, H, W), got {tuple(input.shape)}")

    def _over_processes(self, x: Tensor, total: Callable[[Tensor], Tensor]) -> Tensor:
        """Statistics in fp32 (fp64 for fp64 input) from the sums of all processes."""
        values = x.float() if x.dtype in HALF else x
        dims, shape = [d for d in range(x.dim()) if d != 1], [1, -1] + [1] * (x.dim() - 2)
        own = torch.full_like(values[0, :1].flatten()[:1], values.numel() / values.shape[1])
        sums = total(torch.cat([own, values.sum(dims)]))
        count, mean = sums[:1], sums[1:] / sums[:1]
        centred = values - mean.view(shape)
        variance = total(centred.square().sum(dims)) / count
        self._follow(mean.detach(), variance.detach() * count.detach() / (count.detach() - 1))
        result: Tensor = centred * (variance + self.eps).rsqrt().view(shape)
        if self.affine:
            result = result * self.weight.view(shape) + self.bias.view(shape)
        return result.to(x.dtype)

    def _follow(self, mean: Tensor, variance: Tensor) -> None:
        """Let the running statistics follow a batch's."""
        assert self.running_mean is not None and self.running_var is not None
        assert self.momentum is not None and self.num_batches_tracked is not None
        self.num_batches_tracked.add_(1)
        self.running_mean.lerp_(mean.to(self.running_mean.dtype), self.momentum)
        self.running_var.lerp_(variance.to(self.running_var.dtype), self.momentum)
