"""Any network of timm as the one that a metric looks through."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from i2i.core.errors import nearest
from i2i.metrics.draws import own_draws
from i2i.metrics.weights import Weights, fill, read

HUB = "huggingface.co"
FILE = "model.safetensors"


class Backbone(nn.Module):
    """Pictures (N, 3, H, W), uint8, to features (N, F), or to scores of classes: a network of timm.

    The whole picture is resized to what the network was trained with, and shifted and scaled as it was.

    Args:
        name: what timm calls it, "resnet50" or "resnet50.a1_in1k".
        weights: a `.safetensors` file of timm, "download" or "random".
        scores: keep its layer that tells classes apart.

    Raises:
        ValueError: there is no such network, or no such weights.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, name: str, weights: Weights, scores: bool = False) -> None:
        super().__init__()
        self.network = _empty(name, scores)
        config: dict[str, Any] = dict(self.network.pretrained_cfg)
        if weights != "random":
            path = _path(name, config, weights)
            fill(self.network, _without_classes(path, config, scores), "weights", f"timm's {name}")
        self.size: tuple[int, int] = config["input_size"][1:]
        self.filter: str = config["interpolation"]
        self.register_buffer("mean", torch.tensor(config["mean"]).view(1, -1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(config["std"]).view(1, -1, 1, 1), persistent=False)
        self.eval().requires_grad_(False)

    def forward(self, pictures: Tensor) -> Tensor:
        resized = F.interpolate(pictures.float() / 255, self.size, mode=self.filter, antialias=True).clamp(
            0, 1
        )
        features: Tensor = self.network((resized - self.mean) / self.std)
        return features


def _empty(name: str, scores: bool) -> Any:
    """The network with random weights.

    Raises:
        ValueError: timm does not know it.
    """
    import timm

    if not timm.is_model(name):
        raise ValueError(
            f"network: timm has no '{name}'\n    {nearest(name, ['inception', *timm.list_models()])}"
        )
    try:
        with own_draws():
            return timm.create_model(name) if scores else timm.create_model(name, num_classes=0)
    except RuntimeError as error:
        raise ValueError(f"network: timm cannot make '{name}': {error}") from error


def _path(name: str, config: dict[str, Any], weights: Weights) -> Path:
    """Where the weights are.

    Raises:
        ValueError: nobody says, or they cannot be had.
    """
    if isinstance(weights, Path):
        return weights
    home = config.get("hf_hub_id")
    if not home:
        raise ValueError(f"weights: timm publishes none of '{name}'; give your own, a .safetensors file")
    fetch = f'fetch {FILE} from {HUB}/{home} and give weights = "{FILE}"'
    if weights is None:
        raise ValueError(
            f"weights: those of timm's {name} are needed, which i2i does not bring; {fetch}; or give "
            'weights = "download"'
        )
    return _fetched(home, fetch)


def _fetched(home: str, fetch: str) -> Path:
    """A file of the hub, or of its cache.

    Raises:
        ValueError: neither has it.
    """
    import huggingface_hub as hub

    errors: Any = import_module("huggingface_hub.errors")

    if isinstance(held := hub.try_to_load_from_cache(home, FILE), str):
        return Path(held)
    try:
        hub.HfApi().model_info(home, timeout=10)  # unlike a download, this gives up at once without a network
        return Path(hub.hf_hub_download(home, FILE))
    except (OSError, errors.HTTPError) as error:
        raise ValueError(
            f"weights: {HUB}/{home} cannot be had, and was not fetched before; {fetch}"
        ) from error


def _without_classes(path: Path, config: dict[str, Any], scores: bool) -> dict[str, Tensor]:
    """The tensors of a file, without the layer that tells classes apart where it is not asked for."""
    tensors = read(path, "weights", f"timm publishes each of its networks as {FILE}")
    heads = config.get("classifier") or ()
    dropped = () if scores else tuple(f"{head}." for head in ([heads] if isinstance(heads, str) else heads))
    return (
        {name: tensor for name, tensor in tensors.items() if not name.startswith(dropped)}
        if dropped
        else tensors
    )
