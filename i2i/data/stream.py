"""A data set as an endless list addressed by position: no batch depends on workers, processes or restarts."""

from __future__ import annotations

import itertools
import signal
import sys
from collections.abc import Callable, Generator, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Sampler

from i2i.core.batch import address
from i2i.core.data import Labelled, Ordered, Source
from i2i.core.errors import I2IError
from i2i.data.bad_files import BadFiles
from i2i.data.cache import open_cache
from i2i.data.samples import Key, Samples, collate, labelled

GRACE = 30  # seconds that a process which reads has left after SIGTERM: for the step that a run finishes


class Stream:
    """The batches of one process, for steps `start`, `start` + 1, … without end.

    The list runs through the source again and again, each epoch in a fresh order drawn from (seed, epoch);
    the random numbers of a sample are drawn from (seed, position). Step s covers the positions from s·batch to
    (s+1)·batch. They are split into `accumulate` blocks and each block into `processes` slices; this process
    gets its slice of every block.

    Samples with labels (`i2i.Labelled`) also hold `target`: the labels of another sample of the step, exchanged by a
    permutation of the whole batch within each group, drawn from (seed, step).

    A file that cannot be read is passed over: another sample stands in, the same one in every run of this seed.

    Args:
        source: the data set.
        seed: of the order and of all samples.
        batch: samples in a step, over all processes.
        accumulate: blocks that a step is computed in.
        rank: number of this process.
        processes: how many there are.
        workers: processes that read pictures for this one; 0 reads here.
        start: the first step.
        seen: samples of the steps before it; `start` whole batches by default.
        batch_at: samples of the step that begins when so many were seen; always `batch` by default.
        bad_files: counts those that cannot be read, up to its limit; by default the first one ends the list.

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
        seen: int | None = None,
        batch_at: Callable[[int], int] | None = None,
        bad_files: BadFiles | None = None,
    ) -> None:
        parts = accumulate * processes
        if batch < 1 or batch % parts:
            raise I2IError(
                f"train.batch: {batch} does not divide by train.accumulate × processes "
                f"({accumulate} × {processes}); use a multiple of {parts}"
            )
        self.source, self.seed, self.batch, self.start = source, seed, batch, start
        self.accumulate, self.rank, self.processes, self.workers = accumulate, rank, processes, workers
        self.seen = start * batch if seen is None else seen
        self.batch_at = batch_at or (lambda seen: batch)
        self.bad_files = bad_files or BadFiles()

    @property
    def steps_per_epoch(self) -> int:
        """Steps until every sample has been seen once."""
        return -(-len(self.source) // self.batch)

    def positions(self, seen: int, batch: int) -> list[int]:
        """Where in the endless list this process's samples of a step stand, block by block."""
        block = batch // self.accumulate
        part = block // self.processes
        starts = [seen + k * block + self.rank * part for k in range(self.accumulate)]
        return [position for start in starts for position in range(start, start + part)]

    def names(self, seen: int, batch: int) -> list[str]:
        """The files of the samples of a step, of all processes: for messages."""
        order = _Order(self.seed, self.source)
        return [self.source.name(order(position)) for position in range(seen, seen + batch)]

    def __iter__(self) -> Generator[Mapping[str, Tensor], None, None]:
        # before the processes start that share it
        open_cache(self.source, self.bad_files.say, self.processes)
        loaded = iter(self._loader())
        try:
            for fields, bad, refusal in loaded:
                for sentence in bad:
                    self.bad_files.add(sentence)
                if refusal:
                    raise I2IError(refusal)
                yield fields
        except RuntimeError as error:
            if not any(sign in str(error) for sign in ("exited unexpectedly", "killed by signal")):
                raise
            raise I2IError(
                "data.workers: a process that reads pictures was killed, most likely for want of memory "
                f"(or shared memory, in a container); lower data.workers from {self.workers}"
            ) from error
        finally:
            del loaded  # ends the processes that read, also where an error keeps this frame

    def _loader(self) -> DataLoader[Any]:
        return DataLoader(
            Samples(self.source, self.seed, self.bad_files.limit),
            batch_sampler=_Keys(self),
            num_workers=self.workers,
            collate_fn=collate,
            pin_memory=torch.cuda.is_available(),
            worker_init_fn=_undisturbed,
            # its own generator, so that making a loader does not move torch's global one
            generator=torch.Generator(),
        )


def _undisturbed(worker: int) -> None:
    """Let a signal to all processes of a run (Ctrl-C, a job that ends) stop the one that trains, which stops these.

    SIGTERM is also how Python ends processes at last; it takes effect later.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform != "win32":
        signal.signal(signal.SIGTERM, lambda number, frame: signal.alarm(GRACE))


class _Keys(Sampler[list[Key]]):
    """What to load for every sample, batch by batch without end."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self._index = _Order(stream.seed, stream.source)

    def __iter__(self) -> Iterator[list[Key]]:
        labels, seen = labelled(self.stream.source), self.stream.seen
        for step in itertools.count(self.stream.start):
            batch = self.stream.batch_at(seen)
            mine = self.stream.positions(seen, batch)
            partners = self._partners(labels, step, range(seen, seen + batch)) if labels is not None else {}
            yield [Key(p, self._index(p), partners.get(p)) for p in mine]
            seen += batch

    def _partners(self, source: Labelled, step: int, whole: range) -> dict[int, tuple[int, int]]:
        """For every position of a step, the position and index whose labels it is given."""
        indices = {position: self._index(position) for position in whole}
        groups: dict[int, list[int]] = {}
        for position in whole:
            groups.setdefault(source.group(indices[position]), []).append(position)
        rng = torch.Generator().manual_seed(address("targets", self.stream.seed, step))
        partners: dict[int, tuple[int, int]] = {}
        for members in groups.values():
            order = torch.randperm(len(members), generator=rng).tolist()
            partners |= {p: (members[o], indices[members[o]]) for p, o in zip(members, order, strict=True)}
        return partners


class _Order:
    """The index of the sample at a position: a fresh order for each epoch."""

    def __init__(self, seed: int, source: Source) -> None:
        self.seed, self.source = seed, source
        self._orders: dict[int, NDArray[np.int64]] = {}

    def __call__(self, position: int) -> int:
        epoch, place = divmod(position, len(self.source))
        if epoch not in self._orders:
            if len(self._orders) > 1:  # a step may end one epoch and begin the next
                self._orders.pop(min(self._orders))
            self._orders[epoch] = _order(self.seed, epoch, self.source)
        return int(self._orders[epoch][place])


def check_exchange(source: Source, batch: int) -> None:
    """Refuse a batch in which no sample could be given another one's labels.

    Raises:
        I2IError: it is too small for that.
    """
    sets = max(1, len(source.facts.sets))
    if labelled(source) is not None and batch < 2 * sets:
        joined = f" of each of the {sets} joined sets" if sets > 1 else ""
        raise I2IError(
            f"train.batch: {batch} is too small: the samples of a step exchange their labels, which takes two{joined}; "
            f"use {2 * sets} or more"
        )


def _order(seed: int, epoch: int, source: Source) -> NDArray[np.int64]:
    rng = torch.Generator().manual_seed(address("order", seed, epoch))
    order: Tensor
    if isinstance(source, Ordered):
        order = source.order(rng)
    else:
        order = torch.randperm(len(source), generator=rng)
    return order.numpy()  # of ten million indices 80 MB; as a list they would be 400
