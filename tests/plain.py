"""Trained models around one network, without any training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

import i2i
from i2i.core.schema import Ref
from i2i.translate.model import Model


@dataclass(frozen=True, kw_only=True)
class Plain(i2i.Strategy):
    """What goes through the network is the result: a picture `a`, or a map of three classes and one of instances."""

    mapped: bool = False

    def wants(self) -> tuple[str, ...]:
        return ("labels", "instances", "b") if self.mapped else ("a", "b")

    def takes(self, controls: Mapping[str, Any]) -> tuple[str, ...]:
        return ("labels", "instances?") if self.mapped else ("a",)

    def makes(self, controls: Mapping[str, Any]) -> str:
        return "b"

    def build(self, make: i2i.Make, data: i2i.DataFacts) -> Mapping[str, Any]:
        return {}

    def phases(self) -> Sequence[i2i.Phase]:
        return []

    def translate(self, net: i2i.Parts, x: i2i.Batch, *, noise: float = 0.0) -> Tensor:
        """Run the network; noise is one number for each picture."""
        if self.mapped:
            classes = nn.functional.one_hot(x.labels[:, 0], 3).movedim(-1, 1).float()
            instances = x.instances if "instances" in x else torch.zeros_like(x.labels)
            made: Tensor = net.G(torch.cat([classes, (instances % 2).float()], 1))
        else:
            made = net.G(x.a)
        drawn = x.random.normal(made[:, :1, :1, :1]) if noise else 0.0
        return made + noise * drawn


def plain(network: nn.Module, *, mapped: bool = False, channels: int = 3) -> Model:
    """A model around a network for pictures of so many channels, or for maps."""
    counts = {"b": channels} if mapped else {"a": channels, "b": channels}
    facts = i2i.DataFacts(
        fields=("labels", "instances", "b") if mapped else ("a", "b"),
        image_size=32,
        channels=counts,
        value_range=dict.fromkeys(counts, (0.0, 255.0)),
        maps={"labels": 3, "instances": 0} if mapped else {},
        classes=("sky", "sea", "land") if mapped else (),
    )
    spec = i2i.Spec(strategy=Ref("plain"), data=Ref("demo"))
    return Model(spec, Plain(mapped=mapped), i2i.Parts({"G": network}), facts, torch.device("cpu"))


class Fitting(nn.Module):
    """Refuses sides that are no multiples of a number, or too short; with an error, or by another size."""

    def __init__(self, multiple: int = 1, least: int = 1, *, raises: bool = True) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1)
        self.needs, self.least, self.raises = multiple, least, raises

    def forward(self, x: Tensor) -> Tensor:
        sides = x.shape[-2:]
        if min(sides) < self.least:
            raise AssertionError("too small")
        if self.raises and any(side % self.needs for side in sides):
            raise IndexError("does not fit")
        made: Tensor = self.conv(x)
        return made[..., : sides[0] // self.needs * self.needs, : sides[1] // self.needs * self.needs]


class PadsItself(nn.Module):
    """Halves twice and doubles twice, at any size: it pads to the right and below, and cuts back."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Sequential(nn.Conv2d(3, 4, 3, 2, 1), nn.Tanh(), nn.Conv2d(4, 4, 3, 2, 1), nn.Tanh())
        self.up = nn.Sequential(nn.ConvTranspose2d(4, 4, 4, 2, 1), nn.ConvTranspose2d(4, 3, 4, 2, 1))

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        made: Tensor = self.up(self.down(nn.functional.pad(x, (0, -width % 4, 0, -height % 4))))
        return made[..., :height, :width]


def seeded(make: Any, *words: Any, **options: Any) -> Any:
    """A module whose weights are always the same."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return make(*words, **options)
