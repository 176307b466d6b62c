"""Measures a spec in each setting, taking turns with its own one."""

from __future__ import annotations

import dataclasses
import platform
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import torch

from i2i.core.errors import I2IError
from i2i.core.registry import Registry
from i2i.engine.parallel import World, devices
from i2i.spec.assemble import build_source
from i2i.spec.plugins import discover
from i2i.spec.spec import Spec, located, read, resolve
from i2i.speed.orders import EndedError, Trainer
from i2i.speed.ways import OWN, Way, ways_of

ROUNDS = 5
STRETCH = 1.0
"""Seconds that steps are taken for at a time, if a step is shorter."""
MOST_STEPS = 50
BETTER = 1.02
"""A setting counts as faster from so many times the speed on; less is the noise of a machine."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Row:
    """What was measured in a setting.

    Attributes:
        name: of the setting.
        lines: what to write below `[train]`.
        safe: the results are as those of the spec, but for rounding.
        remark: what it does to the numbers.
        seconds: of a step without its input: the median of the spec's own setting, by the ratio.
        ratio: speed against the spec's own setting, the median over rounds in which both took turns.
        images_per_second: with the input.
        waiting: share of the time in which a step waits for its input.
        memory: bytes at the fullest moment; on a CPU of the process, beyond what its libraries take; None if unknown.
        share: of what this GPU reaches in a large matrix product; None on a CPU.
        problem: why it could not be measured; empty if it could.
    """

    name: str
    lines: tuple[str, ...]
    safe: bool
    remark: str
    seconds: float = 0.0
    ratio: float = 0.0
    images_per_second: float = 0.0
    waiting: float = 0.0
    memory: int | None = None
    share: float | None = None
    problem: str = ""


@dataclass(frozen=True)
class Bench:
    """How fast a spec trains on this machine.

    Attributes:
        spec: its name.
        batch: samples of a step.
        machine: what it ran on.
        rows: the spec's own setting, then the others.
    """

    spec: str
    batch: int
    machine: Mapping[str, str]
    rows: tuple[Row, ...] = field(default_factory=tuple)

    @property
    def own(self) -> Row:
        """The spec as it is."""
        return self.rows[0]

    def fastest(self, *, safe: bool = True) -> Row:
        """The fastest setting that is safe, or of all; the spec's own one unless another is clearly faster."""
        fit = [row for row in self.rows if not row.problem and (row.safe or not safe)]
        best = max(fit, key=lambda row: row.ratio)
        return best if best.ratio >= BETTER else self.own

    def tables(self) -> dict[str, Any]:
        """Everything as plain values, for JSON."""
        return {**dataclasses.asdict(self), "fastest_safe": self.fastest().name}


def bench(
    spec: str | Path | Mapping[str, Any] | Spec,
    *,
    registry: Registry | None = None,
    settings: Iterable[str] = (),
    rounds: int = ROUNDS,
    stretch: float = STRETCH,
    progress: Say = lambda text: None,
) -> Bench:
    """Train a few steps in each setting, on real batches of the spec's data; writes nothing.

    Every setting trains in a process of its own, and takes turns with the spec's own setting, so that what else the
    machine does hits both. The networks stay as they are: what is measured is time and memory, not quality.

    Args:
        spec: a path, TOML text, a dict or a `Spec`.
        registry: the components; None looks for what is installed.
        settings: changes to the spec, `KEY=VALUE`.
        rounds: how often a setting takes its turn.
        stretch: seconds of a turn, if a step is shorter.
        progress: is told what is measured now.

    Raises:
        I2IError: the spec cannot be used, or does not train as it is.
    """
    if World.join().size > 1:
        raise I2IError("bench measures one process; start it without torchrun")
    registry = registry or discover()
    settings = tuple(settings)
    resolved = resolve(spec, registry, settings)
    try:
        build_source(resolved, registry)
    except I2IError as error:
        raise located(error, spec, settings) from error
    device = devices(World(), resolved.train.device)
    clock = _Clock(resolved.toml(), tuple(registry.files), rounds, stretch, device.type == "cuda")
    first, *others = ways_of(resolved, device)
    progress(OWN)
    with Trainer(clock.spec, clock.plugins, ()) as own:
        ours = clock.alone(first, own)
        rows = []
        for number, way in enumerate(others, start=1):
            slow = ", which takes minutes" if way.changes.get("compile") else ""
            progress(f"{way.name} ({number} of {len(others)}){slow}")
            rows.append(clock.compared(way, own, ours.seconds))
        name = read(spec)[1].removesuffix(".toml") or resolved.strategy.name
        return Bench(name, own.batch, _machine(device), (ours, *rows))


@dataclass(frozen=True)
class _Clock:
    spec: str
    plugins: tuple[str, ...]
    rounds: int
    stretch: float
    on_gpu: bool

    def alone(self, way: Way, trainer: Trainer) -> Row:
        """A setting by itself."""
        seconds = [trainer.ask("take", self._count(trainer)) for _ in range(self.rounds)]
        return self._row(way, trainer, median(seconds), 1.0, trainer)

    def compared(self, way: Way, own: Trainer, step: float) -> Row:
        """A setting in turns with the spec's own one."""
        row = Row(way.name, tuple(way.lines), way.safe, way.remark)
        try:
            with Trainer(self.spec, self.plugins, way.settings) as other:
                turns = [self._turn(own, other, swapped=bool(n % 2)) for n in range(self.rounds)]
                ratio = median(ours / theirs for ours, theirs in turns)
                return self._row(way, other, step / ratio, ratio, own)
        except EndedError as error:
            return dataclasses.replace(row, problem=str(error).strip().splitlines()[0])

    def _turn(self, own: Trainer, other: Trainer, *, swapped: bool) -> tuple[float, float]:
        times = {
            each: each.ask("take", self._count(each)) for each in ((other, own) if swapped else (own, other))
        }
        return times[own], times[other]

    def _row(self, way: Way, trainer: Trainer, step: float, ratio: float, counts: Trainer) -> Row:
        waiting, memory = trainer.ask("fed", self._count(trainer)), trainer.ask("memory")
        share = counts.ask("work") / step / trainer.ask("rate") if self.on_gpu else None
        return Row(
            way.name,
            tuple(way.lines),
            way.safe,
            way.remark,
            seconds=step,
            ratio=ratio,
            images_per_second=trainer.batch * (1 - waiting) / step,
            waiting=waiting,
            memory=memory,
            share=share,
        )

    def _count(self, trainer: Trainer) -> int:
        """Steps of a turn: whole cycles."""
        steps = min(MOST_STEPS, max(1, round(self.stretch / trainer.seconds)))
        return -(-steps // trainer.cycle) * trainer.cycle


def _machine(device: torch.device) -> dict[str, str]:
    name = (
        torch.cuda.get_device_name(device)
        if device.type == "cuda"
        else platform.processor() or platform.machine()
    )
    return {
        "device": str(device),
        "name": name,
        "threads": str(torch.get_num_threads()),
        "torch": torch.__version__,
        "system": f"{platform.system()} {platform.release()}",
    }
