"""The encoders of BicycleGAN: a picture in, the distribution of its code out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, cast

from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from i2i.nets import Chain, ConvBlock, Norm, NormName, Width, activation, check_sides, norm_layer

WIDEST = 4
POOLED = 8  # the side of the map that is averaged to one value, at sizes of 8 times a power of two

Blocks = Annotated[
    Annotated[int, Field(ge=1, le=32)] | Literal["auto"],
    Field(
        description='residual blocks, each halves the picture; "auto" ends at a map of 8x8 (4 blocks at 256)'
    ),
]
Layers = Annotated[
    Annotated[int, Field(ge=1, le=32)] | Literal["auto"],
    Field(description='layers of stride 2; "auto" ends at a map of 8x8 (5 layers at 256)'),
]


class ResNetEncoder(nn.Module):
    """Residual encoder (Zhu et al., BicycleGAN, 2017, section 4).

    (N, in_channels, H, W) in [-1, 1] to the mean and the log-variance of the code, both (N, latent). A convolution of
    stride 2, then blocks that activate before they convolve and halve the map; its mean is what both heads read.

    Attributes:
        smallest: height and width of the input must be this or more.
    """

    def __init__(
        self,
        in_channels: int,
        latent: int,
        *,
        width: Width = 64,
        blocks: Blocks = "auto",
        norm: Norm = "instance",
    ) -> None:
        super().__init__()
        count = 4 if blocks == "auto" else blocks
        self.smallest = _smallest(count)
        sizes = [width * min(n, WIDEST) for n in range(1, count + 2)]
        self.stem = nn.Conv2d(in_channels, width, 4, stride=2, padding=1)
        self.body = Chain(*(_Block(sizes[n], sizes[n + 1], norm) for n in range(count)))
        self.code = _Code(sizes[-1], latent)

    @staticmethod
    def settle(options: Mapping[str, Any], *, image_size: int) -> dict[str, Any]:
        """The options with "auto" replaced by the number of blocks for square pictures of that many pixels.

        Raises:
            ValueError: nothing is left of the picture after so many blocks; the message names what fits.
        """
        return _settle(options, "blocks", image_size, before=1)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        check_sides(image, "encoder", least=self.smallest)
        x = F.leaky_relu(self.body(self.stem(image)), 0.2)
        return cast(tuple[Tensor, Tensor], self.code(x))


class ConvEncoder(nn.Module):
    """Plain convolutional encoder (the smaller choice in the code of Zhu et al., BicycleGAN, 2017).

    (N, in_channels, H, W) in [-1, 1] to the mean and the log-variance of the code, both (N, latent). Convolutions of
    stride 2, the first without norm; the mean of the last map is what both heads read.

    Attributes:
        smallest: height and width of the input must be this or more.
    """

    def __init__(
        self,
        in_channels: int,
        latent: int,
        *,
        width: Width = 64,
        layers: Layers = "auto",
        norm: Norm = "instance",
    ) -> None:
        super().__init__()
        count = 5 if layers == "auto" else layers
        self.smallest = _smallest(count)
        sizes = [in_channels, *(width * min(2**n, WIDEST) for n in range(count))]
        self.body = Chain(
            *(
                ConvBlock(
                    sizes[n],
                    sizes[n + 1],
                    4,
                    stride=2,
                    norm=norm if n else "none",
                    act="leaky-relu",
                    bias=True,
                )
                for n in range(count)
            )
        )
        self.code = _Code(sizes[-1], latent)

    @staticmethod
    def settle(options: Mapping[str, Any], *, image_size: int) -> dict[str, Any]:
        """The options with "auto" replaced by the number of layers for square pictures of that many pixels.

        Raises:
            ValueError: nothing is left of the picture after so many layers; the message names what fits.
        """
        return _settle(options, "layers", image_size, before=0)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        check_sides(image, "encoder", least=self.smallest)
        return cast(tuple[Tensor, Tensor], self.code(self.body(image)))


class _Block(nn.Module):
    """Half the height and width: two convolutions, each behind norm and activation, around a plain 1x1 one."""

    def __init__(self, in_channels: int, out_channels: int, norm: NormName) -> None:
        super().__init__()
        self.first = _PreActivated(in_channels, in_channels, norm)
        self.second = _PreActivated(in_channels, out_channels, norm)
        self.shortcut = nn.Conv2d(in_channels, out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        long = F.avg_pool2d(self.second(self.first(x)), 2)
        return cast(Tensor, long + self.shortcut(F.avg_pool2d(x, 2)))


class _PreActivated(nn.Module):
    """Norm, activation, 3x3 convolution."""

    def __init__(self, in_channels: int, out_channels: int, norm: NormName) -> None:
        super().__init__()
        self.norm = norm_layer(norm, in_channels)
        self.act = activation("leaky-relu")
        self.conv = nn.Conv2d(in_channels, out_channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return cast(Tensor, self.conv(self.act(self.norm(x))))


class _Code(nn.Module):
    """Mean and log-variance of the code, both read from the mean of a map."""

    def __init__(self, channels: int, latent: int) -> None:
        super().__init__()
        self.mean = nn.Linear(channels, latent)
        self.log_variance = nn.Linear(channels, latent)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = x.mean((2, 3))
        return self.mean(x), self.log_variance(x)


def _smallest(halvings: int) -> int:
    """The side that `halvings` layers or blocks reduce as far as a norm by picture allows."""
    return int(2 ** (halvings + 1))


def _settle(options: Mapping[str, Any], option: str, image_size: int, *, before: int) -> dict[str, Any]:
    """Replace "auto", where the network halves the picture `before` times by itself."""
    asked = options.get(option, "auto")
    count = max(1, (image_size // POOLED).bit_length() - 1 - before) if asked == "auto" else asked
    if image_size < _smallest(count):
        fitting = image_size.bit_length() - 2
        hint = f"; use {fitting} or less" if fitting > 0 else ""
        raise ValueError(f"{option}: {count} need at least {_smallest(count)} pixels, got {image_size}{hint}")
    return {**options, option: count}
