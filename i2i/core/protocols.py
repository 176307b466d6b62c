"""One interface for each remaining kind of component."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal, Protocol

from torch import Tensor, nn
from torch.optim import Optimizer as TorchOptimizer

from i2i.core.importing import Match


class AdversarialLoss(Protocol):
    """Judges a discriminator's scores.

    `role` is "real" or "fake" (what the discriminator minimises) or "fool" (what the generator minimises).
    A loss with a number as `boundary` says that scores above it mean real; then a run counts how often the
    discriminator is right.
    """

    def __call__(
        self, scores: Tensor | Sequence[Tensor], role: Literal["real", "fake", "fool"]
    ) -> Tensor: ...


class OptimizerFactory(Protocol):
    """Makes the optimizer of one network; its options are the keyword-only parameters."""

    def __call__(self, parameters: Iterable[nn.Parameter]) -> TorchOptimizer: ...


class Schedule(Protocol):
    """The factor on every learning rate: a pure function of the step (counted from 0)."""

    def __call__(self, step: int, steps_per_epoch: int) -> float: ...


class Metric(Protocol):
    """Compares a result with its true translation, both (N, C, H, W) in [-1, 1]."""

    def __call__(self, output: Tensor, truth: Tensor) -> float: ...


class Logger(Protocol):
    """Receives the numbers and the pictures of a run."""

    def open(self, folder: Path) -> None:
        """Start; `folder` is the run folder."""
        ...

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Numbers of a step."""
        ...

    def picture(self, step: int, name: str, picture: Tensor) -> None:
        """A picture (3, H, W), uint8."""
        ...

    def close(self) -> None:
        """Stop, with everything written."""
        ...


class Importer(Protocol):
    """Recognises another project's weights of one part of a method; its name is STRATEGY.PART."""

    def detect(self, keys: Iterable[str], shapes: Mapping[str, tuple[int, ...]]) -> Match | None:
        """How the weights fit, or None.

        Raises:
            I2IError: they are recognised, and cannot be used; the sentence says why.
        """
        ...
