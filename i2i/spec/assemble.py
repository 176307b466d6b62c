"""From a checked spec to an engine."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
import torch._functorch.config
from torch import Tensor, nn

from i2i.core.batch import Batch, Parts, address
from i2i.core.data import DataFacts, Source
from i2i.core.errors import I2IError
from i2i.core.registry import Registry
from i2i.core.schema import Ref
from i2i.core.strategy import Make, Phase, Strategy
from i2i.engine.inference import missing_compiler
from i2i.engine.loop import Engine, Settings
from i2i.engine.parallel import World, devices
from i2i.losses import Counted
from i2i.nets import init_weights, recompute_blocks
from i2i.nets.init import check_init
from i2i.spec.budget import Budget
from i2i.spec.sections import Term
from i2i.spec.shield import sentence_of
from i2i.spec.spec import Spec
from i2i.spec.terms import measured, term_loss


def build_strategy(spec: Spec, registry: Registry) -> Strategy:
    """The method of a spec."""
    strategy: Strategy = registry.build(spec.strategy, {}, {})
    return strategy


def build_source(spec: Spec, registry: Registry, ref: Ref | None = None) -> Source:
    """The data of a spec, or of another reference, held against what the method wants.

    Raises:
        I2IError: the data cannot be used, or lacks a field.
    """
    source: Source = registry.build(ref or spec.data, {}, {})
    strategy = build_strategy(spec, registry)
    wanted = [field for field in strategy.wants() if not field.endswith("?")]
    if missing := [field for field in wanted if field not in source.facts.fields]:
        has = [f for f in source.facts.fields if f not in source.facts.truth.values() or f in wanted]
        has = has or [*source.facts.fields]
        lacks = f" and lacks {', '.join(missing)}" if set(wanted) & set(has) else ""
        own = strategy.recipe.get("data", {}).get("name")
        hint = f"; the method is made for data '{own}'" if own and own != spec.data.name else ""
        raise I2IError(
            f"data: strategy '{spec.strategy.name}' needs {', '.join(wanted)}; this data has {', '.join(has)}{lacks}"
            f"{hint}"
        )
    if len(source) == 0:
        raise I2IError("data: there are no samples")
    return source


def build_parts(
    spec: Spec, registry: Registry, facts: DataFacts, *, losses_too: bool = True
) -> tuple[Parts, list[Phase]]:
    """What the strategy builds, with the losses that the spec adds, and the phases that use both.

    Who only translates needs no losses (`losses_too`), nor the files of weights that some of them ask for.

    Raises:
        I2IError: a component cannot be built, or would ignore `train.init`.
    """
    strategy = build_strategy(spec, registry)
    # Who only translates fills in the weights of a checkpoint afterwards.
    offers = {"image_size": facts.image_size, "translating": not losses_too}

    def make(ref: Ref, **demands: Any) -> Any:
        if ref.kind == "loss" and not losses_too:
            return None
        budget.ref = ref
        part = registry.build(ref, offers, demands)
        if ref.kind != "loss":
            return part
        unlearnt.append(part)
        return _counted(part)

    unlearnt: list[Any] = []
    with Budget() as budget:
        parts = _built(spec.strategy.name, strategy, make, facts)
        losses = {}
        for name, term in spec.terms.items():
            budget.ref = term.loss
            with torch.random.fork_rng([]):  # the networks start from the same weights, with terms or without
                losses[name] = term_loss(name, term, registry, offers)
    parts |= {f"term_{name}": loss for name, loss in losses.items() if isinstance(loss, nn.Module)}
    phases = [extended(phase, spec.terms, losses) for phase in strategy.phases()]
    for name in networks_of(phases):
        _check_init(name, parts.get(name), spec)
    if losses_too:
        _check_trained(parts, networks_of(phases), [*unlearnt, *losses.values()])
    return Parts(parts), phases


def _counted(loss: Any) -> Any:
    """A loss, or what counts in its place where scores above a boundary mean "real".

    A module stays as it is: behind another object its state would be lost to checkpoints.
    """
    boundary = getattr(loss, "boundary", None)
    if isinstance(loss, nn.Module) or not isinstance(boundary, int | float):
        return loss
    return Counted(loss, boundary)


def _built(name: str, strategy: Strategy, make: Make, facts: DataFacts) -> dict[str, Any]:
    try:
        return dict(strategy.build(make, facts))
    except I2IError:
        raise
    except Exception as error:
        said = str(error) if isinstance(error, ValueError) else sentence_of(error)
        raise I2IError(f"strategy '{name}' cannot be built with these components: {said}") from error


def _check_trained(parts: Mapping[str, Any], trained: Sequence[str], losses: Sequence[Any]) -> None:
    """Refuse weights that would stay as they were drawn without anybody's knowing; those of losses are meant to."""
    for name, part in parts.items():
        if isinstance(part, nn.Module) and name not in trained and not any(part is loss for loss in losses):
            left = sum(weight.numel() for weight in part.parameters() if weight.requires_grad)
            if left:
                raise I2IError(
                    f"{name}: it has {left:,} weights that no phase minimises; list it in a phase, or freeze them "
                    "where it is built: requires_grad_(False)"
                )


def _check_init(name: str, part: Any, spec: Spec) -> None:
    if isinstance(part, nn.Module):
        try:
            check_init(part, spec.train.init.name)
        except ValueError as error:
            raise I2IError(f"train.init.{error} ({name})") from error


