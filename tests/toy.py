"""An engine on networks of a few weights, for phases that a test makes up."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from i2i.core.batch import Batch, Parts
from i2i.core.data import DataFacts
from i2i.core.strategy import Make, Phase, Strategy
from i2i.engine.loop import Engine, Settings
from i2i.engine.parallel import World


class Net(nn.Module):
    """Two layers, a smooth bend between them, and no norm."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(1, 2, 3, padding=1), nn.Conv2d(2, 1, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.second(torch.tanh(self.first(x)))
        return out


@dataclass(frozen=True, kw_only=True)
class Method(Strategy):
    """A strategy for engines that are made by hand: only `prepare` is ever called."""

    preparing: Callable[[Parts, Batch], None] = lambda net, x: None

    def wants(self) -> tuple[str, ...]:
        return ("a",)

    def takes(self, controls: Mapping[str, Any]) -> tuple[str, ...]:
        return ("a",)

    def build(self, make: Make, data: DataFacts) -> Mapping[str, Any]:
        return {}

    def phases(self) -> Sequence[Phase]:
        return []

    def prepare(self, net: Parts, x: Batch) -> None:
        self.preparing(net, x)

    def translate(self, net: Parts, x: Batch) -> Tensor:
        out: Tensor = net.G(x.a)
        return out


def toy_engine(
    *phases: Phase,
    prepare: Callable[[Parts, Batch], None] = lambda net, x: None,
    rate: Callable[[int], float] = lambda step: 1.0,
    lr: float = 0.1,
    compiled: bool = False,
    world: World | None = None,
    seed: int = 0,
    **settings: Any,
) -> Engine:
    """An engine for networks G, D and E, trained by plain gradient descent on two samples a step."""
    torch.manual_seed(seed)
    net = Parts({name: Net().double() for name in "GDE"})
    if compiled:
        for module in net.modules().values():
            module.compile(backend="aot_eager")
    trained = dict.fromkeys(name for phase in phases for name in phase.minimise if name in net)
    optimizers = {name: torch.optim.SGD(net[name].parameters(), lr=lr) for name in trained}
    made = Settings(**{"batch": 2, "ema": {}, "compiled": compiled, **settings})
    return Engine(Method(preparing=prepare), net, phases, optimizers, rate=rate, settings=made, world=world)


def pictures(count: int = 2, seed: int = 0) -> dict[str, Tensor]:
    """A batch of one field."""
    return {"a": torch.rand(count, 1, 6, 6, generator=torch.Generator().manual_seed(seed)).double()}


def size(x: Tensor) -> Tensor:
    """The mean of the squares."""
    return x.square().mean()


def chain(net: Parts, x: Batch) -> dict[str, Tensor]:
    """A picture through E and G, and its code again."""
    code = net.E(x.a)
    made = net.G(code)
    return {"picture": size(made - x.a), "code": size(net.E(made) - code)}


def slope(net: Parts, x: Batch) -> dict[str, Tensor]:
    """The slope of D at the picture."""
    point = x.a.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(net.D(point).sum(), point, create_graph=True)
    return {"penalty": size(gradient)}
