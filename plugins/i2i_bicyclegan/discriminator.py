"""The discriminator of BicycleGAN."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from i2i.nets import Norm, PatchGAN, Width, check_sides

LARGE = 256  # pixels from which the published number of layers is 3

Layers = Annotated[
    Annotated[int, Field(ge=1, le=32)] | Literal["auto"],
    Field(description='layers of stride 2 at each scale; "auto" is 3 from 256 pixels on, else 2'),
]
Scales = Annotated[
    int, Field(ge=1, le=32, description="sizes at which the picture is judged, each half the one before")
]


class MultiScalePatchGAN(nn.Module):
    """Judges overlapping patches at several sizes (Zhu et al., BicycleGAN, 2017, section 4).

    (N, in_channels, H, W) to a list of score maps (N, 1, H', W') without sigmoid, the full resolution first. Each
    scale halves the picture and the width of its own PatchGAN.

    Attributes:
        smallest: height and width of the input must be this or more.
        by_sample: no sample of a batch looks at another, unless a layer does.
    """

    by_sample = True

    def __init__(
        self,
        in_channels: int,
        *,
        width: Width = 64,
        layers: Layers = "auto",
        scales: Scales = 2,
        norm: Norm = "instance",
    ) -> None:
        super().__init__()
        _refuse_width(width, scales)
        count = 3 if layers == "auto" else layers
        self.smallest = _smallest(count, scales)
        self.judges = nn.ModuleList(
            PatchGAN(in_channels, width=width // 2**scale, layers=count, norm=norm) for scale in range(scales)
        )

    @staticmethod
    def settle(options: Mapping[str, Any], *, image_size: int) -> dict[str, Any]:
        """The options with "auto" replaced by the published number of layers: 3 from 256 pixels on, else 2.

        Raises:
            ValueError: the width cannot be halved so often, or the picture is too small; the message names what fits.
        """
        layers, scales = options.get("layers", "auto"), options.get("scales", 2)
        _refuse_width(options.get("width", 64), scales)
        count = (3 if image_size >= LARGE else 2) if layers == "auto" else layers
        if image_size < _smallest(count, scales):
            raise ValueError(
                f"layers: {count} with scales = {scales} need at least {_smallest(count, scales)} pixels, "
                f"got {image_size}{_fitting(image_size, count, scales)}"
            )
        return {**options, "layers": count}

    def forward(self, image: Tensor) -> list[Tensor]:
        check_sides(image, "discriminator", least=self.smallest)
        scores = []
        for scale, judge in enumerate(self.judges):
            image = F.avg_pool2d(image, 3, 2, 1, count_include_pad=False) if scale else image
            scores.append(judge(image))
        return scores


def _smallest(layers: int, scales: int) -> int:
    """The side that leaves the last PatchGAN 3·2^layers pixels; the halvings before it round up."""
    return int((3 * 2**layers - 1) * 2 ** (scales - 1) + 1)


def _fitting(image_size: int, layers: int, scales: int) -> str:
    """What fits a picture instead: fewer layers, or fewer scales of one layer."""
    for fewer in range(layers - 1, 0, -1):
        if image_size >= _smallest(fewer, scales):
            return f"; use {fewer} or less"
    for fewer in range(scales - 1, 0, -1):
        if image_size >= _smallest(1, fewer):
            return f"; use 1 with scales = {fewer}"
    return ""


def _refuse_width(width: int, scales: int) -> None:
    divisor = 2 ** (scales - 1)
    if width % divisor:
        raise ValueError(
            f"width: {width} cannot be halved for each of {scales} scales; use a multiple of {divisor}"
        )
