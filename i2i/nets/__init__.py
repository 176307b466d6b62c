"""Networks and their pieces: pure torch, usable without the rest of i2i."""

from typing import TYPE_CHECKING, Any

from i2i.core.deprecated import public
from i2i.nets.blocks import (
    ConvBlock,
    Draws,
    Dropout,
    ReflectConv,
    ResidualBlock,
    ResizeConv,
    UpBlock,
    activation,
)
from i2i.nets.init import InitName, init_weights
from i2i.nets.joining import by_sample, joined
from i2i.nets.latent_unet import LatentUNet
from i2i.nets.norms import BatchNorm, GroupNorm, InstanceNorm, hidden_bias, norm_layer, normalise
from i2i.nets.options import ActivationName, Norm, NormName, Rate, Upsample, UpsampleName, Width
from i2i.nets.patch import PatchGAN, PixelDiscriminator
from i2i.nets.pool import ImagePool
from i2i.nets.published import (
    PublishedNetwork,
    Shapes,
    read_patch,
    read_pixel,
    read_resnet,
    read_unet,
    unet_names,
)
from i2i.nets.recompute import Chain, recompute_blocks
from i2i.nets.resnet import ResNet
from i2i.nets.sides import check_sides
from i2i.nets.spectral import SpectralConv, convolution
from i2i.nets.unet import UNet

if not TYPE_CHECKING:  # a type checker would take every name for one of these

    def __getattr__(name: str) -> Any:
        return public(__name__, name)


__all__ = [
    "ActivationName",
    "BatchNorm",
    "Chain",
    "ConvBlock",
    "Draws",
    "Dropout",
    "GroupNorm",
    "ImagePool",
    "InitName",
    "InstanceNorm",
    "LatentUNet",
    "Norm",
    "NormName",
    "PatchGAN",
    "PixelDiscriminator",
    "PublishedNetwork",
    "Rate",
    "ReflectConv",
    "ResNet",
    "ResidualBlock",
    "ResizeConv",
    "Shapes",
    "SpectralConv",
    "UNet",
    "UpBlock",
    "Upsample",
    "UpsampleName",
    "Width",
    "activation",
    "by_sample",
    "check_sides",
    "convolution",
    "hidden_bias",
    "init_weights",
    "joined",
    "norm_layer",
    "normalise",
    "read_patch",
    "read_pixel",
    "read_resnet",
    "read_unet",
    "recompute_blocks",
    "unet_names",
]
