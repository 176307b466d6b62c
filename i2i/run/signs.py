"""Signs of a run that goes wrong, measured on the pictures of a preview."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional as F

from i2i.core.data import DataFacts
from i2i.core.strategy import Strategy
from i2i.run.likeness import correlation, distance, spread

LEAST_SPREAD = 0.1  # of results, as a share of that of real pictures
LEAST_REAL_SPREAD = 0.02  # of real pictures, by their range: less is no measure
LEAST_CORRELATION = -0.5  # of results with their sources; that of the truth is at least as far above
LEAST_CHANGE = 0.02  # from sources to results, by the range of values, where the truth is not known
LEAST_OF_TRUE = 0.2  # of the change from sources to the truth, where it is


@dataclass(frozen=True)
class Sign:
    """Something that looks wrong.

    Attributes:
        kind: collapse, inverted or copies.
        number: what showed it.
        column: where it is seen in the sample grid; empty if in all of them.
    """

    kind: str
    number: float
    column: str


@dataclass(frozen=True)
class Results:
    """What was made of one field, beside what it can be held against.

    Attributes:
        columns: the results by label.
        source: the pictures that they were made from; None for label maps and random numbers.
        truth: the true results, if they are known.
        real: real pictures like the results: the truth, or those of another field.
        other: the results should not look like their sources.
    """

    columns: Mapping[str, Tensor]
    source: Tensor | None
    truth: Tensor | None
    real: Tensor | None
    other: bool


def signs(
    strategy: Strategy, facts: DataFacts, fields: Mapping[str, Tensor], shown: Mapping[str, Tensor]
) -> list[Sign]:
    """What looks wrong in a preview, one sign of a kind.

    Args:
        strategy: the method.
        facts: of the data.
        fields: the batch that the preview was made of.
        shown: its columns; one that is a field is the source of those that follow.
    """
    found: dict[str, Sign] = {}
    for results in grouped(strategy, facts, fields, shown):
        for sign in (_collapse(results), _inverted(results), _copies(results)):
            if sign is not None:
                found.setdefault(sign.kind, sign)
    return list(found.values())


def grouped(
    strategy: Strategy, facts: DataFacts, fields: Mapping[str, Tensor], shown: Mapping[str, Tensor]
) -> Iterator[Results]:
    """The results in a preview, by what they were made of."""
    of: str | None = None
    groups: dict[str | None, dict[str, Tensor]] = {}
    for label, column in shown.items():
        if label == "target":
            continue
        field = next((name for name, tensor in fields.items() if tensor is column), None)
        if field is not None:
            of = field
        elif column.is_floating_point():  # label maps are no pictures
            groups.setdefault(of, {})[label] = column
    for name, columns in groups.items():
        if name is not None or strategy.takes({})[0] == "seed":
            yield _results(name, columns, strategy, facts, fields)


def _results(
    of: str | None,
    columns: Mapping[str, Tensor],
    strategy: Strategy,
    facts: DataFacts,
    fields: Mapping[str, Tensor],
) -> Results:
    pictures = [name for name in fields if name in facts.channels and name not in facts.maps]
    wanted = [name for name in pictures if name in strategy.wants() and name != of]
    true = facts.truth.get(of) if of is not None else None
    truth = fields[true] if true in pictures else None
    source = fields[of] if of in pictures else None
    real = next((t for t in (truth, *(fields[name] for name in wanted), source) if t is not None), None)
    if not facts.domains:  # one result of a picture; further columns are made of that, or of other numbers
        columns = dict(list(columns.items())[:1]) if of is not None else columns
    return Results(columns, source, truth, real, bool(truth is not None or wanted or facts.domains))


def _collapse(results: Results) -> Sign | None:
    """Different samples with equal results."""
    if results.real is None:
        return None
    label, made = next(iter(results.columns.items()))
    columns = [column for column in results.columns.values() if column.shape == made.shape]
    if min(len(made), len(results.real)) < 2 or made.shape[1] != results.real.shape[1]:
        return None
    real = spread(F.interpolate(results.real, made.shape[2:], mode="area"))
    if real < LEAST_REAL_SPREAD:
        return None
    ratio = sum(map(spread, columns)) / len(columns) / real
    return Sign("collapse", ratio, label if len(columns) == 1 else "") if ratio < LEAST_SPREAD else None


def _inverted(results: Results) -> Sign | None:
    """Light where the source is dark."""
    label, made = next(iter(results.columns.items()))
    if results.source is None or (value := correlation(results.source, made)) is None:
        return None
    true = None if results.truth is None else correlation(results.source, results.truth)
    wrong = value < LEAST_CORRELATION and (true is None or value < true + LEAST_CORRELATION)
    return Sign("inverted", value, label) if wrong else None


def _copies(results: Results) -> Sign | None:
    """Results that are their sources, where they should not be."""
    source, made = results.source, results.columns
    if source is None or not results.other or any(m.shape != source.shape for m in made.values()):
        return None
    label, change = max(((label, distance(m, source)) for label, m in made.items()), key=lambda pair: pair[1])
    least = LEAST_CHANGE if results.truth is None else LEAST_OF_TRUE * distance(results.truth, source)
    return Sign("copies", change, label) if change < least else None
