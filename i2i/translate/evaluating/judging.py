"""The loop of an evaluation: every input translated, every metric shown what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import torch
from torch import Tensor

from i2i.core.batch import Batch, Draws, Parts
from i2i.core.data import Source
from i2i.core.errors import I2IError
from i2i.core.strategy import Strategy
from i2i.data.bad_files import BadFiles, readable
from i2i.data.values import to_device
from i2i.engine.inference import inference
from i2i.metrics.draws import own_draws
from i2i.translate.evaluating.jury import Juror
from i2i.translate.evaluating.views import View, alone

Tick = Callable[[str, int, int], None]
LEARNING_BATCH, REAL_BATCH = 32, 16


@dataclass(frozen=True)
class Subject:
    """What is judged: networks, and how they translate; `pictures` are controls, (1, C, H, W) in [-1, 1]."""

    strategy: Strategy
    net: Parts
    device: torch.device
    seed: int = 0
    precision: str = "fp32"
    pictures: Mapping[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class Material:
    """What it is judged on.

    Attributes:
        view: the method under fixed controls, on this data.
        source: the inputs; without any, what results should be like.
        real: what results should be like.
        training: the training set, for metrics that learn.
        count: of results of random numbers alone, or the most inputs; None is all.
        batch: inputs at a time.
        bad_files: those that cannot be read; by default none may be.
        tick: is told what is done, how often, and how often it will be.
    """

    view: View
    source: Source
    real: Source
    training: Source
    count: int | None = None
    batch: int = 1
    bad_files: BadFiles = field(default_factory=BadFiles)
    tick: Tick = lambda what, done, whole: None

    @property
    def inputs(self) -> int:
        """How many inputs there are, or sets of random numbers."""
        if self.view.draws_alone:
            return len(self.source) if self.count is None else self.count
        there = len(self.given)
        return there if self.count is None else min(there, self.count)

    @property
    def given(self) -> Source:
        """The inputs, each of them once."""
        return self.source if self.view.truth else alone(self.source, self.view.field)


def judge(subject: Subject, jury: Sequence[Juror], material: Material) -> list[dict[str, float]]:
    """The values of each metric, by name.

    Nothing of a training that goes on is disturbed: random numbers belong to the inputs, by their indices, and those
    of torch are as they were afterwards.

    Raises:
        I2IError: too many files cannot be read, or all answers to an input are the same though several were wanted.
    """
    with own_draws(subject.device), torch.no_grad():
        _teach(subject, jury, material)
        _show_real(subject, jury, material)
        _show_results(subject, jury, material)
        return [dict(juror.verdict()) for juror in jury]


class _Mixed:
    """A source in another order: folders of one domain each would be learned one after the other."""

    def __init__(self, source: Source, seed: int) -> None:
        self._source, self.facts = source, source.facts
        self._order = torch.randperm(len(source), generator=torch.Generator().manual_seed(seed)).tolist()

    def __len__(self) -> int:
        return len(self._order)

    def load(self, index: int, rng: torch.Generator) -> Mapping[str, Tensor]:
        return self._source.load(self._order[index], rng)

    def name(self, index: int) -> str:
        return self._source.name(self._order[index])

    def held_out(self) -> None:
        """Nothing."""


def _teach(subject: Subject, jury: Sequence[Juror], material: Material) -> None:
    learners = [juror.metric for juror in jury if juror.learns]
    if not learners:
        return
    group = material.view.domains
    names = material.training.facts.domains
    places = [names.index(name) for name in group]
    for metric in learners:
        for number in range(metric.passes):
            mixed, what = _Mixed(material.training, number), f"learning, {number + 1} of {metric.passes}"
            for fields in _batches(mixed, material, LEARNING_BATCH, subject, what):
                held = fields["domain"][:, places]
                certain = held.sum(1) == 1  # attributes of which a picture has none say nothing
                if certain.any():
                    with torch.enable_grad():
                        metric.learn(fields[material.view.made][certain], held[certain].argmax(1))


def _show_real(subject: Subject, jury: Sequence[Juror], material: Material) -> None:
    lookers = [juror.metric for juror in jury if juror.sees_real]
    if not lookers:
        return
    made = material.view.made
    batch = max(material.batch, REAL_BATCH)  # no network of the method sees them
    for fields in _batches(alone(material.real, made), material, batch, subject, "real pictures"):
        for metric in lookers:
            metric.real(fields[made])


def _show_results(subject: Subject, jury: Sequence[Juror], material: Material) -> None:
    for index, fields in _inputs(subject, material):
        for caption, controls in _captions(material.view, index):
            shown = _shown(subject, material.view, caption, controls, index, fields)
            for juror in jury:
                if shown.keys() >= set(juror.wants):
                    juror.see(shown)
            for answers in {juror.answers for juror in jury if juror.answers}:
                _show_answers(
                    [j for j in jury if j.answers == answers], answers, subject, controls, index, fields
                )


def _shown(
    subject: Subject,
    view: View,
    caption: str,
    controls: Mapping[str, Any],
    index: Sequence[int],
    fields: Mapping[str, Tensor],
) -> dict[str, Tensor]:
    result = _made(subject, controls, index, fields)
    shown = {"result": result}
    if view.field in view.facts.channels:
        shown["input"] = fields[view.field]
    if view.truth:
        shown["truth"] = fields[view.truth]
    if view.facts.maps.get(view.field):
        shown["labels"] = fields[view.field][:, 0]
    if caption in view.domains:
        shown["domain"] = torch.full((len(result),), view.domains.index(caption), device=result.device)
    return shown


def _show_answers(
    jury: Sequence[Juror],
    answers: int,
    subject: Subject,
    controls: Mapping[str, Any],
    index: Sequence[int],
    fields: Mapping[str, Tensor],
) -> None:
    made = [_made(subject, controls, index, fields, answer) for answer in range(answers)]
    for of_one in torch.stack(made, 1):
        if answers > 1 and all(torch.equal(one, of_one[0]) for one in of_one):
            raise I2IError(
                f"metric '{jury[0].name}': this method draws no random numbers, so its {answers} answers to an input "
                "are all the same"
            )
        for juror in jury:
            juror.see({"answers": of_one})


def _made(
    subject: Subject,
    controls: Mapping[str, Any],
    index: Sequence[int],
    fields: Mapping[str, Tensor],
    answer: int = 0,
) -> Tensor:
    """Results of a batch of inputs; other answers have other random numbers."""
    key = ("judge", subject.seed, answer) if answer else ("judge", subject.seed)
    draws = Draws(key, index)
    shared = {name: picture.expand(len(index), -1, -1, -1) for name, picture in subject.pictures.items()}
    mode = subject.strategy.inference
    with inference(subject.net, mode, draws, precision=subject.precision):
        try:
            made: Tensor = subject.strategy.translate(
                subject.net, Batch({**fields, **shared}, draws), **controls
            )
        except ValueError as error:
            raise I2IError(f"pictures of this size cannot be translated: {error}") from error
    return made.float()


def _captions(view: View, index: Sequence[int]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The results of an input; random numbers alone give one each, of the captions in turn."""
    every = [*view.captions.items()]
    if not view.draws_alone:
        yield from every
        return
    yield every[index[0] % len(every)]


