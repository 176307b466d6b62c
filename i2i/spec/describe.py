"""A run in words, before it starts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from i2i.core.data import Source
from i2i.core.strategy import Phase
from i2i.spec.rehearse import Rehearsal
from i2i.spec.spec import Spec


def objectives(phases: Sequence[Phase]) -> str:
    """Who minimises what, phase by phase."""
    lines = []
    for phase in phases:
        when = "every step" if phase.every == 1 else f"every {phase.every} steps"
        lines.append(f"phase {phase.name}, {when}")
        lines += [f"    {network} minimises {phase.objective(network)}" for network in phase.minimise]
    return "\n".join(lines)


def sizes(weights: Mapping[str, int], networks: Sequence[str]) -> str:
    """The networks and what they weigh."""
    trained = sum(weights[name] for name in networks)
    lines = [f"{name}: {weights[name]:,} weights" for name in networks]
    memory = trained * 4 * 4 / 2**20  # weight, gradient and the two averages of Adam, float32
    lines.append(f"weights, gradients and optimizer together: {memory:,.0f} MiB in fp32 (activations come on top)")
    return "\n".join(lines)


def data(source: Source, steps_per_epoch: int) -> str:
    """The pictures."""
    facts = source.facts
    fields = ", ".join(f"{name} ({channels} channel{'s' * (channels > 1)})" for name, channels in facts.channels.items())
    held = source.held_out()
    lines = [
        f"{len(source):,} samples of {fields} at {facts.image_size}×{facts.image_size}; {steps_per_epoch:,} steps an epoch",
        f"{len(held):,} samples held out" if held else "nothing is held out (no test or val split)",
    ]
    return "\n".join(lines)


def rate_plan(spec: Spec, rate: Callable[[int], float], steps: int, published: bool) -> str:
    """The learning rate at the milestones of the run."""
    base = spec.optimizers["default"].options.get("lr", 1.0)
    marks = sorted({0, steps // 4, steps // 2, 3 * steps // 4, max(steps - 1, 0)})
    plan = ", ".join(f"step {mark + 1:,}: {base * rate(mark):.3g}" for mark in marks)
    note = "" if published else "\nthe length is not the published one; the schedule keeps its proportions"
    return f"{spec.schedule.name}: {plan}{note}"


def describe(spec: Spec, source: Source, show: Rehearsal, rate: Callable[[int], float], steps: int, epoch: int) -> str:
    """The whole run: data, networks, learning rate, objectives."""
    networks = list(dict.fromkeys(name for phase in show.phases for name in phase.minimise))
    length = f"{steps:,} steps of {spec.train.batch}, precision {spec.train.precision}, device {spec.train.device}"
    parts = {
        "strategy": spec.strategy.name,
        "data": data(source, epoch),
        "networks": sizes(show.weights, networks),
        "length": length,
        "learning rate": rate_plan(spec, rate, steps, True),
        "objectives": objectives(show.phases),
    }
    return "\n".join(f"{title}\n" + "\n".join(f"    {line}" for line in text.splitlines()) for title, text in parts.items())
