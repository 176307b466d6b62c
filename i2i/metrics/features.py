"""The network through which a metric looks at pictures, and all that must be equal to compare what it sees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from i2i.metrics import inception
from i2i.metrics.backbone import Backbone
from i2i.metrics.inception import Inception
from i2i.metrics.pictures import ROUNDING, coloured, in_bytes
from i2i.metrics.weights import Weights, fingerprint

Network = Annotated[str, Field(description='"inception", or a network of timm: "resnet50"')]
NetworkWeights = Annotated[
    Weights,
    Field(
        description=f'a .safetensors file (of inception made by `{inception.CONVERT}`), "download", or "random" for '
        "trials"
    ),
]


@dataclass(frozen=True)
class FeatureExtractor:
    """A network that turns pictures, rounded to 8 bits, into features.

    Attributes:
        metric: whose it is.
        network: (N, 3, H, W), uint8, to (N, F).
        protocol: what it is, and how pictures get into it.
    """

    metric: str
    network: nn.Module
    protocol: dict[str, str | int | float]

    def extract(self, pictures: Tensor) -> Tensor:
        """The features of pictures (N, C, H, W) in [-1, 1]: (N, F), float32, on the CPU.

        Raises:
            I2IError: they have neither one nor three channels.
        """
        seen = in_bytes(coloured(pictures, self.metric))
        with torch.no_grad():
            features: Tensor = self.network.to(seen.device)(seen)
        return features.float().cpu()


def feature_extractor(
    network: str, weights: Weights, metric: str, layer: Literal["features", "scores"] = "features"
) -> FeatureExtractor:
    """The network of a metric.

    Args:
        network: "inception", or what timm calls it.
        weights: a file, "download" or "random".
        metric: who asks.
        layer: pooled features, or the scores of the classes that it was trained to tell apart.

    Raises:
        ValueError: there is no such network, or there are no such weights.
    """
    made: nn.Module
    if network == "inception":
        made = Inception("2048" if layer == "features" else "logits_unbiased", weights, metric)
        resize, height, width = inception.RESIZE, inception.SIDE, inception.SIDE
    else:
        made = Backbone(network, weights, scores=layer == "scores")
        resize, (height, width) = f"{made.filter}, antialiased", made.size
    return FeatureExtractor(
        metric,
        made,
        {
            "network": network,
            "network_weights": "random" if weights == "random" else fingerprint(made),
            "network_layer": layer,
            "network_resize": resize,
            "network_size": f"{width}x{height}",
            "rounding": ROUNDING,
        },
    )
