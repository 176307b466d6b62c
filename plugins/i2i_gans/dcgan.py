"""DCGAN: convolutions in the generator and the discriminator.

Radford, Metz and Chintala, "Unsupervised Representation Learning with Deep Convolutional Generative Adversarial
Networks", 2016.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import i2i
from i2i_gans.gan import GAN
from i2i_gans.orders import Order
from i2i_gans.recipes import on_demo, published


@dataclass(frozen=True, kw_only=True)
class DCGAN(GAN):
    """Pictures from random numbers, by networks of strided convolutions with batch norm."""

    generator: i2i.Generator = i2i.Ref("strided")
    discriminator: i2i.Discriminator = i2i.Ref("strided")
    order: Order = "discriminator-first"

    judging: ClassVar[float] = 1.0
    recipe: ClassVar[Mapping[str, Any]] = published(64, 25, "normal")
    example: ClassVar[Mapping[str, Any]] = {"data": {"root": "data/celeba", "centre_crop": 178}}
    demo: ClassVar[Mapping[str, Any]] = on_demo(
        {"generator": {"width": 32}, "discriminator": {"width": 32}}, steps=2000
    )
