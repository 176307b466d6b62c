"""Whether an exported model does what the model does: on random sizes, with equal random numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from i2i.core.errors import I2IError
from i2i.core.words import counted
from i2i.translate.exporting.rehearsal import random_fields, rehearse
from i2i.translate.exporting.translator import WHITE, Translator, unrounded
from i2i.translate.request import Request

if TYPE_CHECKING:
    from i2i.translate.model import Model

TIMES = 5
LARGEST = 1.25  # times the size of the training
PICTURES = 3

Run = Callable[[Sequence[Tensor]], Tensor]


def first_line(error: BaseException) -> str:
    """What an error says, in a line."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


@dataclass(frozen=True)
class Compared:
    """How far an exported model is from the model.

    Attributes:
        worst: the largest difference of two values, in units of [-1, 1].
        shapes: (N, H, W) of the results that were compared.
    """

    worst: float
    shapes: tuple[tuple[int, int, int], ...]

    def words(self) -> str:
        """The difference and on what: "3.1e-06 on five sizes"."""
        sizes = len({shape[1:] for shape in self.shapes}) > 1
        return f"{self.worst:.1e} on {f'{TIMES} random sizes' if sizes else f'{TIMES} batches'}"


def compare(model: Model, request: Request, translator: Translator, run: Run, *, dropout: bool) -> Compared:
    """Let both translate the same.

    Args:
        model: the model.
        request: what is asked of it.
        translator: what was exported.
        run: calls the exported model with the translator's inputs.
        dropout: whether dropout is active.

    Raises:
        I2IError: one of them refuses the same.
    """
    generator = torch.Generator().manual_seed(0)
    shapes, gaps = [], []
    for _ in range(TIMES):
        fields = random_fields(model, translator.fixed.fields, _shape(model, generator), generator)
        size = _shape_of(fields)
        try:
            done = rehearse(model, request, fields, dropout)
        except ValueError as error:
            raise I2IError(
                f"this model cannot translate {size}, so the file was not written: {error}"
            ) from error
        given = [*fields.values()] if translator.fixed.fields else []
        if translator.fixed.pixels:
            given = [unrounded(each) if each.is_floating_point() else each for each in given]
        try:
            result = run([*given, *(drawn.numbers for drawn in done.drawn)])
        except Exception as error:  # every library has errors of its own
            raise I2IError(
                f"what was exported fails on {size}, so the file was not written: {first_line(error)}"
            ) from error
        gaps.append(_gap(result, done.made, translator.fixed.pixels))
        shapes.append((len(result), *result.shape[2:]))
    return Compared(max(gaps), tuple(shapes))


def _shape(model: Model, generator: torch.Generator) -> tuple[int, int, int]:
    """A random number of pictures, of random height and width."""
    largest = int(LARGEST * max(model.facts.height, model.facts.image_size))
    count = int(torch.randint(1, PICTURES + 1, (), generator=generator))
    height, width = torch.randint(1, largest + 1, (2,), generator=generator).tolist()
    return count, height, width


def _shape_of(fields: Mapping[str, Tensor]) -> str:
    """Inputs in words: "2 pictures of 70×45 pixels"."""
    shape = next(iter(fields.values())).shape
    size = f" of {shape[3]}×{shape[2]} pixels" if len(shape) == 4 else ""
    return counted(shape[0], "picture") + size


def _gap(result: Tensor, made: Tensor, pixels: bool) -> float:
    """The largest difference; of pixels what is left of it where rounding is right."""
    if result.shape != made.shape:
        return float("inf")
    if not pixels:
        return _largest(result.to(made) - made)
    return max(0.0, _largest(result.to(made) - unrounded(made)) - 0.5) * 2 / WHITE


def _largest(difference: Tensor) -> float:
    return float(difference.abs().nan_to_num(torch.inf, torch.inf).max())
