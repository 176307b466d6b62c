"""The pictures of one folder in order, each as one sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from i2i.core.data import DataFacts
from i2i.data.preprocess import Preprocess
from i2i.data.stored import Stored
from i2i.pictures.images import decode


@dataclass(frozen=True)
class OneFolder:
    """One domain of a data set that has several.

    Attributes:
        root: what names are relative to.
        field: the domain.
        files: its pictures.
        stored: how they are stored.
        preprocess: what is done with them.
        whole: the facts of the data set.
    """

    root: Path
    field: str
    files: Sequence[Path]
    stored: Stored
    preprocess: Preprocess
    whole: DataFacts

    @property
    def facts(self) -> DataFacts:
        """Those of this domain."""
        field, whole = self.field, self.whole
        channels, value_range = {field: whole.channels[field]}, {field: whole.value_range[field]}
        stored = {field: whole.stored[field]}
        return replace(whole, fields=(field,), channels=channels, value_range=value_range, stored=stored)

    @property
    def filter(self) -> str:
        """How its pictures are resized."""
        return self.preprocess.filter

    def __len__(self) -> int:
        return len(self.files)

    def load(self, index: int, rng: torch.Generator) -> Mapping[str, Tensor]:
        """A picture."""
        path = self.files[index]
        pixels = self.stored.accept(decode(path), path)
        draw = self.preprocess.draw(rng)
        return {self.field: self.preprocess(pixels, draw, self.stored.value_range)}

    def name(self, index: int) -> str:
        """Its file, relative to the root."""
        return self.files[index].relative_to(self.root).as_posix()

    def counts(self) -> Mapping[str, int]:
        """Nothing: its pictures are of one kind."""
        return {}

    def parts(self) -> Mapping[str, OneFolder]:
        """The folder itself."""
        return {"": self}

    def held_out(self) -> None:
        """Nothing."""
        return