def _inputs(subject: Subject, material: Material) -> Iterator[tuple[Sequence[int], Mapping[str, Tensor]]]:
    """Batches of inputs with their indices."""
    view = material.view
    if view.draws_alone:
        batch = 1 if len(view.captions) > 1 else material.batch
        for start in range(0, material.inputs, batch):
            index: Sequence[int] = range(start, min(start + batch, material.inputs))
            material.tick("results", start + len(index), material.inputs)
            yield index, {view.field: torch.tensor([*index], device=subject.device)}
        return
    yield from _numbered(material.given, material, material.batch, subject, "results", material.count)


def _batches(
    source: Source, material: Material, size: int, subject: Subject, what: str
) -> Iterator[Mapping[str, Tensor]]:
    return (fields for _, fields in _numbered(source, material, size, subject, what, None))


def _numbered(
    source: Source, material: Material, size: int, subject: Subject, what: str, count: int | None
) -> Iterator[tuple[Sequence[int], Mapping[str, Tensor]]]:
    """The samples of a source on the device, `size` at a time, with their indices."""
    whole = len(source) if count is None else min(count, len(source))
    samples = islice(readable(source, torch.Generator().manual_seed, material.bad_files), whole)
    while chunk := [*islice(samples, size)]:
        index = [number for number, _ in chunk]
        fields = {name: torch.stack([sample[name] for _, sample in chunk]) for name in chunk[0][1]}
        material.tick(what, index[-1] + 1, whole)
        yield index, to_device(fields, source.facts, subject.device)
