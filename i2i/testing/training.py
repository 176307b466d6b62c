"""What a method keeps to while it trains: its terms, gradients and random numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from i2i.core.batch import Batch
from i2i.core.registry import Component
from i2i.spec.spec import Spec
from i2i.testing.calling import is_adversarial, needs_penalty
from i2i.testing.comparing import in_words, unequal
from i2i.testing.engines import everything
from i2i.testing.randomness import other_numbers
from i2i.testing.workbench import Workbench


def steps(bench: Workbench, method: Component) -> Iterator[str]:
    """Two steps give one finite number for each term."""
    spec = bench.spec(method.name)
    engine = bench.engine(spec)
    wanted = {name.rstrip("?") for name in engine.strategy.wants()}
    for fields, _ in zip(bench.batches(spec), range(2), strict=False):
        try:
            report = engine.advance({name: tensor for name, tensor in fields.items() if name in wanted})
        except AttributeError as error:
            if "the batch has no" not in str(error):
                raise
            yield f"a step uses a field that wants() does not name: {error}"
            return
        odd = [term for term, value in report.items() if not value.isfinite()]
        if odd:
            yield f"{', '.join(odd)} is not finite in the first steps; look for a division by zero, a log or a root"
            return


def terms(bench: Workbench, method: Component) -> Iterator[str]:
    """Every term depends on a weight of a network that minimises it."""
    spec = bench.spec(method.name)
    engine = bench.engine(spec)
    x = Batch(next(bench.batches(spec)), images_seen=engine.images)
    engine.strategy.prepare(engine.net, x)
    for phase in engine.phases:
        for term, value in phase.terms(engine.net, x).items():
            trained = [name for name, row in phase.minimise.items() if term in row]
            inputs = [w for name in trained for w in engine.trained[name].parameters() if w.requires_grad]
            if not value.requires_grad or not any(
                gradient is not None
                for gradient in torch.autograd.grad(value, inputs, retain_graph=True, allow_unused=True)
            ):
                yield (
                    f"phase '{phase.name}': {term} does not depend on any weight of {', '.join(trained)}, which should "
                    "minimise it; was a tensor detached, or made under no_grad?"
                )


def reach(bench: Workbench, method: Component) -> Iterator[str]:
    """A gradient reaches every trained weight."""
    spec = bench.spec(method.name)
    engine = bench.engine(spec)
    reached: set[int] = set()

    def note(optimizer: torch.optim.Optimizer, *_: Any) -> None:
        params = (p for group in optimizer.param_groups for p in group["params"])
        reached.update(id(p) for p in params if p.grad is not None)

    for optimizer in engine.optimizers.values():
        optimizer.register_step_pre_hook(note)
    bench.train(engine, spec, spec.train.steps or 0)  # growing networks use their last layers at the end
    lost = [
        f"{net}.{key}"
        for net, module in engine.trained.items()
        for key, weight in module.named_parameters()
        if weight.requires_grad and id(weight) not in reached
    ]
    if lost:
        yield f"no gradient ever reaches {in_words(lost)}; use these weights in the forward pass, or delete them"


def random_numbers(bench: Workbench, method: Component) -> Iterator[str]:
    """Every random number of a step comes from `x.random`."""
    specs = [bench.spec(method.name)]
    for option in adversarial_options(bench, method):  # a penalty is a branch that may draw of its own
        losses = [loss.name for loss in adversarial_losses(bench) if needs_penalty(loss)]
        specs += [bench.spec(method.name, options={option: loss}) for loss in losses]
    if any(_draws_elsewhere(bench, spec) for spec in specs):
        yield (
            "its steps draw from random numbers that all of Python shares (torch.randn, nn.Dropout, random, numpy); "
            "draw from x.random, and use i2i.nets.Dropout, so that a resume, micro-batches and processes change nothing"
        )


def _draws_elsewhere(bench: Workbench, spec: Spec) -> bool:
    one, other = bench.engine(spec), bench.engine(spec)
    with other_numbers(1):
        first = bench.train(one, spec, 2)
    with other_numbers(2):
        second = bench.train(other, spec, 2)
    return any(unequal(a, b) for a, b in zip(first, second, strict=True))


def bad_pictures(bench: Workbench, method: Component) -> Iterator[str]:
    """A step on pictures that are nan leaves no trace."""
    settings = {"on_nonfinite": "skip"}
    spec = bench.spec(method.name, train=settings)
    engine = bench.engine(spec)
    bench.train(engine, spec, 1)
    batch = next(bench.batches(spec, 1))
    bad = {name: torch.full_like(t, torch.nan) if t.is_floating_point() else t for name, t in batch.items()}
    engine.advance(bad)
    if marked := [key for key, t in everything(engine).items() if not t.isfinite().all()]:
        yield (
            f"after a step on pictures that are nan, {in_words(marked)} is nan as well: a module of build() that keeps "
            "what it saw has to be changed in a phase, where the engine can undo it"
        )


def adversarial(bench: Workbench, method: Component) -> Iterator[str]:
    """Every adversarial loss trains it."""
    for option in adversarial_options(bench, method):
        for loss in adversarial_losses(bench):
            spec = bench.spec(method.name, options={option: loss.name})
            engine = bench.engine(spec)
            (report,) = bench.train(engine, spec, 1)
            listed = [term for phase in engine.phases for row in phase.minimise.values() for term in row]
            if needs_penalty(loss) and not any("penalty" in term for term in listed):
                yield (
                    f"with {option} = '{loss.name}' no phase lists a term penalty, which that loss asks for by "
                    "penalty_weight; see i2i.losses.penalty_weight"
                )
            if odd := [term for term, value in report.items() if not value.isfinite()]:
                yield f"with {option} = '{loss.name}', {', '.join(odd)} is not finite in the first step"


def adversarial_options(bench: Workbench, method: Component) -> list[str]:
    """The options of a method that hold an adversarial loss."""
    losses = [option for option, kind in method.signature.nested.items() if kind == "loss"]
    defaults = {option: method.signature.defaults().get(option) for option in losses}
    return [
        option
        for option, default in defaults.items()
        if default is not None and is_adversarial(bench.registry.get("loss", default.name))
    ]


def adversarial_losses(bench: Workbench) -> list[Component]:
    """All that are installed."""
    return [
        component for component in bench.registry if component.kind == "loss" and is_adversarial(component)
    ]
