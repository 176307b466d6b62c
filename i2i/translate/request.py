"""What is asked of a trained model for every input, and how the results of one input are numbered and named."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, field_validator
from torch import Tensor

from i2i.core.batch import Draws, address
from i2i.core.errors import I2IError
from i2i.translate.maps import Given
from i2i.translate.values import Range

LONGEST = 40  # characters of a caption in a file name: of three bytes each, names of at most 255 leave 135


class Own(BaseModel):
    """The controls of the translator, beside those of every method."""

    model_config = ConfigDict(extra="forbid")

    samples: Annotated[int | None, Field(ge=1, description="results for each input")] = None
    seed: Annotated[int, Field(ge=0, description="of the random numbers")] = 0
    sync: Annotated[bool, Field(description="the same random numbers for every input")] = False
    value_range: Annotated[
        Range | None, Field(description="the values of inputs that stand for black and white")
    ] = None
    bits: Annotated[
        Literal[8, 16, 32] | None,
        Field(description="of results: 8, 16, or 32 for floats; by default the input's"),
    ] = None
    batch: Annotated[
        int | None, Field(ge=1, description="inputs of one size at a time; by default what is fast")
    ] = None
    tile: Annotated[
        Annotated[int, Field(ge=1)] | Literal["auto"] | None,
        Field(description="side of the tiles of large inputs; auto: as large as fits into the memory"),
    ] = None

    @field_validator("value_range")
    @classmethod
    def _goes_up(cls, given: Range | None) -> Range | None:
        if given is not None and not given[0] < given[1]:
            raise ValueError(f"the first value must be the lower one, got {list(given)}")
        return given


class NothingDrawnError(I2IError):
    """Several samples were asked of a method that draws no random numbers."""


@dataclasses.dataclass(frozen=True)
class Request:
    """What is asked for every input, checked and read.

    Attributes:
        field: what the inputs are to the method.
        captions: the results: the caption of each, and the controls of its `translate`.
        pictures: the controls that are pictures, (1, C, size, size) in [-1, 1], by name.
        maps: the further maps that the method takes with each input, by field.
        controls: those of the method as they were asked, with their defaults.
        own: the translator's own controls.
    """

    field: str
    captions: Mapping[str, Mapping[str, Any]]
    pictures: Mapping[str, Tensor]
    own: Own
    controls: Mapping[str, Any]
    maps: Mapping[str, Given] = dataclasses.field(default_factory=dict)

    @property
    def single(self) -> bool:
        """Whether an input has one result, not a list or a table of them."""
        return self.own.samples is None and len(self.captions) == 1

    @property
    def count(self) -> int:
        """Results for each caption."""
        return self.own.samples or 1

    def cells(self) -> Iterator[tuple[Mapping[str, Any], int]]:
        """The controls and the number of every result of an input."""
        return ((controls, sample) for controls in self.captions.values() for sample in range(self.count))

    def draws(self, names: Sequence[str], sample: int) -> Draws:
        """The random numbers of a result of each picture: they belong to it, by its name, unless `sync` was asked."""
        owners = ["" if self.own.sync else name for name in names]
        return Draws(("translate",), [address(self.own.seed, owner, sample) for owner in owners])

    def shaped(self, results: Sequence[Any]) -> Any:
        """The results of an input as one, a list, a table, or a table of lists."""
        if self.single:
            return results[0]
        rows = [list(results[start : start + self.count]) for start in range(0, len(results), self.count)]
        if len(rows) == 1:
            return rows[0]
        return dict(zip(self.captions, rows if self.own.samples else results, strict=True))

    def labels(self) -> list[str]:
        """The heading of every result."""
        captions = list(self.captions) if len(self.captions) > 1 or self.own.samples is None else [""]
        return [f"{caption} {number}".strip() for caption in captions for number in self._numbers()]

    def endings(self) -> list[str]:
        """What every result adds to the name of its file."""
        captions = [f"-{safe}" for safe in safe_names(self.captions)] if len(self.captions) > 1 else [""]
        return [
            f"{caption}-{number}" if number else caption for caption in captions for number in self._numbers()
        ]

    def _numbers(self) -> list[str]:
        return [""] if self.own.samples is None else [str(1 + sample) for sample in range(self.count)]

    def check_samples(self, results: Sequence[Tensor]) -> None:
        """Refuse samples that are all the same.

        Raises:
            NothingDrawnError: they are, for every caption.
        """
        first = [results[index - index % self.count] for index in range(len(results))]
        if self.count > 1 and all(map(torch.equal, first, results)):
            raise NothingDrawnError(
                "control.samples: with these controls this method draws no random numbers, so every sample is the "
                "same; leave samples out"
            )


def safe_names(captions: Iterable[str]) -> list[str]:
    """Captions as parts of file names that every system takes, no two the same even where case is ignored."""
    names: list[str] = []
    for caption in captions:
        taken = {name.casefold() for name in names}
        safe = re.sub(r"[^\w.+=-]+", "_", caption)[:LONGEST].strip("_.") or "result"
        numbered = (f"{safe}-{number}" for number in range(2, len(names) + 2))
        names.append(next(name for name in (safe, *numbered) if name.casefold() not in taken))
    if all(re.fullmatch(r"\d+(\.\d+)?", name) for name in names):  # files of a sequence sort by name
        return [name.zfill(max(map(len, names))) for name in names]
    return names
