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
    """Judges results: built anew for each evaluation, shown one result after the other.

    The names of the parameters of `update` say what it is shown, a call for each batch of results:

    - `result`: what the method made, (N, C, H, W) in [-1, 1], as all pictures here;
    - `input`: what it made that from, if that is a picture;
    - `truth`: the true translation;
    - `labels`: the label map that it was made from, (N, H, W) whole numbers;
    - `domain`: the number of the domain that it was asked to be of, (N,);
    - `answers`: several results for one input with other random numbers, (K, C, H, W); the attribute `answers` of the
      metric says how many.

    `higher_is_better` says which direction is the better one. A metric may also have

    - `real(picture)`: is shown every real picture of the kind that results should be like, (N, C, H, W);
    - `learn(pictures, domains)`: is shown the training set before anything else, in batches, as often as the attribute
      `passes` says;
    - `protocol()`: a table of what must be equal for two values to be compared: a network, its hash, sizes, filters.

    A function of (output, truth), both (N, C, H, W), with one number as its answer is a metric too: its mean over all
    pictures counts. Positional parameters of the constructor are facts: `image_size`, `classes` (how many a label map
    has), `ignore` (the label that means don't-care) and `domains` (their names).
    """

    higher_is_better: bool

    def update(self, result: Tensor, truth: Tensor) -> None:
        """Look at results; see above for what they can be shown with."""
        ...

    def compute(self) -> float | Mapping[str, float]:
        """The value; where there are several, the first is what counts."""
        ...


class Logger(Protocol):
    """Receives the numbers and the pictures of a run; all methods are called in one thread beside the training.

    A logger may also have

    - `spec(text, values)`: is told the spec after the start, as TOML and as one table of dotted keys;
    - `file(path)`: is told the report before the end, if there is one.

    One that raises is switched off, and the run goes on without it.
    """

    def open(self, folder: Path) -> None:
        """Start, or go on with what an earlier process began; `folder` is the run folder.

        Raises:
            I2IError: something that the user can mend; this alone ends the run, before it begins.
        """
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
    """Recognises another project's weights of one part of a method.

    Its name is STRATEGY.PART, or STRATEGY.PART-LAYOUT where several projects keep that part in layouts of their own.
    """

    def detect(self, keys: Iterable[str], shapes: Mapping[str, tuple[int, ...]]) -> Match | None:
        """How the weights fit, or None.

        Raises:
            I2IError: they are recognised, and cannot be used; the sentence says why.
        """
        ...
