"""Distance of two pictures in the features of a network of timm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from i2i.losses import pair, single
from i2i_timm.backbone import FrozenBackbone, check_weights
from i2i_timm.options import Choice, FrozenWeights, Network, NetworkOptions, Stages


class TimmPerceptual(nn.Module):
    """Mean absolute difference of frozen features of any network of timm (Johnson et al., 2016), over its stages.

    Two pictures (N, 1 or 3, H, W) in [-1, 1] to one number: the mean over the stages (by default all of them) of the
    mean difference in each. No gradient reaches the second picture.
    """

    def __init__(
        self,
        *,
        network: Network = "vgg16",
        stages: Stages = "auto",
        weights: FrozenWeights = None,
        network_options: NetworkOptions = None,
    ) -> None:
        super().__init__()
        self.backbone = FrozenBackbone(Choice(network, stages, weights, network_options or {}))

    @staticmethod
    def settle(options: Mapping[str, Any]) -> dict[str, Any]:
        """The options, unchanged.

        Raises:
            ValueError: timm does not know the network, or nobody says which weights.
        """
        check_weights(options["network"], options["weights"])
        return dict(options)

    def forward(self, fake: Tensor, real: Tensor) -> Tensor:
        fake, real = pair(fake, real)
        with torch.no_grad():
            wanted = self.backbone(real)
        differences = [
            F.l1_loss(single(one), single(other))
            for one, other in zip(self.backbone(fake), wanted, strict=True)
        ]
        return torch.stack(differences).mean()
