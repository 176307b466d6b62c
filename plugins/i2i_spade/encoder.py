"""The encoder of SPADE: a picture in, the distribution of its code out."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from i2i.nets import Width, convolution, norm_layer

WIDEST = 8
LAST = 4  # the side of the map that the code is read from

NormName = Literal["instance", "batch", "none"]
Layers = Annotated[
    int,
    Field(
        ge=1, le=8, description="layers of stride 2; pictures are resized to squares of 4 · 2^layers pixels"
    ),
]
Norm = Annotated[NormName, Field(description="normalisation of all layers")]
Spectral = Annotated[bool, Field(description="divide the weights by their largest singular value")]


class SPADEEncoder(nn.Module):
    """Convolutional encoder of a picture's style (Park et al., 2019, appendix A).

    (N, in_channels, H, W) in [-1, 1] to the mean and the log-variance of the code, both (N, latent). Whatever their
    size, pictures are resized to one size, 256 pixels with 6 layers, without smoothing, as published.

    Attributes:
        side: height and width that pictures are resized to.
    """

    def __init__(
        self,
        in_channels: int,
        latent: int,
        *,
        width: Width = 64,
        layers: Layers = 6,
        norm: Norm = "instance",
        spectral: Spectral = True,
    ) -> None:
        super().__init__()
        self.side = LAST * 2**layers
        sizes = [in_channels, *(width * min(2**layer, WIDEST) for layer in range(layers))]
        self.body = nn.Sequential(
            *(_layer(read, made, norm, spectral) for read, made in pairwise(sizes)), nn.Flatten()
        )
        self.mean = nn.Linear(sizes[-1] * LAST**2, latent)
        self.log_variance = nn.Linear(sizes[-1] * LAST**2, latent)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        if image.shape[2:] != (self.side, self.side):
            image = F.interpolate(image, size=(self.side, self.side), mode="bilinear")
        x = self.body(image)
        return self.mean(x), self.log_variance(x)


def _layer(in_channels: int, out_channels: int, norm: NormName, spectral: bool) -> nn.Sequential:
    """Half the height and width; a norm takes the bias out again."""
    conv = convolution(
        in_channels, out_channels, 3, stride=2, padding=1, bias=norm == "none", spectral=spectral
    )
    return nn.Sequential(conv, norm_layer(norm, out_channels), nn.LeakyReLU(0.2))
