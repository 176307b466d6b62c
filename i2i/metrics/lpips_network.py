"""Perceptual distance of two pictures as torchmetrics computes it, with weights from files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn

from i2i.core.errors import I2IError
from i2i.core.extras import needs
from i2i.metrics.draws import own_draws
from i2i.metrics.pictures import ROUNDING, coloured, rounded
from i2i.metrics.weights import Weights, download, fill, fingerprint, read

Net = Literal["alex", "vgg", "squeeze"]
# Torchvision's files of weights, and the smallest sides that their networks can look at.
FILES: Mapping[str, str] = {
    "alex": "alexnet-owt-7be5be79.pth",
    "vgg": "vgg16-397923af.pth",
    "squeeze": "squeezenet1_1-b8a52dc0.pth",
}
BACKBONES: Mapping[str, str] = {"alex": "alexnet", "vgg": "vgg16", "squeeze": "squeezenet1_1"}
SMALLEST: Mapping[str, int] = {"alex": 31, "vgg": 16, "squeeze": 17}
URL = "https://download.pytorch.org/models"


def convert_command(net: str) -> str:
    """What makes a file of the weights that this module reads."""
    return f"i2i import {FILES[net]} --as lpips-{net} -o lpips-{net}.safetensors"


def shapes(net: str) -> dict[str, tuple[int, ...]]:
    """The name that torchvision gives every tensor of the network of a distance, and its shape."""
    from torchvision import models

    with torch.device("meta"):
        features = models.get_model(BACKBONES[net], weights=None).features
    return {f"features.{name}": tuple(tensor.shape) for name, tensor in features.state_dict().items()}


class Perceptual(nn.Module):
    """Pictures (N, C, H, W) in [-1, 1] and as many others to one distance each, (N,); both are rounded to 8 bits.

    Args:
        net: the network that looks.
        weights: a file that `i2i import --as lpips-…` made, "download" or "random".
        metric: who asks, for messages.

    Raises:
        ValueError: there are no such weights.
    """

    def __init__(self, net: Net, weights: Weights, metric: str) -> None:
        super().__init__()
        library = needs("torchmetrics.functional.image.lpips", "metrics", f"for the metric '{metric}'")
        self.metric, self.net = metric, net
        tensors = None if weights == "random" else self._tensors(weights)
        with own_draws():
            # torchmetrics brings the weights of the layers on top, and nothing of what is under them
            self.distance = library._NoTrainLpips(net=net, pnet_rand=True)
        if tensors is not None:
            places = {_place(name): name for name in self.distance.net.state_dict()}
            placed = {places.get(name, name): tensor for name, tensor in tensors.items()}
            fill(self.distance.net, placed, "weights", f"torchvision's {BACKBONES[net]}")
        self.hash = "random" if tensors is None else fingerprint(self.distance)

    def forward(self, one: Tensor, other: Tensor) -> Tensor:
        if one.shape != other.shape:
            raise I2IError(
                f"metric '{self.metric}': results and truths differ in shape: {tuple(one.shape)} and "
                f"{tuple(other.shape)}"
            )
        height, width = one.shape[-2:]
        if min(height, width) < SMALLEST[self.net]:
            raise I2IError(
                f"metric '{self.metric}' with the network '{self.net}' needs sides of at least "
                f"{SMALLEST[self.net]} pixels, got {width}x{height}"
            )
        self.to(one.device)
        with torch.no_grad():
            distances: Tensor = self.distance(self._seen(one), self._seen(other))
        return distances.flatten()

    def protocol(self) -> dict[str, str | int | float]:
        """The network, its weights, and how pictures get into it."""
        return {
            "network": self.net,
            "network_weights": self.hash,
            "network_resize": "none",
            "rounding": ROUNDING,
        }

    def _seen(self, pictures: Tensor) -> Tensor:
        return rounded(coloured(pictures, self.metric))

    def _tensors(self, weights: Weights) -> dict[str, Tensor]:
        """The tensors of torchvision's network, by their names there.

        Raises:
            ValueError: there are none.
        """
        fetch = (
            f"fetch {URL}/{FILES[self.net]}, convert it once by `{convert_command(self.net)}` and give "
            f'weights = "lpips-{self.net}.safetensors"'
        )
        if weights is None:
            raise ValueError(
                f"weights: those of torchvision's {BACKBONES[self.net]} are needed, which i2i does not bring; {fetch}; "
                'or give weights = "download"'
            )
        if isinstance(weights, Path):
            return read(weights, "weights", f"`{convert_command(self.net)}` makes one")
        held = download(f"{URL}/{FILES[self.net]}", fetch)
        return {name: tensor for name, tensor in held.items() if name.startswith("features.")}


def _place(name: str) -> str:
    """Torchvision's name of a tensor: torchmetrics cuts the network into slices and keeps the numbers of the layers."""
    head, _, rest = name.partition(".")
    return f"features.{rest if head != 'slices' else rest.partition('.')[2]}"
