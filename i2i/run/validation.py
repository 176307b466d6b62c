"""Judging a run on held-out pictures whose true translation is known."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from i2i.core.batch import Batch, Draws
from i2i.core.data import Source
from i2i.core.protocols import Metric
from i2i.data.values import to_device
from i2i.engine.inference import inference
from i2i.engine.loop import Engine


@dataclass(frozen=True)
class Judgement:
    """The metric of the results, and of answering with the input unchanged (None where shapes differ)."""

    value: float
    copying: float | None


def judge(engine: Engine, source: Source, metric: Metric) -> Judgement:
    """Translate every sample of a source, and compare with the truth.

    The source must know the truth of what the strategy takes.
    """
    (field, *_) = engine.strategy.takes({})
    truth = source.facts.truth[field]
    net = engine.best_net()
    values, copies = [], []
    for index in range(len(source)):
        sample = source.load(index, torch.Generator().manual_seed(index))
        fields = to_device({name: t[None] for name, t in sample.items()}, source.facts, engine.device)
        draws = Draws(("judge", engine.settings.seed), [index])
        with inference(net, engine.strategy.inference, draws):
            output = engine.strategy.translate(net, Batch(fields, draws))
        values.append(metric(output, fields[truth]))
        if fields[field].shape == fields[truth].shape:
            copies.append(metric(fields[field], fields[truth]))
    return Judgement(sum(values) / len(values), sum(copies) / len(copies) if copies else None)
