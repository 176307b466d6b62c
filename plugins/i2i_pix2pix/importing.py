"""Weights that pytorch-CycleGAN-and-pix2pix wrote while training pix2pix: `latest_net_G.pth`, `latest_net_D.pth`."""

from __future__ import annotations

from collections.abc import Iterable

import i2i
from i2i.nets import Shapes, read_patch, read_pixel, read_resnet, read_unet

PICTURE = 4  # a U-Net that reads more channels has a code beside the picture: another method's
DROPOUT = 0.5
WITH_DROPOUT = (
    "the file does not tell whether the U-Net was trained with dropout; 0.5 is taken, and stays active when it "
    "translates, as published (off: --set strategy.generator.dropout=0)"
)
SKIPS = (
    "the U-Net is taken as one of pytorch-CycleGAN-and-pix2pix; with instance norm, one that BicycleGAN's code trained "
    "without a code (nz = 0) has the same tensors in another order of channels"
)
DIRECTION = (
    "a is what the generator reads and b what it makes; where your pairs are the other way round, train with "
    'data.direction = "b-to-a"'
)


class GeneratorImporter:
    """pix2pix's generator as its authors save it (net_G): U-Net or ResNet."""

    def detect(self, keys: Iterable[str], shapes: Shapes) -> i2i.Match | None:
        """How the weights fit, or None."""
        unet = read_unet(shapes)
        if unet is not None and unet.in_channels > PICTURE:
            return None
        network = unet or read_resnet(shapes)
        if network is None:
            return None
        size = {"image_size": network.image_size} if network.image_size else {}
        dropout = {"dropout": DROPOUT} if unet else {}
        skips = (SKIPS,) if unet and network.options["norm"] == "instance" else ()
        return i2i.Match(
            keys=network.keys,
            options={"generator": {**network.table, **dropout}},
            facts={"channels": {"a": network.in_channels, "b": network.out_channels}, **size},
            files=("net_G",),
            assumed=(*skips, WITH_DROPOUT, DIRECTION) if unet else (DIRECTION,),
        )


class DiscriminatorImporter:
    """pix2pix's discriminator as its authors save it (net_D): of patches or of pixels."""

    def detect(self, keys: Iterable[str], shapes: Shapes) -> i2i.Match | None:
        """How the weights fit, or None; it sees input and result together."""
        network = read_patch(shapes) or read_pixel(shapes)
        if network is None or network.in_channels < 2:
            return None
        return i2i.Match(
            keys=network.keys,
            options={"discriminator": network.table},
            files=("net_D",),
        )
