"""Loads the samples of a stream, in whatever process; another sample stands in for one that cannot be read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils.data import Dataset, default_collate

from i2i.core.batch import address
from i2i.core.data import Labelled, Source
from i2i.core.errors import I2IError
from i2i.core.plugin_files import WorkerPickler
from i2i.data.bad_files import in_words

TRIES = 100
"""So many samples are tried for one place in the list."""


class Key(NamedTuple):
    """A sample: its place in the endless list, its index, and those of the sample whose labels are its target."""

    position: int
    sample: int
    partner: tuple[int, int] | None


class Loaded(NamedTuple):
    """A sample or a batch, and the files that could not be read meanwhile.

    Errors travel from a worker as values: torch would wrap an exception in a traceback.

    Attributes:
        fields: empty where there is none.
        bad: a sentence for each file that could not be read.
        refusal: why there is no sample at all.
    """

    fields: Mapping[str, Tensor]
    bad: Sequence[str] = ()
    refusal: str = ""


@dataclass(frozen=True)
class Samples(Dataset[Loaded]):
    """The samples of a source by their keys.

    Where one cannot be read, another of its group stands in, chosen by (seed, position, attempt) alone: equal sets of
    bad files give equal samples, whatever the workers and processes. A target stays as it was, the labels of the
    sample that belongs to the partner's place: labels are no files, and do not break.

    Attributes:
        source: the data set.
        seed: of all samples.
        most: so many files that cannot be read are passed over.
    """

    source: Source
    seed: int
    most: int

    def __getitem__(self, key: Key) -> Loaded:
        bad: list[str] = []
        try:
            for attempt in range(TRIES):
                index, rng = self._choice(key, attempt)
                try:
                    sample = self.source.load(index, rng)
                    return Loaded({**sample, **self._target(key)}, bad)
                except (I2IError, OSError) as error:
                    bad.append(in_words(self.source, index, error))
                if len(set(bad)) > self.most:
                    return Loaded({}, bad)
        except I2IError as error:
            return Loaded({}, bad, str(error))
        return Loaded({}, bad, f"data: of {TRIES} samples none could be read; i2i check finds the bad files")

    def __reduce__(self) -> tuple[Callable[..., Samples], tuple[bytes, int, int]]:
        return _received, (bytes(WorkerPickler.dumps(self.source)), self.seed, self.most)

    def _choice(self, key: Key, attempt: int) -> tuple[int, torch.Generator]:
        """The index of a sample, and its random numbers."""
        if attempt == 0:
            return key.sample, self._rng("sample", key.position)
        rng, labels = self._rng("instead", key.position, attempt), labelled(self.source)
        while True:
            index = int(torch.randint(len(self.source), (), generator=rng))
            if labels is None or labels.group(index) == labels.group(key.sample):
                return index, rng

    def _target(self, key: Key) -> dict[str, Tensor]:
        labels = labelled(self.source)
        if labels is None or key.partner is None:
            return {}
        position, index = key.partner
        return {"target": labels.domain(index, self._rng("sample", position))}

    def _rng(self, what: str, *numbers: int) -> torch.Generator:
        return torch.Generator().manual_seed(address(what, self.seed, *numbers))


def _received(source: bytes, seed: int, most: int) -> Samples:
    """The samples, in a worker process."""
    return Samples(WorkerPickler.loads(source), seed, most)


def labelled(source: Source) -> Labelled | None:
    """The source, if its samples exchange labels."""
    return source if "target" in source.facts.fields and isinstance(source, Labelled) else None


def collate(samples: Sequence[Loaded]) -> Loaded:
    """Samples as a batch."""
    bad = [sentence for sample in samples for sentence in sample.bad]
    if any(not sample.fields for sample in samples):
        return Loaded({}, bad, next((sample.refusal for sample in samples if sample.refusal), ""))
    kinds = sorted({_kind(sample.fields) for sample in samples})
    if len(kinds) > 1:
        sentence = f"data: samples must be alike, but one holds {kinds[0]} and another {kinds[1]}"
        return Loaded({}, bad, sentence)
    return Loaded(default_collate([sample.fields for sample in samples]), bad)


def _kind(sample: Mapping[str, Tensor]) -> str:
    return ", ".join(f"{name} {tuple(t.shape)} {t.dtype}" for name, t in sorted(sample.items()))
