"""The training loop: phases → terms → gradients → steps. It contains no word of any method."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from i2i.core.batch import Batch, Draws, Parts, address
from i2i.core.errors import I2IError
from i2i.core.strategy import Phase, Plan, Row, Strategy
from i2i.engine import finite
from i2i.engine.diagnosis import check_terms, explained, unreached
from i2i.engine.finite import NonFiniteError
from i2i.engine.guard import Guard
from i2i.engine.optim import optimizer_state, restore_optimizer
from i2i.engine.parallel import World, slices
from i2i.nets.blocks import Dropout
from i2i.nets.norms import BatchNorm

Report = dict[str, Tensor]
GRADIENT = "the gradient"  # beside the terms of a phase, none of which is called so
DTYPES = {"fp32": None, "bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How the engine trains, whatever the method.

    Attributes:
        batch: samples of a step, over all micro-batches and processes, where the strategy plans no other.
        accumulate: micro-batches of a step.
        precision: fp32, bf16 or fp16.
        compiled: the networks are compiled.
        clip: largest norm of a network's gradient; None leaves it.
        ema: network -> decay of its averaged copy at a step, or a function of the step's batch.
        seed: of every random number.
        max_skips: steps in which a phase whose numbers are not finite may be left out; 0 stops at the first.
    """

    batch: int = 1
    accumulate: int = 1
    precision: str = "fp32"
    compiled: bool = False
    clip: float | None = None
    ema: Mapping[str, float | Callable[[int], float]]
    seed: int = 0
    max_skips: int = 0


