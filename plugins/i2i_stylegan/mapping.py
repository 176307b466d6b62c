"""From random numbers to styles: the mapping network, and the running mean of what it gives."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from i2i_stylegan.layers import EPSILON, EqualLinear

LR_MULTIPLIER = 0.01
KEPT = 0.995  # of the mean style, each time that styles are drawn


class Mapping(nn.Module):
    """Random numbers z (N, latent) to styles w (N, latent) (section 2); its layers learn a hundred times slower."""

    def __init__(self, latent: int, layers: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            EqualLinear(latent, latent, lr_multiplier=LR_MULTIPLIER) for _ in range(layers)
        )

    def forward(self, z: Tensor) -> Tensor:
        w = z.to(next(self.parameters()).dtype)
        w = w * torch.rsqrt(w.square().mean(1, keepdim=True) + EPSILON)
        for layer in self.layers:
            w = F.leaky_relu(layer(w), 0.2)
        return w


class MeanStyle(nn.Module):
    """The running mean of the styles, towards which samples are pulled (section 2, the truncation trick).

    A batch may come in parts: they are added up, and the mean takes them in once the next batch begins. So
    micro-batches give what their whole would give.
    """

    average: Tensor
    total: Tensor
    count: Tensor
    moment: Tensor

    def __init__(self, latent: int) -> None:
        super().__init__()
        self.register_buffer("average", torch.zeros(latent))
        self.register_buffer("total", torch.zeros(latent))
        self.register_buffer("count", torch.zeros(()))
        self.register_buffer("moment", torch.tensor(-1))

    @torch.no_grad()
    def add(self, styles: Tensor, moment: int) -> None:
        """Take in styles (N, latent); those of one moment belong to one batch."""
        begins = self.moment != moment
        self.average.copy_(torch.where(begins, self.now(), self.average))
        self.total.mul_(~begins).add_(styles.sum(0))
        self.count.mul_(~begins).add_(len(styles))
        self.moment.fill_(moment)

    def now(self) -> Tensor:
        """The running mean (latent,), with the latest batch in it."""
        mean = self.total / self.count.clamp(min=1)
        return torch.where(self.count > 0, mean + (self.average - mean) * KEPT, self.average)
