"""Networks of timm as a shelf: encoders, perceptual features and discriminators, by name."""

from __future__ import annotations

import i2i
from i2i_timm.encoder import TimmEncoder
from i2i_timm.perceptual import TimmPerceptual
from i2i_timm.projected import ProjectedDiscriminator


@i2i.hookimpl
def i2i_register(registry: i2i.Registry) -> None:
    """Register the three ways in which a network of timm serves."""
    registry.add("encoder", "timm", TimmEncoder)
    registry.add("loss", "timm", TimmPerceptual)
    registry.add("discriminator", "projected", ProjectedDiscriminator)
