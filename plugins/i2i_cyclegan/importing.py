"""Weights that pytorch-CycleGAN-and-pix2pix wrote while training CycleGAN: `latest_net_G_A.pth` and three more.

There a discriminator is named after the generator that it judges: net_G_A makes b, and net_D_A judges b.
PyTorch-CycleGAN (Aitor Ruano) writes networks of the same layers and names discriminators as we do: netD_B judges b.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import i2i
from i2i.nets import Shapes, read_patch, read_pixel, read_resnet, read_unet

STATISTICS = (
    "batch norm translates with the averages of the training; the authors' program uses those of each picture"
)


@dataclass(frozen=True)
class GeneratorImporter:
    """A generator as the authors save it.

    Attributes:
        reads: the domain that it translates.
        makes: the domain that it translates into.
        files: what the authors call its file.
        alone: what they call it where it was published without the other three.
    """

    reads: str
    makes: str
    files: tuple[str, ...]
    alone: tuple[str, ...] = ()

    def detect(self, keys: Iterable[str], shapes: Shapes) -> i2i.Match | None:
        """How the weights fit, or None."""
        network = read_resnet(shapes) or read_unet(shapes)
        if network is None:
            return None
        norm, size = network.options["norm"], network.image_size
        as_published = network.component == "resnet" and norm == "instance" and not network.options["dropout"]
        channels = {self.reads: network.in_channels, self.makes: network.out_channels}
        return i2i.Match(
            keys=network.keys,
            options={"generator": network.table},
            facts={"channels": channels, **({"image_size": size} if size else {})},
            files=(*self.files, *(self.alone if as_published else ())),
            assumed=(STATISTICS,) if norm == "batch" else (),
        )


@dataclass(frozen=True)
class DiscriminatorImporter:
    """A discriminator as the authors save it.

    Attributes:
        judges: the domain whose pictures it sees.
        files: what the authors call its file.
    """

    judges: str
    files: tuple[str, ...]

    def detect(self, keys: Iterable[str], shapes: Shapes) -> i2i.Match | None:
        """How the weights fit, or None."""
        network = read_patch(shapes) or read_pixel(shapes)
        if network is None:
            return None
        return i2i.Match(
            keys=network.keys,
            options={"discriminator": network.table},
            facts={"channels": {self.judges: network.in_channels}},
            files=self.files,
        )


def generator_ab() -> i2i.Importer:
    """CycleGAN's generator from a to b as its authors save it (net_G_A)."""
    return GeneratorImporter("a", "b", ("net_G_A", "netG_A2B"), alone=("net_G",))


def generator_ba() -> i2i.Importer:
    """CycleGAN's generator from b to a as its authors save it (net_G_B)."""
    return GeneratorImporter("b", "a", ("net_G_B", "netG_B2A"))


def discriminator_a() -> i2i.Importer:
    """CycleGAN's discriminator of domain a as its authors save it (net_D_B)."""
    return DiscriminatorImporter("a", ("net_D_B", "netD_A"))


def discriminator_b() -> i2i.Importer:
    """CycleGAN's discriminator of domain b as its authors save it (net_D_A)."""
    return DiscriminatorImporter("b", ("net_D_A", "netD_B"))
