"""Random numbers as inputs: which ones a method asks for, and the same ones given to it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NoReturn

import torch
from torch import Tensor

from i2i.core.batch import Draws
from i2i.core.errors import I2IError


@dataclass(frozen=True)
class Drawn:
    """Random numbers that were drawn.

    Attributes:
        kind: "normal", "uniform" (in [0, 1)), or "dropout" for the uniform ones of dropout.
        numbers: (N, …).
    """

    kind: str
    numbers: Tensor


class Recorder(Draws):
    """Draws random numbers, and remembers them in the order in which they were asked for.

    Args:
        key: what addresses the numbers.
        samples: the numbers of the samples.
        kept: where they are remembered.
        dropout: whether they are for dropout.
    """

    def __init__(
        self, key: Sequence[int | str], samples: Sequence[int], kept: list[Drawn], *, dropout: bool = False
    ) -> None:
        super().__init__(key, samples)
        self.kept, self.dropout = kept, dropout

    def normal(self, like: Tensor) -> Tensor:
        return self._keep("normal", super().normal(like))

    def uniform(self, like: Tensor) -> Tensor:
        return self._keep("dropout" if self.dropout else "uniform", super().uniform(like))

    def of(self, samples: Sequence[int]) -> Draws:
        other = Recorder(self.key, samples, self.kept, dropout=self.dropout)
        other.count = self.count
        return other

    def pairs(self) -> list[tuple[float, float]]:
        _refuse()

    def shared(self) -> float:
        _refuse()

    def _keep(self, kind: str, numbers: Tensor) -> Tensor:
        self.kept.append(Drawn(kind, numbers))
        return numbers


class Given(Draws):
    """Hands out random numbers that were given, in their order.

    It knows no samples: how many there are is read from the tensors, which an export does not fix.
    """

    def __init__(self, numbers: Iterable[Tensor]) -> None:
        super().__init__((), ())
        self.numbers = iter(numbers)

    def normal(self, like: Tensor) -> Tensor:
        return self._next(like)

    def uniform(self, like: Tensor) -> Tensor:
        return self._next(like)

    def of(self, samples: Sequence[int]) -> Draws:
        return self

    def pairs(self) -> list[tuple[float, float]]:
        _refuse()

    def shared(self) -> float:
        _refuse()

    def _next(self, like: Tensor) -> Tensor:
        numbers = next(self.numbers)
        if not torch.compiler.is_exporting() and numbers.shape != like.shape:
            raise ValueError(
                f"random numbers of shape {tuple(numbers.shape)} were given where {tuple(like.shape)} are used"
            )
        return numbers


def _refuse() -> NoReturn:
    raise I2IError(
        "this method draws plain numbers while it translates; only tensors can be inputs of an export"
    )
