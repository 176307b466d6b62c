"""GAN, CGAN, DCGAN, ACGAN and VAE-GAN: pictures from random numbers."""

import i2i
from i2i_gans.acgan import ACGAN
from i2i_gans.cgan import CGAN
from i2i_gans.convolutional import StridedDiscriminator, StridedGenerator
from i2i_gans.dcgan import DCGAN
from i2i_gans.gan import GAN
from i2i_gans.joining import LabelStridedDiscriminator, LabelStridedGenerator
from i2i_gans.maxout import JointMaxoutDiscriminator, MaxoutDiscriminator
from i2i_gans.perceptrons import (
    JointMLPGenerator,
    LabelMLPDiscriminator,
    LabelMLPGenerator,
    MLPDiscriminator,
    MLPGenerator,
)
from i2i_gans.resizing import (
    ClassDiscriminator,
    ConvDiscriminator,
    LabelResizingGenerator,
    ResizingGenerator,
)
from i2i_gans.vaegan import VAEGAN
from i2i_gans.vaegan_losses import BoundedLogistic
from i2i_gans.vaegan_networks import VAEGANDecoder, VAEGANDiscriminator, VAEGANEncoder


@i2i.hookimpl
def i2i_register(registry: i2i.Registry) -> None:
    """Register the strategies and their networks."""
    registry.add("strategy", "gan", GAN)
    registry.add("strategy", "cgan", CGAN)
    registry.add("strategy", "dcgan", DCGAN)
    registry.add("strategy", "acgan", ACGAN)
    registry.add("strategy", "vaegan", VAEGAN)
    registry.add("loss", "bounded-logistic", BoundedLogistic)
    registry.add("encoder", "vaegan-encoder", VAEGANEncoder)
    registry.add("generator", "vaegan-decoder", VAEGANDecoder)
    registry.add("discriminator", "vaegan-features", VAEGANDiscriminator)
    registry.add("generator", "mlp", MLPGenerator)
    registry.add("generator", "label-mlp", LabelMLPGenerator)
    registry.add("generator", "joint-mlp", JointMLPGenerator)
    registry.add("generator", "strided", StridedGenerator)
    registry.add("generator", "label-strided", LabelStridedGenerator)
    registry.add("generator", "resizing", ResizingGenerator)
    registry.add("generator", "label-resizing", LabelResizingGenerator)
    registry.add("discriminator", "mlp", MLPDiscriminator)
    registry.add("discriminator", "label-mlp", LabelMLPDiscriminator)
    registry.add("discriminator", "maxout", MaxoutDiscriminator)
    registry.add("discriminator", "joint-maxout", JointMaxoutDiscriminator)
    registry.add("discriminator", "strided", StridedDiscriminator)
    registry.add("discriminator", "label-strided", LabelStridedDiscriminator)
    registry.add("discriminator", "conv", ConvDiscriminator)
    registry.add("discriminator", "class-conv", ClassDiscriminator)
