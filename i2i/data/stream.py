"""A data set as an endless list addressed by position: no batch depends on workers, processes or restarts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler, default_collate

from i2i.core.batch import address
from i2i.core.data import Source
from i2i.core.errors import I2IError


class Stream:
    """The batches of one process, for steps `start`, `start` + 1, … without end.

    The list runs through the source again and again, each epoch in a fresh order drawn from (seed, epoch);
    the random numbers of a sample are drawn from (seed, position). Step s covers the positions from s·batch to
    (s+1)·batch. They are split into `accumulate` blocks and each block into `processes` slices; this process
    gets its slice of every block.

    Args:
        source: the data set.
        seed: of the order and of all samples.
        batch: samples in a step, over all processes.
        accumulate: blocks that a step is computed in.
        rank: number of this process.
        processes: how many there are.
        workers: processes that read pictures for this one; 0 reads here.
        start: the first step.

    Raises:
        I2IError: the batch does not divide evenly.
    """

    def __init__(
        self,
        source: Source,
        *,
        seed: int,
        batch: int,
        accumulate: int = 1,
        rank: int = 0,
        processes: int = 1,
        workers: int = 0,
        start: int = 0,
    ) -> None:
        parts = accumulate * processes
        if batch < 1 or batch % parts:
            raise I2IError(
                f"train.batch: {batch} does not divide by train.accumulate × processes "
                f"({accumulate} × {processes}); use a multiple of {parts}"
            )
        self.source, self.seed, self.batch, self.start = source, seed, batch, start
        self.accumulate, self.rank, self.processes, self.workers = accumulate, rank, processes, workers

    @property
    def steps_per_epoch(self) -> int:
        """Steps until every sample has been seen once."""
        return -(-len(self.source) // self.batch)

    def positions(self, step: int) -> list[int]:
        """Where in the endless list the samples of this process stand, block by block."""
        block = self.batch // self.accumulate
        part = block // self.processes
        starts = [step * self.batch + k * block + self.rank * part for k in range(self.accumulate)]
        return [position for start in starts for position in range(start, start + part)]

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        try:
            for loaded in self._loader():
                if isinstance(loaded, _Failure):
                    raise I2IError(loaded.sentence)
                yield loaded
        except RuntimeError as error:
            if not any(sign in str(error) for sign in ("exited unexpectedly", "killed by signal")):
                raise
            raise I2IError(
                "data.workers: a process that reads pictures was killed, most likely for want of memory "
                f"(or shared memory, in a container); lower data.workers from {self.workers}"
            ) from error

    def _loader(self) -> DataLoader[Any]:
        return DataLoader(
            _Samples(self.source, self.seed),
            batch_sampler=_Keys(self),
            num_workers=self.workers,
            collate_fn=_collate,
            pin_memory=torch.cuda.is_available(),
            # its own generator, so that making a loader does not move torch's global one
            generator=torch.Generator(),
        )


@dataclass(frozen=True)
class _Failure:
    """An error that travels from a worker as a value: torch would wrap an exception in a traceback."""

    sentence: str


@dataclass(frozen=True)
class _Samples(Dataset[Any]):
    source: Source
    seed: int

    def __getitem__(self, key: tuple[int, int]) -> Mapping[str, Tensor] | _Failure:
        position, index = key
        rng = torch.Generator().manual_seed(address("sample", self.seed, position))
        try:
            return self.source.load(index, rng)
        except I2IError as error:
            return _Failure(str(error))
        except OSError as error:
            return _Failure(f"{self.source.name(index)}: {error}")


class _Keys(Sampler[list[tuple[int, int]]]):
    """(position, index) of every sample, batch by batch without end."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        length, known, order = len(self.stream.source), -1, []
        step = self.stream.start
        while True:
            keys = []
            for position in self.stream.positions(step):
                epoch, place = divmod(position, length)
                if epoch != known:
                    known, order = epoch, _order(self.stream.seed, epoch, length)
                keys.append((position, order[place]))
            yield keys
            step += 1


def _order(seed: int, epoch: int, length: int) -> list[int]:
    rng = torch.Generator().manual_seed(address("order", seed, epoch))
    order: list[int] = torch.randperm(length, generator=rng).tolist()
    return order


def _collate(samples: Sequence[Mapping[str, Tensor] | _Failure]) -> Any:
    failures = [sample for sample in samples if isinstance(sample, _Failure)]
    if failures:
        return failures[0]
    kinds = sorted({_kind(sample) for sample in samples if not isinstance(sample, _Failure)})
    if len(kinds) > 1:
        return _Failure(f"data: samples must be alike, but one holds {kinds[0]} and another {kinds[1]}")
    return default_collate(list(samples))


def _kind(sample: Mapping[str, Tensor]) -> str:
    return ", ".join(f"{name} {tuple(t.shape)} {t.dtype}" for name, t in sorted(sample.items()))
