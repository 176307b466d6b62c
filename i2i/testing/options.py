"""Whether the options of a method stand their limits, and change something."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from i2i.core.errors import I2IError
from i2i.core.registry import Component
from i2i.core.schema import Ref
from i2i.engine.loop import Engine
from i2i.spec.assemble import build_source
from i2i.spec.describe import objectives
from i2i.spec.rehearse import rehearse
from i2i.spec.spec import Spec
from i2i.testing.calling import called_with, is_adversarial
from i2i.testing.comparing import unequal
from i2i.testing.translation import shown
from i2i.testing.values import at_bounds, others, refusal, unforeseen
from i2i.testing.workbench import NETWORKS, STEPS, Workbench


def bounds(bench: Workbench, method: Component) -> Iterator[str]:
    """With every option at its limits it runs, or refuses the value in a sentence."""
    for option, value in at_bounds(method):
        if option in bench.given(method):
            continue
        try:
            small = bench.spec(method.name, options={option: value})
            rehearse(small, bench.registry, build_source(small, bench.registry).facts)
        except Exception as error:
            if (cause := unforeseen(error)) is not None:
                yield refusal(option, value, cause)


def options(bench: Workbench, method: Component) -> Iterator[str]:
    """Every option changes something: the objective, the networks, the numbers of a step, or a translation."""
    usual = Course(bench, bench.spec(method.name))
    for option in method.signature.options.model_fields:
        values = [*_other_values(bench, method, option)]
        if values and not any(_matters(bench, method, usual, {option: value}) for value in values):
            yield f"the option {option} changes nothing; use it, or delete it"


def _matters(bench: Workbench, method: Component, usual: Course, changed: Mapping[str, Any]) -> bool:
    try:
        return usual.differs(bench.spec(method.name, options=changed))
    except Exception:
        return True  # it is looked at; whether that ends in a sentence, `bounds` says


def _other_values(bench: Workbench, method: Component, option: str) -> Iterator[Any]:
    kind = method.signature.nested.get(option)
    given = bench.options(method).get(option, method.signature.defaults().get(option))
    if kind is None:
        yield from others(method.signature, option, given)
        return
    name = (
        given.name if isinstance(given, Ref) else given.get("name") if isinstance(given, Mapping) else given
    )
    if name is None:
        return
    if kind in NETWORKS:
        table = bench.options(method).get(option, {"name": name})
        inner = bench.registry.get(kind, name)
        small = {**bench.options(inner), **table} if isinstance(table, Mapping) else bench.options(inner)
        for key in inner.signature.options.model_fields:
            for value in others(inner.signature, key, small.get(key, inner.signature.defaults().get(key))):
                yield {**small, "name": name, key: value}
    if kind == "loss":
        like = bench.registry.get("loss", name)
        losses = [c for c in bench.registry if c.kind == "loss" and c.name != name]
        yield from (c.name for c in losses if _called_alike(c, like) and _builds(bench, c))


def _builds(bench: Workbench, component: Component) -> bool:
    try:
        bench.build(component, {}, {})
    except I2IError:
        return False
    return True


def _called_alike(one: Component, other: Component) -> bool:
    return is_adversarial(one) == is_adversarial(other) and len(called_with(one.factory)) == len(
        called_with(other.factory)
    )


class Course:
    """What a small run does in its first steps, to hold others against it."""

    def __init__(self, bench: Workbench, usual: Spec) -> None:
        self.bench, self.engine = bench, bench.engine(usual)
        self.terms = bench.train(self.engine, usual, STEPS)
        self.shown = shown(bench, self.engine, usual)
        self.words = _words(self.engine)

    def differs(self, other: Spec) -> bool:
        """Whether a run of another spec does anything otherwise."""
        engine = self.bench.engine(other)
        if _words(engine) != self.words:
            return True
        for report, usual in zip(engine.run(self.bench.batches(other), STEPS), self.terms, strict=True):
            if unequal(report, usual):
                return True
        return bool(unequal(shown(self.bench, engine, other), self.shown))


def _words(engine: Engine) -> str:
    plans = [engine.strategy.plan(images) for images in (0, 10, 1000, 10**6, 10**9)]
    sizes = {name: sum(w.numel() for w in part.parameters()) for name, part in engine.net.modules().items()}
    return f"{objectives(engine.phases)} {plans} {sizes}"
