"""The discriminator of SPADE."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from i2i.nets import Width, check_sides, convolution, norm_layer

WIDEST = 8
KERNEL, BORDER = 4, 2

NormName = Literal["instance", "batch", "none"]
Layers = Annotated[int, Field(ge=1, le=32, description="layers of stride 2 at each scale")]
Scales = Annotated[
    int, Field(ge=1, le=32, description="sizes at which the picture is judged, each half the one before")
]
Norm = Annotated[NormName, Field(description="normalisation of the hidden layers but the first")]
Spectral = Annotated[bool, Field(description="divide the hidden weights by their largest singular value")]


class FeaturePatchGAN(nn.Module):
    """Judges overlapping patches at several sizes, and shows what it saw (Park et al., 2019, appendix A).

    (N, in_channels, H, W) to a list of score maps (N, 1, H', W') without sigmoid, the full resolution first. Told
    `features`, it returns beside the scores, for each scale, the list of what its hidden layers hold after their
    activation, the first layer first. Of the `layers` + 2 convolutions of a scale the last two have stride 1.

    Args:
        in_channels: channels of what is judged.
        features: return the hidden layers too.

    Attributes:
        smallest: height and width of the input must be this or more.
    """

    def __init__(
        self,
        in_channels: int,
        features: bool = False,
        *,
        width: Width = 64,
        layers: Layers = 3,
        scales: Scales = 2,
        norm: Norm = "instance",
        spectral: Spectral = True,
    ) -> None:
        super().__init__()
        self.features = features
        self.smallest = int(2 ** (scales - 1) + 1)  # a border of two keeps maps of two pixels
        self.judges = nn.ModuleList(
            _Judge(in_channels, width, layers, norm=norm, spectral=spectral) for _ in range(scales)
        )

    def forward(self, image: Tensor) -> list[Tensor] | tuple[list[Tensor], list[list[Tensor]]]:
        check_sides(image, "discriminator", least=self.smallest)
        scores, seen = [], []
        for scale, judge in enumerate(self.judges):
            image = F.avg_pool2d(image, 3, 2, 1, count_include_pad=False) if scale else image
            hidden, score = judge(image)
            scores.append(score)
            seen.append(hidden)
        return (scores, seen) if self.features else scores


class _Judge(nn.Module):
    """One scale: what the hidden layers hold, and a map of scores."""

    def __init__(self, in_channels: int, width: int, layers: int, *, norm: NormName, spectral: bool) -> None:
        super().__init__()
        sizes = [width * min(2**layer, WIDEST) for layer in range(layers + 1)]
        first = nn.Sequential(nn.Conv2d(in_channels, width, KERNEL, 2, BORDER), nn.LeakyReLU(0.2))
        hidden = (
            _hidden(sizes[n - 1], sizes[n], 1 if n == layers else 2, norm, spectral)
            for n in range(1, layers + 1)
        )
        self.hidden = nn.ModuleList([first, *hidden])
        self.head = nn.Conv2d(sizes[-1], 1, KERNEL, 1, BORDER)

    def forward(self, x: Tensor) -> tuple[list[Tensor], Tensor]:
        seen = []
        for layer in self.hidden:
            x = layer(x)
            seen.append(x)
        return seen, self.head(x)


def _hidden(
    in_channels: int, out_channels: int, stride: int, norm: NormName, spectral: bool
) -> nn.Sequential:
    """Convolution, norm, activation; a norm takes the bias out again."""
    conv = convolution(
        in_channels,
        out_channels,
        KERNEL,
        stride=stride,
        padding=BORDER,
        bias=norm == "none",
        spectral=spectral,
    )
    return nn.Sequential(conv, norm_layer(norm, out_channels), nn.LeakyReLU(0.2))
