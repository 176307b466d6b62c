"""Several processes that train together, played by threads: the same exchanges, without starting processes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from i2i.core.errors import I2IError
from i2i.engine.parallel import World

Made = TypeVar("Made")
PATIENCE = 120.0  # seconds


class Exchange:
    """A place where every thread lays something down and takes what all have laid down."""

    def __init__(self, size: int) -> None:
        self._barrier = threading.Barrier(size, timeout=PATIENCE)
        self._laid: list[Any] = [None] * size

    def __call__(self, rank: int, value: Any) -> list[Any]:
        """What all threads gave, in the order of their ranks."""
        self._laid[rank] = value
        self._barrier.wait()
        taken = list(self._laid)
        self._barrier.wait()
        return taken

    def give_up(self) -> None:
        """Let the other threads fail instead of waiting."""
        self._barrier.abort()


class Side(World):
    """One of several processes, as the engine sees it."""

    exchange: Exchange

    @classmethod
    def of(cls, rank: int, size: int, exchange: Exchange) -> Side:
        """The side of a rank."""
        side = cls(rank, size, rank)
        object.__setattr__(side, "exchange", exchange)
        return side

    def average(self, parameters: Iterable[nn.Parameter]) -> None:
        for parameter in parameters:
            if parameter.grad is not None:
                parameter.grad = self._sum(parameter.grad) / self.size

    def mean(self, values: Mapping[str, Tensor]) -> dict[str, float]:
        if not values:
            return {}
        flat = self._sum(torch.stack([v.detach().float() for v in values.values()])) / self.size
        return dict(zip(values, flat.tolist(), strict=True))

    def gather(self, tensor: Tensor) -> Tensor:
        return torch.cat(self.exchange(self.rank, tensor))

    def total(self, tensor: Tensor) -> Tensor:
        summed: Tensor = _Total.apply(tensor, self)
        return summed

    def share(self, modules: Iterable[nn.Module]) -> None:
        tensors = [t.detach() for module in modules for t in (*module.parameters(), *module.buffers())]
        for tensor in tensors:
            tensor.copy_(self.exchange(self.rank, tensor.clone())[0])

    def check_alike(self, what: str, lines: Sequence[str]) -> None:
        if self.exchange(self.rank, [*lines])[0] != [*lines]:
            raise I2IError(f"two processes differ in {what}")

    def wait(self) -> None:
        self.exchange(self.rank, None)

    def tell(self, text: str) -> str:
        return str(self.exchange(self.rank, text)[0])

    def _sum(self, tensor: Tensor) -> Tensor:
        return torch.stack(self.exchange(self.rank, tensor)).sum(0)


class _Total(torch.autograd.Function):
    """A sum over the sides, forth and back."""

    @staticmethod
    def forward(ctx: Any, tensor: Tensor, side: Side) -> Tensor:
        ctx.side = side
        return side._sum(tensor.detach())

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return ctx.side._sum(gradients[0]), None


def side_by_side(work: Callable[[World], Made], size: int = 2) -> list[Made]:
    """What each of several sides makes.

    Raises:
        Exception: what the first side raised that failed by itself.
    """
    exchange = Exchange(size)

    def one(rank: int) -> Made:
        try:
            return work(Side.of(rank, size, exchange))
        except BaseException:
            exchange.give_up()
            raise

    with ThreadPoolExecutor(size) as threads:
        sides = [threads.submit(one, rank) for rank in range(size)]
    failed = [error for side in sides if (error := side.exception()) is not None]
    alone = [error for error in failed if not isinstance(error, threading.BrokenBarrierError)]
    if failed:
        raise (alone or failed)[0]
    return [side.result() for side in sides]
