"""Resize, crop, flip: from a decoded picture to what the network sees, in the published order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from i2i.core.errors import I2IError
from i2i.pictures.images import Header
from i2i.pictures.pixels import Filter, Pixels, cut_centre, resize, resize_map, to_tensor


@dataclass(frozen=True)
class Draw:
    """One draw of the augmentation; the pictures of one sample share it."""

    left: int
    top: int
    mirrored: bool


@dataclass(frozen=True, kw_only=True)
class Preprocess:
    """Centre crop (if any), resize to a square or another shape regardless of aspect, random crop, horizontal flip.

    The order and the uniform draws are those of the published pix2pix and CycleGAN code, and so is the bicubic filter;
    that of StarGAN is bilinear. SPADE's is the same, with label maps resized to the nearest pixel.

    Attributes:
        size: width of the result in pixels.
        load_size: width that a picture is resized to before it is cropped to `size`.
        flip: whether half of the pictures are mirrored.
        centre_crop: side of the square cut from the middle of the stored picture first; None for all of it.
        filter: how pictures are resized.
        aspect: width / height of the result, and of what it is cropped from.
        faithful: resizing adds no values that the picture has not: for looking at what there is.
    """

    size: int
    load_size: int
    flip: bool = False
    centre_crop: int | None = None
    filter: Filter = "bicubic"
    aspect: float = 1.0
    faithful: bool = False

    def __post_init__(self) -> None:
        if message := _too_small(self.load_size, self.size):
            raise I2IError(f"data.{message}")

    def still(self) -> Preprocess:
        """The same without random crop and flip, and faithful."""
        return replace(self, load_size=self.size, flip=False, faithful=True)

    def draw(self, rng: torch.Generator) -> Draw:
        """Where to crop and whether to mirror."""
        left, top = (
            int(torch.randint(loaded - shown + 1, (), generator=rng))
            for loaded, shown in zip(self._shape(self.load_size), self._shape(self.size), strict=True)
        )
        mirrored = self.flip and torch.rand((), generator=rng).item() < 0.5
        return Draw(left, top, mirrored)

    def __call__(self, pixels: Pixels, draw: Draw, value_range: tuple[float, float] | None = None) -> Tensor:
        """(H, W, C) to (C, height, size), in the same type; `value_range` is what stands for -1 and +1."""
        return self.cut(self.resized(pixels, value_range), draw)

    def of_map(self, numbers: Pixels, draw: Draw) -> Tensor:
        """A map of whole numbers, (H, W), to (1, height, size): as its picture, but never blended."""
        return self.cut(self.resized_map(numbers), draw)

    def resized(self, pixels: Pixels, value_range: tuple[float, float] | None = None) -> Pixels:
        """(H, W, C) before random crop and flip: what is the same each time."""
        if self.centre_crop is not None:
            pixels = cut_centre(pixels, self.centre_crop)
        loaded = resize(pixels, *self.loaded, self.filter)
        if value_range is not None and loaded is not pixels and not _is_whole_byte(loaded, value_range):
            loaded = _without_overshoot(loaded, pixels, None if self.faithful else value_range)
        return loaded

    def resized_map(self, numbers: Pixels) -> Pixels:
        """A map of whole numbers, (H, W), to (H, W, 1) before random crop and flip."""
        if self.centre_crop is not None:
            numbers = cut_centre(numbers, self.centre_crop)
        return resize_map(numbers, *self.loaded)[..., None]

    def cut(self, loaded: Pixels, draw: Draw) -> Tensor:
        """Random crop and flip, (H, W, C) to (C, height, size), in memory of its own."""
        width, height = self._shape(self.size)
        cut = to_tensor(loaded[draw.top : draw.top + height, draw.left : draw.left + width])
        return cut.flip(2) if draw.mirrored else cut

    @property
    def loaded(self) -> tuple[int, int]:
        """Width and height before the random crop."""
        return self._shape(self.load_size)

    def _shape(self, width: int) -> tuple[int, int]:
        return width, round(width / self.aspect)

    @property
    def recipe(self) -> str:
        """What `resized` depends on beside the picture, in words."""
        return repr((self.loaded, self.centre_crop, self.filter, self.faithful))

    def check(self, header: Header, name: str) -> None:
        """Refuse a picture that the centre crop does not fit into."""
        side = min(header.width, header.height)
        if self.centre_crop is not None and self.centre_crop > side:
            raise I2IError(
                f"data.centre_crop: {self.centre_crop} is larger than '{name}', which is "
                f"{header.width}×{header.height}; use {side} or less, or leave it out"
            )


def _is_whole_byte(pixels: Pixels, value_range: tuple[float, float]) -> bool:
    """Whether the range ends where the type does, where resizing cuts off by itself."""
    return pixels.dtype == np.uint8 and tuple(value_range) == (0, 255)


def _without_overshoot(loaded: Pixels, pixels: Pixels, room: tuple[float, float] | None) -> Pixels:
    """What the bicubic filter adds at edges, beyond the picture itself and `room`, is cut off as at 0 and 255."""
    low, high = float(pixels.min()), float(pixels.max())
    if room is not None:
        low, high = min(low, room[0]), max(high, room[1])
    if low <= loaded.min() and loaded.max() <= high:
        return loaded
    return np.clip(loaded.astype(np.float64), low, high).astype(loaded.dtype)


def settle_sizes(options: Mapping[str, Any], image_size: int) -> dict[str, Any]:
    """The options of a data set with its sizes as numbers; `image_size` stands in for a missing `size`.

    Raises:
        ValueError: load_size is smaller than size.
    """
    size = options.get("size", image_size)
    load_size = settled_load_size(options.get("load_size", "auto"), size)
    if message := _too_small(load_size, size):
        raise ValueError(message)
    return {**options, "size": size, "load_size": load_size}


def settled_load_size(load_size: int | Literal["auto"], size: int) -> int:
    """A load size with "auto" replaced by the published 286 for 256, and in proportion."""
    return int(size * 286 / 256 + 0.5) if load_size == "auto" else load_size


def _too_small(load_size: int, size: int) -> str:
    """Why a load size cannot be used, with the option to change in front; "" if it can."""
    if load_size >= size:
        return ""
    remedy = f'use {size} or more, or "auto"'
    return f"load_size: a crop of size {size} does not fit into pictures resized to {load_size}; {remedy}"
