"""The pieces that networks are made of."""

from typing import Protocol, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from i2i.nets import winograd
from i2i.nets.norms import hidden_bias, norm_layer
from i2i.nets.options import ActivationName, NormName, UpsampleName

FEW = 4
"""Channels of a picture, at most: convolutions to so few waste most of a CPU's work."""


class Draws(Protocol):
    """Random numbers that belong to the samples of a batch, not to the order in which they are computed."""

    def uniform(self, like: Tensor) -> Tensor:
        """Numbers in [0, 1) in the shape of `like`, an independent stream for each sample."""
        ...


class Dropout(nn.Module):
    """Values set to zero at random while training, the rest scaled up (Srivastava et al., 2014).

    Attributes:
        draws: where the random numbers come from; None is torch's global generator.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        if not 0 <= rate < 1:
            raise ValueError(f"dropout needs a rate from 0 up to, but not including, 1; got {rate}")
        self.rate = rate
        self.draws: Draws | None = None

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.rate == 0:
            return x
        if self.draws is None:
            return F.dropout(x, self.rate)
        compiling = torch.compiler.is_compiling()
        uniform = torch.compiler.disable(_uniform) if compiling else _uniform  # type: ignore[no-untyped-call]
        keep: Tensor = uniform(self.draws, x) >= self.rate
        return x * keep / (1 - self.rate)

    def extra_repr(self) -> str:
        return f"rate={self.rate}"


def _uniform(draws: Draws, like: Tensor) -> Tensor:
    """Drawn outside the compiled graph, which would otherwise keep the numbers of its first run."""
    return draws.uniform(like.detach())


def activation(name: ActivationName) -> nn.Module:
    """The activation of that name; leaky-relu has the slope 0.2 usual in this field."""
    match name:
        case "relu":
            return nn.ReLU()
        case "leaky-relu":
            return nn.LeakyReLU(0.2)
        case "elu":
            return nn.ELU()
        case "silu":
            return nn.SiLU()
        case "tanh":
            return nn.Tanh()
        case "none":
            return nn.Identity()
        case _:
            raise ValueError(
                f"there is no activation '{name}'; known: relu, leaky-relu, elu, silu, tanh, none"
            )


class ConvBlock(nn.Module):
    """Convolution, norm, activation; odd kernels keep the size at stride 1, borders are zero or reflected.

    The convolution has a bias where the published rule for its norm says so, unless `bias` is given.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int,
        *,
        stride: int = 1,
        reflect: bool = False,
        norm: NormName = "instance",
        act: ActivationName = "relu",
        bias: bool | None = None,
    ) -> None:
        super().__init__()
        bias = hidden_bias(norm) if bias is None else bias
        self.conv: nn.Conv2d
        if reflect:
            self.conv = ReflectConv(in_channels, out_channels, kernel, stride=stride, bias=bias)
        else:
            self.conv = nn.Conv2d(in_channels, out_channels, kernel, stride, (kernel - 1) // 2, bias=bias)
        self.norm = norm_layer(norm, out_channels)
        self.act = activation(act)

    def forward(self, x: Tensor) -> Tensor:
        return cast(Tensor, self.act(self.norm(self.conv(x))))


class ReflectConv(nn.Conv2d):
    """Convolution by an odd kernel with reflected borders, so that stride 1 keeps the size."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel: int, *, stride: int = 1, bias: bool = True
    ) -> None:
        super().__init__(in_channels, out_channels, kernel, stride, bias=bias)
        self.border = kernel // 2
        self.by_columns = stride == 1 and kernel > FEW >= out_channels

    def forward(self, x: Tensor) -> Tensor:
        padded = _reflect(x, self.border)
        if self.by_columns and x.device.type == "cpu" and not torch.compiler.is_compiling():
            return _by_columns(padded, self.weight, self.bias)
        if self.kernel_size == (3, 3) and self.stride == (1, 1) and winograd.pays(padded, self.weight):
            return winograd.convolve(padded, self.weight, self.bias)
        return super().forward(padded)


def _by_columns(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """A convolution to few channels, equal but for rounding: by each column of the kernel, then the sum over columns.

    The CPU's kernels compute 16 channels at a time: of one convolution to 3 channels they would throw 13 away.
    """
    few, channels, rows, columns = weight.shape
    upright = weight.permute(3, 0, 1, 2).reshape(columns * few, channels, rows, 1)
    made = F.conv2d(x, upright)
    exact = torch.promote_types(
        made.dtype, torch.float32
    )  # seven sums in bf16 would lose three of its eight bits
    parts = torch.split(made.to(exact), few, 1)
    width = x.shape[-1] - columns + 1
    total = parts[0][..., :width]
    for start, part in enumerate(parts[1:], 1):
        total = total + part[..., start : start + width]
    return (total if bias is None else total + bias[:, None, None]).to(made.dtype)


def _reflect(x: Tensor, border: int) -> Tensor:
    if not torch.is_autocast_enabled("cpu"):
        return F.pad(x, (border,) * 4, mode="reflect")
    with torch.autocast("cpu", enabled=False):  # it would pad in fp32
        return F.pad(x, (border,) * 4, mode="reflect")


class ResizeConv(ReflectConv):
    """Nearest-neighbour enlargement by two, then a 3x3 convolution (Odena et al., 2016)."""

    def __init__(self, in_channels: int, out_channels: int, *, bias: bool = True) -> None:
        super().__init__(in_channels, out_channels, 3, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.interpolate(x, scale_factor=2.0, mode="nearest"))


class UpBlock(nn.Module):
    """Twice the height and width by a 3x3 kernel, then norm and activation."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        upsample: UpsampleName = "transposed",
        norm: NormName = "instance",
        act: ActivationName = "relu",
    ) -> None:
        super().__init__()
        bias = hidden_bias(norm)
        self.conv: nn.Module
        if upsample == "transposed":
            self.conv = nn.ConvTranspose2d(
                in_channels, out_channels, 3, stride=2, padding=1, output_padding=1, bias=bias
            )
        else:
            self.conv = ResizeConv(in_channels, out_channels, bias=bias)
        self.norm = norm_layer(norm, out_channels)
        self.act = activation(act)

    def forward(self, x: Tensor) -> Tensor:
        return cast(Tensor, self.act(self.norm(self.conv(x))))


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with norm around an identity, nothing after the sum (Johnson et al., 2016)."""

    def __init__(
        self,
        channels: int,
        *,
        norm: NormName = "instance",
        dropout: float = 0.0,
        act: ActivationName = "relu",
    ) -> None:
        super().__init__()
        self.first = ConvBlock(channels, channels, 3, reflect=True, norm=norm, act=act)
        self.dropout = Dropout(dropout)
        self.second = ConvBlock(channels, channels, 3, reflect=True, norm=norm, act="none")

    def forward(self, x: Tensor) -> Tensor:
        return cast(Tensor, x + self.second(self.dropout(self.first(x))))
