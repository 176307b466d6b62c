"""Label maps as networks see them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

import i2i


@dataclass(frozen=True)
class Semantics:
    """How maps of whole numbers become the channels that a network is told.

    Attributes:
        classes: values of a label map; don't-care, where there is one, is the last.
        edges: the borders of the instances are one more channel.
    """

    classes: int
    edges: bool

    @property
    def channels(self) -> int:
        """How many channels there are."""
        return self.classes + self.edges

    def of(self, x: i2i.Batch) -> Tensor:
        """The channels (N, channels, H, W) of a batch's `label_map` and `instance_map`: zeros and ones.

        Raises:
            ValueError: the networks were trained with instance maps, and there is none.
        """
        told = one_hot(x.label_map, self.classes)
        if not self.edges:
            return told
        if "instance_map" not in x:
            raise ValueError(
                "instance_map: this run was trained with the borders of instances; give the instance map that "
                "belongs to the label map"
            )
        return torch.cat([told, instance_edges(x.instance_map)], 1)

    def check(self, label_map: Tensor) -> None:
        """Refuse values that stand for no class.

        Raises:
            ValueError: the map holds one.
        """
        if torch.compiler.is_exporting():  # a graph holds no branch that depends on values
            return
        low, high = int(label_map.min()), int(label_map.max())
        if low < 0 or high >= self.classes:
            wrong = low if low < 0 else high
            raise ValueError(
                f"label_map: it holds the value {wrong}, and this run knows 0 to {self.classes - 1}"
            )


def one_hot(label_map: Tensor, classes: int) -> Tensor:
    """Whole numbers (N, 1, H, W) to one channel per class (N, classes, H, W), 1 where it is of the class."""
    count, _, height, width = label_map.shape
    channels = torch.zeros(count, classes, height, width, device=label_map.device)
    return channels.scatter_(1, label_map.long(), 1.0)


def instance_edges(instance_map: Tensor) -> Tensor:
    """Where instances touch, (N, 1, H, W): 1 where a pixel's number differs from that of a neighbour to any side."""
    across = instance_map[..., 1:] != instance_map[..., :-1]
    down = instance_map[..., 1:, :] != instance_map[..., :-1, :]
    edges = torch.zeros_like(instance_map, dtype=torch.bool)
    edges[..., 1:] |= across
    edges[..., :-1] |= across
    edges[..., 1:, :] |= down
    edges[..., :-1, :] |= down
    return edges.float()
