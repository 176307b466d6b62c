"""The networks of a trained model on made-up pictures, beside their work: with contents, or without any."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from i2i.core.batch import Batch, Draws, Parts
from i2i.data.values import to_unit
from i2i.engine.inference import inference
from i2i.spec.ledger import Ledger
from i2i.translate.request import Request

if TYPE_CHECKING:
    from i2i.translate.model import Model

FEW = 4  # numbers in a made-up map that only tells things apart


@dataclass(frozen=True)
class Outcome:
    """What became of a picture without contents.

    Attributes:
        height: of the result.
        width: of the result.
        channels: of the result.
        memory: bytes at the fullest moment, the weights apart.
    """

    height: int
    width: int
    channels: int
    memory: int


class Trial:
    """A translation that can be tried on made-up pictures of any size, while the model is at work elsewhere.

    Args:
        model: whose networks are tried; they are not touched.
        request: what is asked; its first result is tried.
    """

    def __init__(self, model: Model, request: Request) -> None:
        self.strategy, self.facts, self.device = model.strategy, model.facts, model.device
        self.net, self.lock = _beside(model.net), model.lock
        self.fields = (request.field, *request.maps)
        self.controls, _ = next(request.cells())
        self.pictures = request.pictures

    def run(self, fields: Mapping[str, Tensor]) -> Tensor:
        """The result of pictures whose size fits, (N, C, H, W); all have the same random numbers."""
        count = len(fields[self.fields[0]])
        draws = Draws(("trial",), [0] * count)
        shared = {name: each.expand(count, -1, -1, -1) for name, each in self.pictures.items()}
        with self.lock, inference(self.net, self.strategy.inference, draws):
            return self.strategy.translate(self.net, Batch({**fields, **shared}, draws), **self.controls)

    def noise(self, height: int, width: int) -> dict[str, Tensor]:
        """A picture of noise in [-1, 1], and maps of noise."""
        generator = torch.Generator().manual_seed(0)
        made = {}
        for name in self.fields:
            if name in self.facts.maps:
                made[name] = torch.randint(self.values(name), (1, 1, height, width), generator=generator)
            else:
                size = (1, self.facts.channels[name], height, width)
                made[name] = torch.rand(size, generator=generator) * 2 - 1
        return {name: each.to(self.device) for name, each in made.items()}

    def values(self, name: str) -> int:
        """How many numbers a map may hold."""
        return self.facts.maps[name] or FEW

    def without_contents(self, count: int, height: int, width: int) -> Outcome | None:
        """What becomes of so many stored pictures of a size, without computing any; None where they are refused."""
        try:
            with Ledger() as ledger:
                made = self.run(
                    {name: self._empty(name, count, height, width) for name in self.fields}
                ).float()
        except Exception:  # a stranger's network may say no in any way
            return None
        channels, rows, columns = made.shape[-3:]
        return Outcome(rows, columns, channels, ledger.peak)

    def with_contents(self, height: int, width: int) -> tuple[int, int] | None:
        """The size that noise of a size comes out in; None where it is refused."""
        try:
            rows, columns = self.run(self.noise(height, width)).shape[-2:]
        except Exception:  # as above
            return None
        return rows, columns

    def _empty(self, name: str, count: int, height: int, width: int) -> Tensor:
        if name in self.facts.maps:
            return torch.zeros(count, 1, height, width, dtype=torch.int64, device=self.device)
        size = (count, self.facts.channels[name], height, width)
        return to_unit(torch.zeros(size, dtype=torch.uint8, device=self.device), (0, 255))


def _beside(net: Parts) -> Parts:
    """Parts that share all tensors with others and nothing else: what they keep while they are tried goes with them."""
    return net.replaced({name: _copy(module) for name, module in net.modules().items()})


def _copy(module: nn.Module) -> nn.Module:
    tensors = [*module.parameters(), *module.buffers()]
    try:
        return copy.deepcopy(module, {id(tensor): tensor for tensor in tensors})
    except (TypeError, RuntimeError):  # it holds what cannot be copied, and most keep nothing
        return module
