"""What tests of timm's networks share: published weights, which here are random ones in a file."""

from __future__ import annotations

from pathlib import Path

import timm
import torch
from safetensors.torch import save_file
from torch import Tensor

# The smallest of each kind: convolutions with batch norm, a transformer with a size of its own, layer norms.
NETWORKS = ["test_resnet", "test_vit", "test_convnext"]


def published(folder: Path, network: str) -> Path:
    """A file as timm publishes them, with statistics of batch norms that are not those of a new network."""
    path = folder / f"{network}.safetensors"
    if not path.exists():
        torch.manual_seed(5)
        state = timm.create_model(network).state_dict()
        for name, tensor in state.items():
            if name.endswith("running_mean"):
                tensor.copy_(0.02 * torch.randn_like(tensor))  # more would leave nothing behind a ReLU
            if name.endswith("running_var"):
                tensor.copy_(0.1 + torch.rand_like(tensor))
        save_file(state, path)
    return path


def picture(seed: int, channels: int = 3, side: int = 64) -> Tensor:
    """Two pictures in [-1, 1]."""
    return torch.rand(2, channels, side, side, generator=torch.Generator().manual_seed(seed)) * 2 - 1