def extended(phase: Phase, terms: Mapping[str, Term], losses: Mapping[str, Callable[..., Tensor]]) -> Phase:
    """A phase with the terms that the spec adds to it: computed after its own, from tensors left on the batch."""
    mine = {name: term for name, term in terms.items() if term.phase == phase.name}
    if not mine:
        return phase

    def all_terms(net: Parts, x: Batch) -> Mapping[str, Tensor]:
        own = phase.terms(net, x)
        return {**own, **{name: measured(name, term, losses[name], x) for name, term in mine.items()}}

    rows = {
        network: {**row, **{name: term.weight for name, term in mine.items() if network in term.minimised_by}}
        for network, row in phase.minimise.items()
    }
    return dataclasses.replace(phase, terms=all_terms, minimise=rows)


def networks_of(phases: Sequence[Phase]) -> list[str]:
    """The networks that some phase trains."""
    return list(dict.fromkeys(name for phase in phases for name in phase.minimise))


def assemble(spec: Spec, registry: Registry, facts: DataFacts, steps_per_epoch: int, world: World) -> Engine:
    """Build, initialise and place the networks, and give them to an engine.

    Equal seeds start from equal weights, on every device.
    """
    train = spec.train
    torch.manual_seed(address("weights", train.seed))
    net, phases = build_parts(spec, registry, facts)
    trained = networks_of(phases)
    for name in trained:
        init_weights(net[name], train.init.name, train.init.gain)
    device = devices(world, train.device)
    place(net, device, trained)
    arrange(net, memory_format_of(spec))
    if train.activation_checkpointing:
        recompute(net, trained)
    compiled = train.compile and not missing_compiler(device)
    if compiled:
        compile_networks(net, trained)
    return engine_of(spec, registry, net, phases, steps_per_epoch, device, world, compiled=compiled)


def engine_of(
    spec: Spec,
    registry: Registry,
    net: Parts,
    phases: Sequence[Phase],
    steps_per_epoch: int,
    device: torch.device,
    world: World,
    *,
    compiled: bool = False,
) -> Engine:
    """An engine for parts that stand on their device already."""
    train = spec.train
    optimizers = {name: _optimizer(spec, registry, name, net[name]) for name in networks_of(phases)}
    schedule = registry.build(spec.schedule, {}, {})
    settings = Settings(
        batch=train.batch,
        accumulate=train.accumulate,
        precision=precision_of(spec),
        compiled=compiled,
        clip=train.clip,
        ema=train.ema,
        seed=train.seed,
        max_skips=train.max_skips if train.on_nonfinite == "skip" else 0,
    )
    return Engine(
        build_strategy(spec, registry),
        net,
        phases,
        optimizers,
        rate=lambda step: schedule(step, steps_per_epoch),
        settings=settings,
        device=device,
        world=world,
    )


def place(net: Parts, device: torch.device, trained: Sequence[str]) -> None:
    """Move the parts to a device; what no phase trains stays as it is."""
    for module in net.modules().values():
        module.to(device)
    freeze(net, trained)


def arrange(net: Parts, memory_format: torch.memory_format) -> None:
    """Lay the weights out in memory; the maps that convolutions make follow them."""
    for module in net.modules().values():
        module.to(memory_format=memory_format)


def freeze(net: Parts, trained: Sequence[str]) -> None:
    """Keep as they are the parts that no phase trains."""
    for name, module in net.modules().items():
        if name not in trained:
            module.requires_grad_(False).eval()


def compile_networks(net: Parts, trained: Sequence[str], backend: str = "inductor") -> None:
    """Compile in place: the names of the weights stay clean."""
    # Networks with rows of their own in one phase go back through a graph twice; it must keep what it holds.
    torch._functorch.config.donated_buffer = False
    for name in trained:
        net[name].compile(backend=backend)


def recompute(net: Parts, trained: Sequence[str]) -> None:
    """Let the trained networks compute their blocks again for the gradient.

    Raises:
        I2IError: none of them can.
    """
    if not sum(recompute_blocks(net[name]) for name in trained):
        raise I2IError(
            "train.activation_checkpointing: it would be ignored: no network here has blocks that may be computed "
            "again (those with batch norm, spectral norm or dropout may not); leave it out"
        )


def memory_format_of(spec: Spec) -> torch.memory_format:
    """The layout that "auto" means: contiguous, which every network can bear (`view` fails on channels-last maps)."""
    last = spec.train.memory_format == "channels-last"
    return torch.channels_last if last else torch.contiguous_format


def precision_of(spec: Spec) -> str:
    """The precision that "auto" means: fp32, until bf16 is known to be as good."""
    return "fp32" if spec.train.precision == "auto" else spec.train.precision


def total_steps(spec: Spec, steps_per_epoch: int) -> int:
    """The length of the run in steps."""
    if spec.train.steps is not None:
        return spec.train.steps
    return max(1, round((spec.train.epochs or 0) * steps_per_epoch))


def _optimizer(spec: Spec, registry: Registry, name: str, network: nn.Module) -> torch.optim.Optimizer:
    ref = spec.optimizers.get(name, spec.optimizers["default"])
    optimizer: torch.optim.Optimizer = registry.build(ref, {}, {"parameters": network.parameters()})
    return optimizer
