"""Judging a run on held-out pictures whose true translation is known."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from i2i.core.batch import Batch, Draws
from i2i.core.data import Source
from i2i.core.errors import I2IError
from i2i.core.protocols import Metric
from i2i.core.registry import Registry
from i2i.data.bad_files import BadFiles, readable
from i2i.data.values import to_device
from i2i.engine.inference import inference
from i2i.engine.loop import Engine
from i2i.spec.assemble import build_source, build_strategy
from i2i.spec.spec import Spec


@dataclass(frozen=True)
class Judgement:
    """The metric of the results, and of answering with the input unchanged (None where shapes differ)."""

    value: float
    copying: float | None


@dataclass
class Ranking:
    """The best judgement so far, and how many came after it; what is not a number is never better."""

    direction: str
    best: float | None = None
    since: int = 0

    def add(self, value: float) -> bool:
        """Whether a value is the best so far."""
        sign = 1 if self.direction == "min" else -1
        better = not math.isnan(value) and (self.best is None or sign * value < sign * self.best)
        self.best, self.since = (value, 0) if better else (self.best, self.since + 1)
        return better

    def tired(self, patience: int | None) -> bool:
        """Whether so many judgements went by without a better one."""
        return patience is not None and self.since >= patience


def judged_source(spec: Spec, registry: Registry, source: Source) -> Source | None:
    """The held-out pictures with known truth, if there are any; `source` is the training data.

    Raises:
        I2IError: the spec asks for a judgement that is not possible.
    """
    ref = spec.validation.data
    held_out = build_source(spec, registry, ref) if ref is not None else source.held_out()
    (field, *_) = build_strategy(spec, registry).takes({})
    if held_out is not None and field in held_out.facts.truth:
        return held_out
    key = "data" if ref is not None else "patience" if spec.validation.patience is not None else ""
    if key:
        which = "this data" if ref is not None else "what the training data holds out"
        raise I2IError(
            f"validate.{key}: the true translations of {which} are not known, so there is nothing to compare with"
        )
    return None


def judge(engine: Engine, source: Source, metric: Metric, bad_files: BadFiles | None = None) -> Judgement:
    """Translate every sample of a source, and compare with the truth.

    The source must know the truth of what the strategy takes. Samples that cannot be read are left out.

    Raises:
        I2IError: more files cannot be read than `bad_files` allows; by default none may.
    """
    (field, *_) = engine.strategy.takes({})
    truth = source.facts.truth[field]
    net = engine.best_net()
    values, copies = [], []
    for index, sample in readable(source, torch.Generator().manual_seed, bad_files or BadFiles()):
        fields = to_device({name: t[None] for name, t in sample.items()}, source.facts, engine.device)
        draws = Draws(("judge", engine.settings.seed), [index])
        with inference(net, engine.strategy.inference, draws):
            output = engine.strategy.translate(net, Batch(fields, draws))
        values.append(metric(output, fields[truth]))
        if field in source.facts.channels and fields[field].shape == fields[truth].shape:
            copies.append(metric(fields[field], fields[truth]))
    return Judgement(sum(values) / len(values), sum(copies) / len(copies) if copies else None)
