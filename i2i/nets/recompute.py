"""Activation checkpointing: blocks whose maps are computed again for the gradient instead of being kept."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from i2i.nets.joining import steady


class Chain(nn.Sequential):
    """Blocks one after the other; of those that allow it only the input is kept, once `recompute` is set.

    Chen et al., "Training Deep Nets with Sublinear Memory Cost", 2016. A block with batch norm, spectral norm or active
    dropout does not allow it: a second pass would move its statistics, or draw other numbers.

    Attributes:
        recompute: whether maps inside the blocks are computed again.
    """

    recompute = False

    def forward(self, x: Any) -> Any:
        for block in self:
            again = self.recompute and torch.is_grad_enabled() and steady(block)
            x = checkpoint(block, x, use_reentrant=False, preserve_rng_state=False) if again else block(x)
        return x


def recompute_blocks(network: nn.Module) -> int:
    """Set `recompute` in every `Chain` of a network; returns how many blocks that concerns."""
    found = [part for part in network.modules() if isinstance(part, Chain)]
    for blocks in found:
        blocks.recompute = True
    return sum(steady(block) for blocks in found for block in blocks)
