"""The critic of StarGAN."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Any

from pydantic import Field
from torch import Tensor, nn

from i2i.nets import Chain, Width


class DomainPatchGAN(nn.Module):
    """Judges patches, and says which domains a picture is of (Choi et al., 2018, appendix).

    (N, in_channels, image_size, image_size) to a map of scores (N, 1, H', W') without sigmoid, and to logits
    (N, domains). There is no norm, as a gradient penalty on each picture asks for.

    Attributes:
        image_size: the logits see a whole picture, and so there is one size.
        by_sample: no sample of a batch looks at another, unless a layer does.
    """

    by_sample = True

    def __init__(
        self,
        in_channels: int,
        domains: int,
        image_size: int,
        *,
        width: Width = 64,
        layers: Annotated[int, Field(ge=1, le=32, description="layers of stride 2, each twice as wide")] = 6,
    ) -> None:
        super().__init__()
        self.image_size = image_size
        side = _last_side(layers, image_size)
        sizes = [in_channels, *(width * 2**layer for layer in range(layers))]
        self.body = Chain(
            *(
                nn.Sequential(nn.Conv2d(i, o, 4, stride=2, padding=1), nn.LeakyReLU(0.01))
                for i, o in pairwise(sizes)
            )
        )
        self.score = nn.Conv2d(sizes[-1], 1, 3, padding=1, bias=False)
        self.domain = nn.Conv2d(sizes[-1], domains, side, bias=False)

    @staticmethod
    def settle(options: Mapping[str, Any], *, image_size: int) -> dict[str, Any]:
        """The options, unchanged.

        Raises:
            ValueError: pictures of that many pixels cannot be halved so often; the message names what fits.
        """
        _last_side(options["layers"], image_size)
        return dict(options)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        height, width = image.shape[2:]
        if (height, width) != (self.image_size, self.image_size):
            raise ValueError(
                f"this critic judges pictures of {self.image_size}x{self.image_size} only, got {height}x{width}"
            )
        x = self.body(image)
        return self.score(x), self.domain(x).flatten(1)


def _last_side(layers: int, image_size: int) -> int:
    """The side of the last map, which the logits see as a whole."""
    if image_size % 2**layers:
        fitting = max(n for n in range(layers) if image_size % 2**n == 0)
        hint = f"use {fitting} or less" if fitting else "choose an even size"
        raise ValueError(f"layers: {layers} need a multiple of {2**layers} pixels, got {image_size}; {hint}")
    return int(image_size // 2**layers)
