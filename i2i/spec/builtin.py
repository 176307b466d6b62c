"""Our own components, registered as a stranger's would be."""

from __future__ import annotations

from i2i import losses, nets
from i2i.core.hookspecs import hookimpl
from i2i.core.registry import Registry
from i2i.data.demo import Demo
from i2i.data.domains import Domains
from i2i.data.image_source import Images
from i2i.data.masks import Masks
from i2i.data.paired import Paired
from i2i.data.shards import Shards
from i2i.data.unpaired import Unpaired
from i2i.engine import optim


@hookimpl
def i2i_register(registry: Registry) -> None:
    """Networks, losses, data sets, optimizers and schedules that several methods share."""
    registry.add("generator", "unet", nets.UNet)
    registry.add("generator", "resnet", nets.ResNet)
    registry.add("generator", "latent-unet", nets.LatentUNet)
    registry.add("discriminator", "patch", nets.PatchGAN)
    registry.add("discriminator", "pixel", nets.PixelDiscriminator)
    registry.add("loss", "vanilla", losses.Vanilla)
    registry.add("loss", "lsgan", losses.LeastSquares)
    registry.add("loss", "hinge", losses.Hinge)
    registry.add("loss", "wgan-gp", losses.Wasserstein)
    registry.add("loss", "l1", losses.l1)
    registry.add("loss", "l2", losses.l2)
    registry.add("loss", "huber", losses.huber)
    registry.add("loss", "sobel", losses.sobel)
    registry.add("loss", "vgg19", losses.VGG19)
    registry.add("data", "paired", Paired)
    registry.add("data", "unpaired", Unpaired)
    registry.add("data", "domains", Domains)
    registry.add("data", "images", Images)
    registry.add("data", "masks", Masks)
    registry.add("data", "shards", Shards)
    registry.add("data", "demo", Demo)
    registry.add("optimizer", "adam", optim.adam)
    registry.add("optimizer", "adamw", optim.adamw)
    registry.add("optimizer", "sgd", optim.SGD)
    registry.add("optimizer", "rmsprop", optim.rmsprop)
    registry.add("schedule", "constant", optim.constant)
    registry.add("schedule", "linear", optim.Linear)
    registry.add("schedule", "exponential", optim.Exponential)
