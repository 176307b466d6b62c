"""How the networks grow: the resolution after so many images, and what real pictures look like there.

Karras, Aila, Laine and Lehtinen, "Progressive Growing of GANs", 2018, section 2.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional as F

from i2i_stylegan.layers import enlarged, mixture

SMALLEST = 4


@dataclass(frozen=True)
class Level:
    """Where the networks are on their way.

    Attributes:
        lod: level of detail: how many doublings the pictures lack yet, with fractions while one fades in.
        resolution: the full one.
    """

    lod: float
    resolution: int

    @property
    def factor(self) -> int:
        """How many times smaller than the full resolution the pictures are."""
        return int(2 ** math.floor(self.lod))

    @property
    def side(self) -> int:
        """Their resolution, also while it only fades in."""
        return self.resolution // self.factor

    @property
    def layers(self) -> int:
        """Layers of the generator, two for each resolution."""
        return 2 * (self.side // SMALLEST).bit_length()

    def fade(self, like: Tensor) -> Tensor | None:
        """The share of the picture of half the resolution, in the type of `like`; None where nothing fades."""
        share = self.lod - math.floor(self.lod)
        return like.new_tensor(share) if share else None

    def shown(self, image: Tensor) -> Tensor:
        """Real pictures as they are here: means of squares of pixels, a share of them of squares twice as wide."""
        image = F.avg_pool2d(image, self.factor) if self.factor > 1 else image
        fade = self.fade(image)
        return image if fade is None else mixture(image, enlarged(F.avg_pool2d(image, 2), 2), fade)


@dataclass(frozen=True)
class Growth:
    """From a first resolution to the full one: stable for a while, then the next doubling fades in.

    Attributes:
        resolution: the full one.
        start: the first one.
        stable: images before each doubling begins to fade in.
        fading: images while it does.
    """

    resolution: int
    start: int
    stable: int
    fading: int

    @property
    def doublings(self) -> int:
        """How many there are."""
        return round(math.log2(self.resolution / self.start))

    def at(self, images: int) -> Level:
        """The level after so many images."""
        length = self.stable + self.fading
        done, within = divmod(images, length) if length else (0, 0)
        fading = max(within - self.stable, 0) / self.fading if self.fading else 0.0
        return self.level(max(self.doublings - done - fading, 0.0))

    def level(self, lod: float) -> Level:
        """The level of that detail."""
        return Level(float(lod), self.resolution)

    def stage(self, images: int) -> int:
        """A number that changes where a doubling begins to fade in, and where it ends."""
        lod = self.at(images).lod
        return 2 * self.doublings - math.floor(lod) - math.ceil(lod)


def check_growth(resolution: int, start: int, stable: int, fading: int) -> None:
    """Refuse what cannot be reached by doubling.

    Raises:
        ValueError: "option: sentence".
    """
    if resolution < SMALLEST or not _is_power(resolution):
        lower = max(SMALLEST, 2 ** int(math.log2(max(resolution, 1))))
        right = f"{lower} or {2 * lower}" if resolution > SMALLEST else f"{SMALLEST} or {2 * SMALLEST}"
        raise ValueError(
            f"resolution: pictures of {resolution} pixels are not reached by doubling {SMALLEST}; set data.size to "
            f"{right}"
        )
    if start < SMALLEST or not _is_power(start) or start > resolution:
        raise ValueError(
            f"start: {start} is not on the way from {SMALLEST} to {resolution} by doubling; use {min(8, resolution)}"
        )
    if start < resolution and not stable + fading:
        raise ValueError(
            f"stable_images: without images it never grows from {start} to {resolution}; raise it, or set "
            f"start = {resolution}"
        )


def check_table(option: str, resolutions: Sequence[int]) -> None:
    """Refuse entries of `batches` or `rates` that could have no effect.

    Raises:
        ValueError: "option: sentence".
    """
    for number, side in enumerate(resolutions):
        if not _is_power(side):
            raise ValueError(
                f"{option}: {side} is not reached by doubling {SMALLEST}; use 4, 8, 16 and so on"
            )
        if side in resolutions[:number]:
            raise ValueError(f"{option}: {side} stands there twice; leave one out")


def check_groups(batches: Mapping[int, int], group: int) -> None:
    """Refuse batches, by resolution, that the discriminator cannot compare in groups, before they come up.

    Raises:
        ValueError: "option: sentence".
    """
    for side, batch in batches.items():
        if batch > group and batch % group:
            raise ValueError(
                f"batches: the discriminator compares pictures in groups of {group}, and {batch} at {side}x{side} "
                f"cannot be grouped so; use {batch + group - batch % group}, or discriminator.group = 1"
            )


def _is_power(number: int) -> bool:
    return number > 0 and not number & (number - 1)
