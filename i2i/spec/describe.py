"""A run in words, before it starts."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterator, Mapping, Sequence
from textwrap import indent
from typing import Any

from i2i.core.data import DataFacts, Listed, Source
from i2i.core.strategy import Phase
from i2i.core.words import counted, listed
from i2i.data.cache import Cached
from i2i.data.reduced import helped
from i2i.spec.assemble import networks_of
from i2i.spec.spec import Spec

WORTH_SAYING = 2**28  # bytes of memory that are taken unasked
SHOWN = 12
"""So many classes are listed."""
BYTES = ("uint8", (0.0, 255.0))
"""How most pictures are stored: their type, and its values that are black and white."""


def objectives(phases: Sequence[Phase]) -> str:
    """Who minimises what, phase by phase."""
    lines = []
    for phase in phases:
        when = "every step" if phase.every == 1 else f"every {phase.every} steps"
        if phase.offset % phase.every:
            when += f", from step {phase.offset % phase.every} on"
        lines.append(f"phase {phase.name}, {when}")
        lines += [f"    {network} minimises {phase.objective(network)}" for network in phase.minimise]
    return "\n".join(lines)


def sizes(
    phases: Sequence[Phase], weights: Mapping[str, int], kept: Mapping[str, Sequence[str]], memory: str
) -> str:
    """The networks, what `train.init` leaves alone in them, and the memory of a step if it is known."""
    lines = [f"{name}: {weights[name]:,} weights{_kept(kept.get(name, ()))}" for name in networks_of(phases)]
    return "\n".join([*lines, memory]).rstrip()


def _kept(layers: Sequence[str]) -> str:
    return f"; {', '.join(layers)} as built, train.init draws the rest" if layers else ""


def pictures(source: Source, steps_per_epoch: int, can_hold_out: bool = False) -> str:
    """The data; `can_hold_out` says whether it has the option `hold_out`."""
    facts = source.facts
    kinds = {1: "grey", 3: "RGB"}
    fields = ", ".join(
        f"{name} ({kinds.get(channels, f'{channels} channels')})"
        for name, channels in sorted(facts.channels.items())
    )
    maps = "".join(f", {name}" for name in facts.maps)
    held = source.held_out()
    nothing = "nothing is held out (a test or val split would be" + (
        ", or data.hold_out)" if can_hold_out else ")"
    )
    lines = [
        f"{counted(len(source), 'sample')} of {fields}{maps} at {facts.image_size}×{facts.height}; "
        f"an epoch is {counted(steps_per_epoch, 'step')}",
        f"{counted(len(held), 'sample')} held out" if held else nothing,
    ]
    return "\n".join([*lines, *_values(facts), *_kinds(source), *_reading(source)])


def _reading(source: Source) -> Iterator[str]:
    """How pictures are read, where that is a choice."""
    if isinstance(source, Cached):
        yield from helped(source.cache.shelves.values())
        if source.cache.mode != "auto" or source.cache.bytes >= WORTH_SAYING:
            yield source.cache.describe()


def _values(facts: DataFacts) -> Iterator[str]:
    """Which stored values networks see as -1 and +1, where it is not all 8 bits."""
    stored = {name: facts.stored.get(name, "") for name in facts.channels}
    if any((kind or "uint8", facts.value_range[name]) != BYTES for name, kind in stored.items()):
        ranges = {name: "{:,g} and {:,g}".format(*facts.value_range[name]) for name in sorted(stored)}
        told = [f"{name} {ends} ({stored[name] or 'any type'})" for name, ends in ranges.items()]
        yield f"-1 and +1 stand for: {', '.join(told)}"


def _kinds(source: Source) -> Iterator[str]:
    """The domains, attributes or classes, each with the number of its pictures where that is known."""
    facts, counts = source.facts, source.counts() if isinstance(source, Listed) else {}

    def names(of: Sequence[str]) -> list[str]:
        return [f"{name} ({counts[name]:,})" if name in counts else name for name in of]

    if facts.domains:
        groups = "; ".join(f"one of {', '.join(group)} at a time" for group in facts.exclusive)
        yield f"labels: {', '.join(names(facts.domains))}" + (f" ({groups})" if groups else "")
    if facts.classes:
        yield f"classes: {listed(names(facts.classes), SHOWN)}"
    if counts and not facts.domains and not facts.classes:
        yield f"pictures: {', '.join(names(tuple(counts)))}"


def rate_plan(spec: Spec, rate: Callable[[int], float], steps: int, recipe: Mapping[str, Any]) -> str:
    """The learning rate at the milestones of the run."""
    base = spec.optimizers["default"].options.get("lr", 1.0)
    marks = sorted({0, steps // 4, steps // 2, 3 * steps // 4, max(steps - 1, 0)})
    at = ", ".join(f"{base * rate(mark):.3g} at step {mark + 1:,}" for mark in marks)
    lines = [
        f"{spec.schedule.name}: {_course(rate, steps, base)}",
        *([at] if rate(0) != rate(marks[-1]) else []),
    ]
    own = {name: ref.options.get("lr") for name, ref in spec.optimizers.items() if name != "default"}
    lines += [f"{name} starts at {lr:.3g}" for name, lr in own.items() if lr not in (None, base)]
    return "\n".join([*lines, *_published(spec, recipe)])


def _course(rate: Callable[[int], float], steps: int, base: float) -> str:
    """How the learning rate changes, in words."""
    first, last = base * rate(0), base * rate(max(steps - 1, 0))
    if first == last:
        return f"{first:.3g} throughout"
    turn = bisect.bisect_left(range(steps), True, key=lambda step: rate(step) != rate(0))
    way = "down" if last < first else "up"
    held = f"{first:.3g} for {counted(turn, 'step')}, then " if turn > 1 else f"from {first:.3g} "
    return f"{held}{way} to {last:.3g} at step {steps:,}"


def _published(spec: Spec, recipe: Mapping[str, Any]) -> Iterator[str]:
    """How long the paper trains, where the run has another length."""
    length = {"epochs": spec.train.epochs, "steps": spec.train.steps}
    published = {unit: recipe.get("train", {}).get(unit) for unit in length}
    if "schedule" in recipe and any(published.values()) and published != length:
        words = ", ".join(f"{count:,} {unit}" for unit, count in published.items() if count)
        yield (
            f"the paper trains {words}; where the spec gives no schedule of its own, the published one is scaled to "
            "this length"
        )


def plan(
    spec: Spec,
    source: Source,
    phases: Sequence[Phase],
    weights: Mapping[str, int],
    rate: Callable[[int], float],
    steps: int,
    epoch: int,
    recipe: Mapping[str, Any],
    memory: str = "",
    kept: Mapping[str, Sequence[str]] | None = None,
) -> dict[str, str]:
    """The whole run, by titles: data, networks, learning rate, objectives.

    Args:
        spec: the run's.
        source: the training data.
        phases: with the terms that the spec adds.
        weights: how many each part has.
        rate: the factor on learning rates at a step.
        steps: the length.
        epoch: steps of an epoch.
        recipe: the published settings of the method.
        memory: of a step, in words.
        kept: network -> its layers that `train.init` leaves alone.
    """
    train = spec.train
    length = (
        f"{counted(steps, 'step')} of batch {train.batch}, precision {train.precision}, device {train.device}"
    )
    return {
        "strategy": spec.strategy.name,
        "data": pictures(source, epoch, "hold_out" in spec.data.options),
        "networks": sizes(phases, weights, kept or {}, memory),
        "length": length,
        "learning rate": rate_plan(spec, rate, steps, recipe),
        "objectives": objectives(phases),
    }


def in_words(parts: Mapping[str, str]) -> str:
    """A plan as text."""
    return "\n".join(f"{title}\n{indent(text, '    ')}" for title, text in parts.items())
