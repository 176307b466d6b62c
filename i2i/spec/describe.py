"""A run in words, before it starts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from textwrap import indent
from typing import Any

from i2i.core.data import Source
from i2i.core.strategy import Phase
from i2i.core.words import counted, listed
from i2i.data.image_source import Images
from i2i.spec.assemble import networks_of
from i2i.spec.rehearse import Rehearsal
from i2i.spec.spec import Spec

SHOWN = 12
"""So many classes are listed."""


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


def sizes(show: Rehearsal, spec: Spec) -> str:
    """The networks, and the memory of a step."""
    networks = networks_of(show.phases)
    lines = [f"{name}: {show.weights[name]:,} weights" for name in networks]
    weights = (
        4 * 4 * sum(show.weights[name] for name in networks)
    )  # weight, gradient and two averages of Adam
    micro = spec.train.batch // spec.train.accumulate
    lines.append(
        f"memory of a step, in fp32: {weights / 2**20:,.0f} MiB for weights, gradients and Adam, "
        f"{show.activations / 2**20:,.0f} MiB for {counted(micro, 'sample')} at a time"
    )
    return "\n".join(lines)


def pictures(source: Source, steps_per_epoch: int) -> str:
    """The data."""
    facts = source.facts
    kinds = {1: "grey", 3: "RGB"}
    fields = ", ".join(
        f"{name} ({kinds.get(channels, f'{channels} channels')})"
        for name, channels in sorted(facts.channels.items())
    )
    maps = "".join(f", {name}" for name in facts.maps)
    held = source.held_out()
    can_hold_out = bool(facts.domains) or isinstance(source, Images)
    nothing = "nothing is held out (a test or val split would be" + (
        ", or data.hold_out)" if can_hold_out else ")"
    )
    lines = [
        f"{len(source):,} samples of {fields}{maps} at {facts.image_size}×{facts.height}; "
        f"an epoch is {steps_per_epoch:,} steps",
        f"{counted(len(held), 'sample')} held out" if held else nothing,
    ]
    if facts.domains:
        groups = "; ".join(f"one of {', '.join(group)} at a time" for group in facts.exclusive)
        lines.append(f"labels: {', '.join(facts.domains)}" + (f" ({groups})" if groups else ""))
    if facts.classes:
        lines.append(f"classes: {_classes(source)}")
    return "\n".join(lines)


def _classes(source: Source) -> str:
    """The names of the classes, each with the number of its pictures where that is known."""
    counts = source.counts() if isinstance(source, Images) else {}
    names = [f"{name} ({counts[name]:,})" if name in counts else name for name in source.facts.classes]
    return listed(names, SHOWN)


def rate_plan(spec: Spec, rate: Callable[[int], float], steps: int, recipe: Mapping[str, Any]) -> str:
    """The learning rate at the milestones of the run."""
    base = spec.optimizers["default"].options.get("lr", 1.0)
    marks = sorted({0, steps // 4, steps // 2, 3 * steps // 4, max(steps - 1, 0)})
    lines = [f"{spec.schedule.name}: " + ", ".join(f"{base * rate(m):.3g} at step {m + 1:,}" for m in marks)]
    length = {"epochs": spec.train.epochs, "steps": spec.train.steps}
    published = {unit: recipe.get("train", {}).get(unit) for unit in length}
    if "schedule" in recipe and any(published.values()) and published != length:
        words = ", ".join(f"{count:,} {unit}" for unit, count in published.items() if count)
        lines.append(
            f"the paper trains {words}; where the spec gives no schedule of its own, the published one is scaled to "
            "this length"
        )
    return "\n".join(lines)


def describe(
    spec: Spec, source: Source, show: Rehearsal, rate: Callable[[int], float], steps: int, epoch: int
) -> str:
    """The whole run: data, networks, learning rate, objectives."""
    train = spec.train
    length = f"{steps:,} steps of batch {train.batch}, precision {train.precision}, device {train.device}"
    parts = {
        "strategy": spec.strategy.name,
        "data": pictures(source, epoch),
        "networks": sizes(show, spec),
        "length": length,
        "learning rate": rate_plan(spec, rate, steps, show.recipe),
        "objectives": objectives(show.phases),
    }
    return "\n".join(f"{title}\n{indent(text, '    ')}" for title, text in parts.items())
