"""What a network saw in pictures, kept, and handed to torchmetrics."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class Precomputed(nn.Module):
    """Stands for torchmetrics' network: the features are there already."""

    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.num_features = num_features

    def forward(self, features: Tensor) -> Tensor:
        return features


class Collected:
    """What a network saw in some pictures: 8 kB for each at 2048 features."""

    def __init__(self) -> None:
        self.seen: list[Tensor] = []

    def add(self, features: Tensor) -> None:
        """Features (N, F)."""
        self.seen.append(features)

    def __len__(self) -> int:
        return sum(map(len, self.seen))

    def all(self) -> Tensor:
        """All features, (pictures, F), float64."""
        return torch.cat(self.seen).double()


@contextmanager
def quiet() -> Iterator[None]:
    """Without torchmetrics' words about memory: a few kilobytes for each picture."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        yield
