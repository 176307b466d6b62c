"""The Inception network that published figures of FID, KID and inception score were computed with."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

from torch import Tensor, nn

from i2i.core.extras import needs
from i2i.metrics.draws import own_draws
from i2i.metrics.weights import Weights, download, fill, read

FILE = "weights-inception-2015-12-05-6726825d.pth"
URL = f"https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/{FILE}"
CONVERT = f"i2i import {FILE} --as inception -o inception.safetensors"
FETCH = f'fetch {URL}, convert it once by `{CONVERT}` and give weights = "inception.safetensors"'
NETWORK = "torch-fidelity's Inception network"
RESIZE, SIDE = "bilinear as in TensorFlow 1", 299


class Inception(nn.Module):
    """Pictures (N, 3, H, W), uint8, to the features of a layer, (N, F): torch-fidelity's network.

    Args:
        layer: "2048", the pooled features, or "logits_unbiased".
        weights: a file that `i2i import --as inception` wrote, "download" or "random".
        metric: who asks, for messages.

    Raises:
        ValueError: there are no such weights.
    """

    def __init__(self, layer: str, weights: Weights, metric: str) -> None:
        super().__init__()
        library = needs(
            "torch_fidelity.feature_extractor_inceptionv3", "metrics", f"for the metric '{metric}'"
        )
        if weights is None:
            raise ValueError(
                f"weights: those of {NETWORK} are needed, which i2i does not bring; {FETCH}; or give "
                'weights = "download"'
            )
        self.network = _empty(library, layer)
        if isinstance(weights, Path):
            fill(self.network, read(weights, "weights", f"`{CONVERT}` makes one"), "weights", NETWORK)
        elif weights == "download":
            fill(self.network, download(URL, FETCH), "weights", NETWORK)

    def forward(self, pictures: Tensor) -> Tensor:
        features: Tensor = self.network(pictures)[0]
        return features


def _empty(library: Any, layer: str) -> nn.Module:
    """The network with random weights."""
    network = library.FeatureExtractorInceptionV3
    # Its constructor reads weights, from the network or by pickle: neither is asked for here.
    unread = patch.object(library, "load_state_dict_from_url")
    with own_draws(), unread, patch.object(network, "load_state_dict"):
        return cast(nn.Module, network("inception", [layer]))
