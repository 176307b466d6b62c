"""Jobs: many files translated into a folder, whatever becomes of one of them, and going on where they were stopped."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from i2i.core.errors import I2IError
from i2i.pictures.video import describe, is_video
from i2i.translate.files import Pair, plan
from i2i.translate.flow import flow
from i2i.translate.grid import Row
from i2i.translate.inputs import Input
from i2i.translate.journal import Journal, job_of, journal_in
from i2i.translate.outputs import check_kind, loses_alpha, write_result
from i2i.translate.pictures import beside
from i2i.translate.request import Request
from i2i.translate.video import OnFrame, translate_video

if TYPE_CHECKING:
    from i2i.translate.model import Model

BITS = 8


@dataclasses.dataclass(frozen=True)
class Result:
    """What became of one file.

    Attributes:
        source: the file.
        target: its result, or what the names of its results are made of.
        problem: empty if it was translated.
        precision: what it was computed in.
        opaque: the result lost its transparency.
    """

    source: Path
    target: Path
    problem: str = ""
    precision: str = ""
    opaque: bool = False


@dataclasses.dataclass(frozen=True)
class Job:
    """Files to translate.

    Attributes:
        model: the model.
        request: what is asked of all.
        pairs: what is left to do: files with the places of their results.
        done: how many were done before.
        journal: what is done; None for a single file.
    """

    model: Model
    request: Request
    pairs: Sequence[Pair]
    done: int = 0
    journal: Journal | None = None

    def results(self, on_frame: OnFrame | None = None) -> Iterator[Result]:
        """What becomes of each file, in order; `on_frame` is told of every frame of a video.

        Raises:
            NothingDrawnError: several samples were asked of a method that draws no random numbers.
        """
        for video, group in itertools.groupby(self.pairs, key=lambda pair: is_video(pair[0].name)):
            pairs = list(group)
            yield from self._videos(pairs, on_frame) if video else self._pictures(pairs)

    def targets(self, target: Path) -> list[Path]:
        """The files of every result."""
        return beside(target, self.request.endings())

    def _pictures(self, pairs: Sequence[Pair]) -> Iterator[Result]:
        reads = [partial(self._read, source, target) for source, target in pairs]

        def write(number: int, item: Input, results: list[Tensor]) -> Result:
            return self._write(*pairs[number], item, results)

        with closing(flow(self.model, reads, self.request, write)) as made:
            for pair, outcome in zip(pairs, made, strict=True):
                problem = outcome.exception()
                yield self._failed(*pair, problem) if problem else outcome.result()

    def _read(self, source: Path, target: Path) -> Input:
        """Read an input whose results can be written."""
        item = self.model.take(source, self.request, self.targets(target))
        check_kind(item, self.model.facts.channels[self.model.made(self.request)], target)
        return item

    def _write(self, source: Path, target: Path, item: Input, results: Sequence[Tensor]) -> Result:
        targets = self.targets(target)
        for result, file in zip(results, targets, strict=True):
            write_result(result, item, file)
        self._note(source, target)
        precision = self.model.precision_of(item.made.kind)
        return Result(source, target, "", precision, loses_alpha(item, results[0].shape[1], target))

    def _videos(self, pairs: Sequence[Pair], on_frame: OnFrame | None) -> Iterator[Result]:
        for source, target in pairs:
            try:
                translate_video(self.model, source, self.targets(target), self.request, on_frame)
            except I2IError as error:
                yield self._failed(source, target, error)
            else:
                self._note(source, target)
                kind = torch.uint8 if describe(source).bits == BITS else torch.uint16
                yield Result(source, target, "", self.model.precision_of(kind))

    def _failed(self, source: Path, target: Path, problem: BaseException) -> Result:
        told = str(problem).strip()
        self._note(source, target, told)
        return Result(source, target, told)

    def _note(self, source: Path, target: Path, problem: str = "") -> None:
        if self.journal:
            self.journal.note(source, self.targets(target), problem)


@contextmanager
def job(
    model: Model, inputs: Iterable[Path], out: Path, request: Request, *, kind: str = ""
) -> Iterator[Job]:
    """Plan a job; several files keep a journal in their output folder, by which the same job goes on if it is stopped.

    Args:
        model: the model.
        inputs: files, folders and patterns.
        out: a folder, or for one file a file.
        request: what is asked of all.
        kind: of file that results are, "png" for example; by default that of their inputs.

    Raises:
        I2IError: an input is missing, two results have one name, a result would replace an input, or another job is
            at work in the folder.
    """
    pairs = plan(inputs, out, request.endings(), kind)
    if len(pairs) == 1:
        yield Job(model, request, pairs)
        return
    with journal_in(out, job_of(model, request)) as journal:
        left = [pair for pair in pairs if not journal.is_done(pair[0], beside(pair[1], request.endings()))]
        yield Job(model, request, left, len(pairs) - len(left), journal)


def translate_files(model: Model, pairs: Sequence[Pair], request: Request) -> Iterator[Result]:
    """Translate files without a journal; one that fails does not stop the rest."""
    return Job(model, request, pairs).results()


def translate_rows(model: Model, pictures: Iterable[Pair], request: Request) -> Iterator[Row]:
    """The rows of a grid, as `found` lists them; one that fails does not stop the rest.

    Raises:
        NothingDrawnError: several samples were asked of a method that draws no random numbers.
    """
    pictures = list(pictures)
    reads = [partial(model.take, source, request) for source, _ in pictures]

    def cells(number: int, item: Input, results: list[Tensor]) -> Row:
        return Row(pictures[number][1].as_posix(), model.cells(item, results, request))

    with closing(flow(model, reads, request, cells)) as rows:
        for (_, place), outcome in zip(pictures, rows, strict=True):
            problem = outcome.exception()
            yield Row(place.as_posix(), problem=str(problem).strip()) if problem else outcome.result()
