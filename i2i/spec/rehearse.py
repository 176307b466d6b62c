"""A step on tensors without contents: finds what is wrong with phases and terms before any data is touched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from i2i.core.batch import Batch, Parts
from i2i.core.data import DataFacts
from i2i.core.errors import I2IError, Problem, SpecError, nearest
from i2i.core.registry import Registry
from i2i.core.strategy import Phase, Strategy
from i2i.engine.diagnosis import check_terms
from i2i.spec.assemble import build_parts, build_strategy
from i2i.spec.hollow import Hollow
from i2i.spec.shield import sentence_of
from i2i.spec.spec import Spec
from i2i.spec.terms import check_reach

GROWN = 10**12
"""Images after which networks that grow while they train are at their full size."""


@dataclass(frozen=True)
class Rehearsal:
    """What a fake step showed.

    Attributes:
        phases: with the terms that the spec adds.
        weights: how many each part has.
        names: what is on the batch after each phase.
    """

    phases: tuple[Phase, ...]
    weights: Mapping[str, int]
    names: Mapping[str, tuple[str, ...]]


def rehearse(spec: Spec, registry: Registry, facts: DataFacts) -> Rehearsal:
    """Run every phase once on a fake batch.

    Raises:
        SpecError: a term of the spec asks for a tensor that is not there.
        I2IError: the method's terms and table disagree, or the networks do not fit the pictures.
    """
    strategy = build_strategy(spec, registry)
    plain = spec.model_copy(update={"terms": {}})
    with Hollow():  # type: ignore[no-untyped-call]
        net, phases = build_parts(plain, registry, facts)
        names = _step(spec, strategy, net, phases, facts)
        if spec.terms:
            _check_names(spec, names)
            net, phases = build_parts(spec, registry, facts)
            _step(spec, strategy, net, phases, facts)
        weights = {name: sum(p.numel() for p in m.parameters()) for name, m in net.modules().items()}
    return Rehearsal(tuple(phases), weights, names)


def _step(
    spec: Spec, strategy: Strategy, net: Parts, phases: Sequence[Phase], facts: DataFacts
) -> dict[str, tuple[str, ...]]:
    """Every phase once; the names on the batch after each."""
    batch = strategy.plan(GROWN).batch or spec.train.batch
    x = Batch(fake_fields(facts, batch // spec.train.accumulate), images_seen=GROWN)
    names = {}
    try:
        strategy.prepare(net, x)
        for phase in phases:
            terms = phase.terms(net, x)
            check_terms(phase, terms)
            for name, term in spec.terms.items():
                if name in terms:
                    check_reach(name, term, terms[name], net)
            names[phase.name] = tuple(x)
    except I2IError:
        raise
    except Exception as error:
        said = (
            str(error)
            if isinstance(error, RuntimeError | ValueError | AssertionError)
            else sentence_of(error)
        )
        raise I2IError(
            f"strategy '{spec.strategy.name}' does not run with these components and pictures: {said}"
        ) from error
    return names


def fake_fields(facts: DataFacts, batch: int) -> dict[str, torch.Tensor]:
    """A batch of the right shapes."""
    sides = (facts.height, facts.image_size)
    pictures = {name: torch.zeros(batch, channels, *sides) for name, channels in facts.channels.items()}
    vectors = {name: torch.zeros(batch, length) for name, length in facts.vectors.items()}
    maps = {name: torch.zeros(batch, 1, *sides, dtype=torch.int64) for name in facts.maps}
    labels = {name: torch.zeros(batch, dtype=torch.int64) for name in facts.labels}
    return pictures | vectors | maps | labels


def _check_names(spec: Spec, names: Mapping[str, tuple[str, ...]]) -> None:
    problems = [
        Problem(
            f"terms.{term}.of",
            f"the batch has no '{name}' when phase '{t.phase}' runs",
            nearest(name, names[t.phase]),
        )
        for term, t in spec.terms.items()
        for name in t.of
        if name not in names[t.phase]
    ]
    if problems:
        raise SpecError(problems)