class Engine:
    """Trains the networks of a strategy.

    Args:
        strategy: gives `prepare` and `plan`; the engine calls nothing else of it.
        net: what the strategy built, on its device.
        phases: the phases of a step.
        optimizers: one for each network that a phase names.
        rate: the factor on every learning rate at a step (counted from 0).
        settings: how to train.
        device: where.
        world: the processes that train together.

    Attributes:
        step: steps done.
        images: samples seen.
        attempt: how often the run went back to a checkpoint; each attempt draws other random numbers.
        guard: counts the phases that were left out because their numbers were not finite.
    """

    def __init__(
        self,
        strategy: Strategy,
        net: Parts,
        phases: Sequence[Phase],
        optimizers: Mapping[str, torch.optim.Optimizer],
        *,
        rate: Callable[[int], float] = lambda step: 1.0,
        settings: Settings,
        device: torch.device | None = None,
        world: World | None = None,
    ) -> None:
        self.strategy, self.net, self.phases, self.optimizers = strategy, net, tuple(phases), dict(optimizers)
        self.rate, self.settings, self.world = rate, settings, world or World()
        self.device = device or torch.device("cpu")
        self.step = self.images = self.attempt = 0
        self._stage: int | None = None
        self.trained = {name: net[name] for phase in phases for name in phase.minimise}
        self.world.check_batch(settings.batch, settings.accumulate, strategy.multiple)
        self._check_phases()
        self.world.share(net.modules().values())
        self.ema = {name: _averaged_copy(net[name]) for name in settings.ema}
        self.scalers = {
            phase.name: torch.amp.GradScaler(self.device.type, enabled=settings.precision == "fp16")
            for phase in phases
        }
        self._base_rates = {name: [g["lr"] for g in o.param_groups] for name, o in self.optimizers.items()}
        self.guard = Guard(net.modules().values(), settings.max_skips)
        layers = [layer for part in net.modules().values() for layer in part.modules()]
        self._dropouts = [layer for layer in layers if isinstance(layer, Dropout)]
        for layer in layers:
            if isinstance(layer, BatchNorm) and layer.synchronised and self.world.size > 1:
                layer.total = self.world.total

    def run(self, batches: Iterable[Mapping[str, Tensor]], steps: int) -> Iterator[Report]:
        """Train to a step, yielding the terms of each: {"phase/term": tensor}, unweighted."""
        batches = iter(batches)
        while self.step < steps:
            yield self.advance(next(batches))

    @property
    def seed(self) -> int:
        """Of every random number of this attempt."""
        first = self.settings.seed
        return address("attempt", first, self.attempt) if self.attempt else first

    def advance(self, batch: Mapping[str, Tensor]) -> Report:
        """Train one step on this process's share of a batch: fields already on the device, pictures in [-1, 1].

        Raises:
            NonFiniteError: a term or a gradient is nan or infinite, and may not be left out; the weights are as they
                were before the phase.
        """
        plan = self.strategy.plan(self.images)
        size = self.batch_at(self.images)
        micros = self._micros(batch, size)
        self._set_rates(plan)
        self._enter(plan.stage)
        self.guard.begin_step()
        report: Report = {}
        fresh = True
        for number, phase in enumerate(self.phases):
            if phase.runs_at(self.step + 1):
                report |= self._update(number, phase, micros, fresh)
                fresh = False
        self.guard.end_step()
        self._average_weights(size)
        self.step += 1
        self.images += size
        return report

    def batch_at(self, images: int) -> int:
        """Samples of the step that begins when so many images were seen."""
        return self.strategy.plan(images).batch or self.settings.batch

    def _micros(self, batch: Mapping[str, Tensor], size: int) -> list[Batch]:
        s, world = self.settings, self.world
        world.check_batch(size, s.accumulate, self.strategy.multiple)
        for name, tensor in batch.items():
            if len(tensor) * world.size != size:
                raise ValueError(f"'{name}' holds {len(tensor)} samples, not {size // world.size}")
        mine = world.positions(0, size, s.accumulate)
        alone = World().positions(0, size, s.accumulate)
        micros = []
        for part, samples, block in zip(slices(mine), mine, alone, strict=True):
            draws = Draws((self.seed, self.step), samples)
            fields = {name: tensor[part] for name, tensor in batch.items()}
            micros.append(Batch(fields, draws, block, world.gather, self.images))
        return micros

    def _update(self, number: int, phase: Phase, micros: Sequence[Batch], fresh: bool) -> Report:
        """One phase: the gradients of all micro-batches, then one step of each network."""
        groups = _groups(phase, self.step)
        reports = []
        for name in phase.minimise:  # not earlier: memory given back and asked for again costs a CPU step 4 %
            self.optimizers[name].zero_grad()
        for count, micro in enumerate(micros):
            self._seed(number, count, micro)
            terms = self._terms(phase, micro, fresh, first=count == 0)
            self._backward(phase, groups, terms, len(micros))
            reports.append({name: term.detach() for name, term in terms.items()})
        report = {name: torch.stack([r[name] for r in reports]).mean() for name in reports[0]}
        self.world.average(self._weights_of(phase.minimise))
        try:
            means = self._finite(phase, report)
            self._step_optimizers(phase, phase.skip(means) if phase.skip is not None else ())
            self.guard.passed()
        except NonFiniteError as error:
            self.guard.leave_out(error)
            for name in phase.minimise:
                self.optimizers[name].zero_grad()
        return {f"{phase.name}/{name}": value for name, value in report.items()}

    def _seed(self, phase: int, count: int, micro: Batch) -> None:
        """Address every random number, those that bypass `x.random` as well, so that a resume repeats them."""
        torch.manual_seed(address(self.seed, self.step, phase, count, self.world.rank))
        for dropout in self._dropouts:
            dropout.draws = micro.random

    def _finite(self, phase: Phase, report: Report) -> dict[str, float]:
        """The means of a phase's terms over the whole batch; together with its gradients, one reading of the device.

        With fp16 a gradient may overflow: the scaler leaves that network out, and lowers the scale.

        Raises:
            NonFiniteError: a term or a gradient is nan or infinite.
        """
        gradient = finite.total(finite.gradients(self._weights_of(phase.minimise)))
        means = self.world.mean({**report, GRADIENT: gradient})
        whole = math.isfinite(means.pop(GRADIENT))
        terms = {name: value for name, value in means.items() if not math.isfinite(value)}
        if whole and not terms:
            return means
        scaler = self.scalers[phase.name]
        scale = scaler.get_scale() if scaler.is_enabled() else None
        if scale is not None and scale >= 1 and not terms:
            return means
        networks = {name: self.trained[name] for name in phase.minimise}
        if what := finite.in_words(terms, networks, self.trained, scale):
            raise NonFiniteError(what, self.step + 1, self.images, phase.name, terms, [*networks])
        return means

    def check_weights(self) -> None:
        """Refuse weights that are not finite, before they are written, judged or shown.

        Raises:
            NonFiniteError: there are some, in a network or in its average.
        """
        networks = self.trained | {f"{name}.ema": average for name, average in self.ema.items()}
        weights = [weight for network in networks.values() for weight in network.parameters()]
        if math.isfinite(float(finite.total(weights))) or not (found := finite.bad_weights(networks)):
            return
        raise NonFiniteError(finite.of_networks("weight", found), self.step, self.images, networks=[*found])

    def _terms(self, phase: Phase, micro: Batch, fresh: bool, *, first: bool) -> Mapping[str, Tensor]:
        with self._autocast():
            if fresh:
                self.strategy.prepare(self.net, micro)
            if first:
                self.guard.begin_phase()
            with self._frozen_outside(phase):
                terms = phase.terms(self.net, micro)
        check_terms(phase, terms)
        return terms

    def _autocast(self) -> torch.autocast:
        dtype = DTYPES[self.settings.precision]
        return torch.autocast(self.device.type, dtype=dtype or torch.bfloat16, enabled=dtype is not None)

    @contextmanager
    def _frozen_outside(self, phase: Phase) -> Iterator[None]:
        """Freeze what neither the phase nor a later one trains.

        Compiled networks compute every gradient, asked for or not; a later phase may follow what this one leaves.
        """
        coming = self.phases[self.phases.index(phase) :]
        done = [name for name in self.trained if not any(name in p.minimise for p in coming)]
        frozen = self._weights_of(done) if self.settings.compiled else []
        for weight in frozen:
            weight.requires_grad_(False)
        try:
            yield
        finally:
            for weight in frozen:
                weight.requires_grad_(True)

    def _backward(
        self,
        phase: Phase,
        groups: Sequence[tuple[list[str], dict[str, float]]],
        terms: Mapping[str, Tensor],
        micros: int,
    ) -> None:
        for last, (names, weights) in enumerate(groups, start=1 - len(groups)):
            loss = sum(
                (weight * terms[term].float() for term, weight in weights.items()), start=torch.zeros(())
            )
            loss = self.scalers[phase.name].scale(loss / micros)
            with explained(phase, names):
                torch.autograd.backward(loss, inputs=self._weights_of(names), retain_graph=last != 0)
        for name in phase.minimise:
            if all(p.grad is None for p in self.trained[name].parameters()):
                raise I2IError(unreached(phase, [name]))

    def _weights_of(self, names: Iterable[str]) -> list[nn.Parameter]:
        return [p for name in names for p in self.trained[name].parameters() if p.requires_grad]

    def _step_optimizers(self, phase: Phase, left_out: Collection[str]) -> None:
        scaler = self.scalers[phase.name]
        for name in phase.minimise:
            optimizer = self.optimizers[name]
            scaler.unscale_(optimizer)
            if name in left_out:
                continue
            if self.settings.clip is not None:
                nn.utils.clip_grad_norm_(self._weights_of([name]), self.settings.clip)
            scaler.step(optimizer)
        scaler.update()

    def _set_rates(self, plan: Plan) -> None:
        factor = self.rate(self.step)
        for name, optimizer in self.optimizers.items():
            for group, base in zip(optimizer.param_groups, self._base_rates[name], strict=True):
                group["lr"] = base * factor * plan.rates.get(name, 1.0)

    def _enter(self, stage: int) -> None:
        """Start the optimizers anew where the plan's stage changes."""
        if self._stage not in (None, stage):
            for optimizer in self.optimizers.values():
                optimizer.state.clear()
        self._stage = stage

    @torch.no_grad()
    def _average_weights(self, batch: int) -> None:
        for name, given in self.settings.ema.items():
            copy_, module = self.ema[name], self.net[name]
            decay = given(batch) if callable(given) else given
            for average, weight in zip(copy_.parameters(), module.parameters(), strict=True):
                average.lerp_(weight, 1 - decay)
            for kept, buffer in zip(copy_.buffers(), module.buffers(), strict=True):
                kept.copy_(buffer)

    def rates(self) -> dict[str, float]:
        """The learning rate of each network, as last used."""
        return {name: float(o.param_groups[0]["lr"]) for name, o in self.optimizers.items()}

    def best_net(self) -> Parts:
        """The parts to translate with: averaged copies where they exist."""
        return self.net.replaced(self.ema)

    def _check_phases(self) -> None:
        names = [phase.name for phase in self.phases]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise I2IError(f"several phases are called {', '.join(twice)}; each needs a name of its own")
        missing = [name for name in self.trained if name not in self.optimizers]
        if missing:
            raise I2IError(f"no optimizer for {', '.join(missing)}, which the phases train")

    def state(self) -> tuple[dict[str, dict[str, Tensor]], dict[str, Any]]:
        """All that a restart needs: tensors by file, and a few numbers; random numbers are addressed, not kept."""
        tensors = {name: dict(m.state_dict()) for name, m in self.net.modules().items()}
        tensors |= {f"{name}.ema": dict(m.state_dict()) for name, m in self.ema.items()}
        tensors |= {
            f"{name}.optimizer": optimizer_state(self.trained[name], o) for name, o in self.optimizers.items()
        }
        scalers = {name: s.state_dict() for name, s in self.scalers.items() if s.is_enabled()}
        return {file: entries for file, entries in tensors.items() if entries}, {
            "step": self.step,
            "images": self.images,
            "stage": self._stage,
            "attempt": self.attempt,
            "skips": self.guard.count,
            "scalers": scalers,
        }

    def restore(self, tensors: Mapping[str, Mapping[str, Tensor]], facts: Mapping[str, Any]) -> None:
        """Continue exactly where `state` was taken.

        Raises:
            I2IError: the state is of other networks.
        """
        averages = {f"{name}.ema": module for name, module in self.ema.items()}
        for name, module in (self.net.modules() | averages).items():
            try:
                module.load_state_dict(dict(tensors.get(name, {})))
            except RuntimeError as error:
                raise I2IError(f"the checkpoint's {name} does not fit the spec: {error}") from error
        for name, optimizer in self.optimizers.items():
            restore_optimizer(self.trained[name], optimizer, tensors.get(f"{name}.optimizer", {}))
        for name, state in facts["scalers"].items():
            self.scalers[name].load_state_dict(state)
        self.step, self.images, self._stage = facts["step"], facts["images"], facts["stage"]
        self.attempt, self.guard.count = facts["attempt"], facts["skips"]


def _groups(phase: Phase, step: int) -> list[tuple[list[str], dict[str, float]]]:
    """Networks with equal rows share one backward pass."""
    groups: list[tuple[list[str], dict[str, float]]] = []
    for name, row in phase.minimise.items():
        weights = _weights_at(row, step)
        same = next((names for names, other in groups if other == weights), None)
        if same is None:
            groups.append(([name], weights))
        else:
            same.append(name)
    return groups


def _weights_at(row: Row, step: int) -> dict[str, float]:
    return {term: weight(step) if callable(weight) else weight for term, weight in row.items()}


def _averaged_copy(module: nn.Module) -> nn.Module:
    return copy.deepcopy(module).requires_grad_(False).eval()
