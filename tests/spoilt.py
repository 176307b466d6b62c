"""A plug-in whose method goes wrong where a test wants it to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

import i2i
from i2i.core.batch import address
from i2i.nets import BatchNorm
from i2i.nets.pool import ImagePool


@dataclass(frozen=True, kw_only=True)
class Spoilt(i2i.Strategy):
    """Two networks and a pool; a term is nan when so many images were seen.

    Attributes:
        at: numbers of images.
        attempts: it is wrong in the first so many attempts.
        weights: the discriminator's weights are spoilt as well, once a step is done.
    """

    at: tuple[int, ...] = ()
    attempts: int = 1
    weights: bool = False

    def wants(self) -> tuple[str, ...]:
        return ("a", "b")

    def takes(self, controls: Mapping[str, Any]) -> tuple[str, ...]:
        return ("a",)

    def build(self, make: i2i.Make, data: i2i.DataFacts) -> Mapping[str, Any]:
        G = nn.Sequential(nn.Conv2d(3, 2, 1), BatchNorm(2), nn.Tanh(), nn.Conv2d(2, 3, 1))
        return {"G": G, "D": nn.Conv2d(3, 1, 1), "pool": ImagePool(3)}

    def phases(self) -> Sequence[i2i.Phase]:
        return [
            i2i.Phase("generator", self.generator_terms, {"G": {"pixel": 1.0}}),
            i2i.Phase("discriminator", self.discriminator_terms, {"D": {"score": 1.0}}),
        ]

    def prepare(self, net: i2i.Parts, x: i2i.Batch) -> None:
        x.fake = net.G(x.a)

    def generator_terms(self, net: i2i.Parts, x: i2i.Batch) -> Mapping[str, Tensor]:
        pixel = (x.fake - x.b).abs().mean() + 0.1 * x.random.uniform(x.fake).mean()
        return {"pixel": pixel * (float("nan") if self._wrong(x) and not self.weights else 1.0)}

    def discriminator_terms(self, net: i2i.Parts, x: i2i.Batch) -> Mapping[str, Tensor]:
        score = net.D(x.together(net.pool, x.fake)).square().mean()
        if self._wrong(x) and self.weights:  # a step so long that the weight leaves the numbers there are
            with torch.no_grad():
                net.D.bias.fill_(float("inf"))
            score = net.D.weight.square().mean()
        return {"score": score}

    def _wrong(self, x: i2i.Batch) -> bool:
        seeds = [0, *(address("attempt", 0, attempt) for attempt in range(1, self.attempts))]
        return x.images_seen in self.at and x.random.key[0] in seeds

    def translate(self, net: i2i.Parts, x: i2i.Batch) -> Tensor:
        out: Tensor = net.G(x.a)
        return out


@i2i.hookimpl
def i2i_register(registry: i2i.Registry) -> None:
    """Register the strategy."""
    registry.add("strategy", "spoilt", Spoilt)
