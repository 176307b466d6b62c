"""The memory that a training step needs, before any is taken: the engine takes a step on tensors without contents."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from i2i.core.batch import Batch
from i2i.core.data import DataFacts
from i2i.core.registry import Registry
from i2i.core.strategy import Strategy
from i2i.engine.loop import Engine
from i2i.engine.parallel import World
from i2i.nets.pool import ImagePool
from i2i.spec.assemble import build_parts, engine_of, freeze, networks_of, recompute
from i2i.spec.ledger import Ledger
from i2i.spec.rehearse import fake_fields
from i2i.spec.spec import Spec

LOOKS = 1000
"""So many moments of a run are asked for their batch; a stage shorter than a thousandth of it may be missed."""


@dataclass(frozen=True)
class Job:
    """What is to be trained: all that its memory depends on.

    Attributes:
        spec: resolved.
        registry: the components.
        facts: of the data.
        steps: the length of the run.
        world: the processes that train together.
    """

    spec: Spec
    registry: Registry
    facts: DataFacts
    steps: int
    world: World = field(default_factory=World)


@dataclass(frozen=True)
class Memory:
    """What a training step needs, on each process.

    Attributes:
        resting: bytes of weights, gradients, optimizer states, averages and pools, which stay between steps.
        passing: bytes that come and go: at its fullest moment, what a step holds beside them.
        samples: of a micro-batch.
    """

    resting: int
    passing: int
    samples: int

    @property
    def total(self) -> int:
        """Bytes at the fullest moment."""
        return self.resting + self.passing


def predict(job: Job) -> Memory:
    """The memory of the largest step of a run.

    Counted is every tensor that lives while the engine takes a step: weights, gradients, optimizer states, averages,
    image pools when they are full, what autograd keeps for the backward passes and what passes between layers, in the
    precision of the spec, one micro-batch after the other, second derivatives included. Where the batch changes as the
    run goes on, its largest step is taken; phases that rest now and then all run. Not counted are what the device needs
    before any tensor (a CUDA context: some 0.5 GB), the workspaces of its libraries, blocks that its allocator keeps in
    reserve, and the pictures that wait in workers. Compiled networks need less.
    """
    with Ledger() as ledger:
        engine = _engine(job)
        _give_states(engine)
        coming = moments(engine.strategy, job.spec.train.batch, job.steps)
        if len(coming) > 1:
            coming = [max(coming, key=lambda images: _kept(engine, job.facts, ledger, images))]
        return _step(engine, job.facts, ledger, coming[0])


def moments(strategy: Strategy, batch: int, steps: int) -> list[int]:
    """Images seen when a step of another batch or in another stage comes up for the first time."""
    first: dict[tuple[int | None, int], int] = {}
    images, stride = 0, -(-steps // LOOKS)
    for _ in range(0, steps, stride):
        plan = strategy.plan(images)
        first.setdefault((plan.batch, plan.stage), images)
        images += stride * (plan.batch or batch)
    return [*first.values()]


def _engine(job: Job) -> Engine:
    """The engine of a spec in which nothing hangs on a number: every phase runs and every network makes its step."""
    spec, registry, facts = job.spec, job.registry, job.facts
    train = spec.train.model_copy(update={"compile": False, "ema": {}})
    net, phases = build_parts(spec, registry, facts)
    freeze(net, networks_of(phases))
    if spec.train.activation_checkpointing:
        recompute(net, networks_of(phases))
    phases = [dataclasses.replace(phase, every=1, offset=0, skip=None) for phase in phases]
    plain, device, world = (
        spec.model_copy(update={"train": train}),
        torch.device("cpu"),
        _Alone(size=job.world.size),
    )
    engine = engine_of(plain, registry, net, phases, 1, device, world)
    engine.scalers = {name: torch.amp.GradScaler(device.type, enabled=False) for name in engine.scalers}
    if spec.train.ema:
        copies, _ = build_parts(spec, registry, facts)  # tensors without contents cannot be copied
        engine.ema = {name: copies[name].requires_grad_(False).eval() for name in spec.train.ema}
    engine.settings = dataclasses.replace(engine.settings, ema=spec.train.ema)
    return engine


def _kept(engine: Engine, facts: DataFacts, ledger: Ledger, images: int) -> int:
    """Bytes at the fullest moment of a forward pass: far faster than a step, and enough to tell which is largest."""
    micro = engine.batch_at(images) // engine.settings.accumulate // engine.world.size
    ledger.peak = ledger.live
    x = Batch(fake_fields(facts, micro), images_seen=images)
    engine.strategy.prepare(engine.net, x)
    for phase in engine.phases:
        phase.terms(engine.net, x)
    return ledger.peak


def _step(engine: Engine, facts: DataFacts, ledger: Ledger, images: int) -> Memory:
    """A step when so many images were seen."""
    size = engine.batch_at(images) // engine.world.size
    engine.images = images
    resting = ledger.peak = ledger.live
    engine.advance(fake_fields(facts, size))
    pools = _full_pools(engine)
    return Memory(resting + pools, ledger.peak - resting, size // engine.settings.accumulate)


def _give_states(engine: Engine) -> None:
    """What an earlier step would have left: gradients and optimizer states."""
    for name, optimizer in engine.optimizers.items():
        for weight in engine.net[name].parameters():
            weight.grad = torch.zeros_like(weight) if weight.requires_grad else None
        optimizer.step()


def _full_pools(engine: Engine) -> int:
    """Bytes of the image pools when they are full."""
    layers = [layer for part in engine.net.modules().values() for layer in part.modules()]
    pools = [layer for layer in layers if isinstance(layer, ImagePool) and len(layer.images)]
    return sum(pool.capacity * pool.images[0].nbytes for pool in pools)


class _Alone(World):
    """One of several processes, of which nobody else is there: exchanges only take the memory that they need."""

    def average(self, parameters: Iterable[nn.Parameter]) -> None:
        if self.size > 1:
            torch.cat([p.grad.reshape(-1) for p in parameters if p.grad is not None])

    def mean(self, values: Mapping[str, Tensor]) -> dict[str, float]:
        return dict.fromkeys(values, 1.0)

    def gather(self, tensor: Tensor) -> Tensor:
        return torch.cat([tensor] * self.size)

    def total(self, tensor: Tensor) -> Tensor:
        return tensor

    def share(self, modules: Iterable[nn.Module]) -> None:
        pass
