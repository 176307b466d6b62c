"""Pictures to train with, their noise, and how penalties measure them."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

import i2i
from i2i_stylegan.growth import SMALLEST


def made_to_train(net: i2i.Parts, x: i2i.Batch, latent: int, mixing: float, moment: int) -> Tensor:
    """New pictures (N, C, S, S) of the present resolution; their styles count in the mean style.

    Args:
        net: the parts.
        x: the batch.
        latent: random numbers of a picture.
        mixing: the chance that they have the styles of other samples from some layer on (section 3.1).
        moment: tells the batches of which the mean is taken.
    """
    level = net.growth.at(x.images_seen)
    styles = net.G.mapping(x.random.normal(x.image.new_empty(len(x), latent)))
    x.together(lambda everyone, _: _counted(net, everyone, moment), styles.detach())
    layers = styles[:, None].expand(-1, net.G.layers, -1)
    if mixing:
        layers = _mixed(net, x, layers, mixing, level.layers)
    made: Tensor = net.G(layers, noise(x, x.image, level.side), level.fade(x.image))
    return made


def _counted(net: i2i.Parts, styles: Tensor, moment: int) -> Tensor:
    net.G.mean_style.add(styles, moment)
    return styles


def _mixed(net: i2i.Parts, x: i2i.Batch, styles: Tensor, chance: float, layers: int) -> Tensor:
    """Styles (N, layers, latent); from a layer on, the same for the whole batch, those of other samples."""
    others = net.G.mapping(x.random.normal(styles[:, 0].detach()))
    mixes, place = x.random.shared() < chance, x.random.shared()
    cutoff = 1 + int(place * (layers - 1)) if mixes else layers
    fine = torch.arange(styles.shape[1], device=styles.device) >= cutoff
    return torch.where(fine[:, None], others[:, None], styles)


def noise(x: i2i.Batch, like: Tensor, side: int) -> list[Tensor]:
    """Noise (N, 1, S, S) for each layer up to a resolution, on the device of `like`: S = 4, 4, 8, 8 and so on."""
    sides = [SMALLEST * 2**n for n in range((side // SMALLEST).bit_length())]
    shapes = [(like.shape[0], 1, s, s) for s in sides for _ in (0, 1)]
    return [x.random.normal(like.new_empty(shape, dtype=torch.float32)) for shape in shapes]


def as_if_large(critic: Callable[[Tensor], Tensor], factor: int) -> Callable[[Tensor], Tensor]:
    """A critic of pictures whose values are `factor` times larger: its slopes are so many times smaller.

    The authors' penalties differentiate by pictures enlarged to the full size, where factor² pixels share the slope of
    one. Their norm is the same.
    """
    return lambda scaled: critic(scaled / factor)
