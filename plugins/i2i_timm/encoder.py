"""A network of timm as encoder: a picture in, the distribution of its code out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from i2i_timm.backbone import Backbone
from i2i_timm.networks import known
from i2i_timm.options import Choice, Network, NetworkOptions, Stages, Weights


class TimmEncoder(nn.Module):
    """Any network of timm as encoder, trained with the rest.

    (N, in_channels, H, W) in [-1, 1] to the mean and the log-variance of the code, both (N, latent), read from the
    mean of each of its stages (by default of the last one). Published weights are where it starts; the statistics of
    their batch norms stay. `train.init` draws the two linear layers only.

    Args:
        in_channels: of the pictures; where there are neither 1 nor 3, timm adapts the first layer.
        latent: numbers in the code.
        translating: all weights come from a checkpoint, and no file of them is read.
    """

    def __init__(
        self,
        in_channels: int,
        latent: int,
        translating: bool = False,
        *,
        network: Network = "resnet18",
        stages: Stages = "auto",
        weights: Weights = "random",
        network_options: NetworkOptions = None,
    ) -> None:
        super().__init__()
        choice = Choice(network, stages, weights, network_options or {})
        self.backbone = Backbone(choice, 1, in_channels, reads=not translating)
        width = sum(self.backbone.channels)
        self.mean = nn.Linear(width, latent)
        self.log_variance = nn.Linear(width, latent)

    @staticmethod
    def settle(options: Mapping[str, Any]) -> dict[str, Any]:
        """The options, unchanged.

        Raises:
            ValueError: timm does not know the network.
        """
        known(options["network"])
        return dict(options)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        x = torch.cat([each.mean((2, 3)) for each in self.backbone(image)], 1)
        return self.mean(x), self.log_variance(x)
