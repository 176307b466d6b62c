"""Small engines and networks: any component of a registry, on pictures drawn on the spot, without files."""

from __future__ import annotations

import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import torch
from torch import Tensor

from i2i.core.check import validate
from i2i.core.errors import I2IError
from i2i.core.registry import Component, Registry
from i2i.core.schema import Ref
from i2i.core.strategy import Strategy
from i2i.data.demo import Layout
from i2i.data.stream import Stream
from i2i.data.values import to_device
from i2i.engine.loop import Engine, Report
from i2i.engine.parallel import World
from i2i.spec.assemble import assemble, build_source, build_strategy
from i2i.spec.budget import Budget
from i2i.spec.rehearse import rehearse
from i2i.spec.spec import Spec, resolve
from i2i.testing.engines import double, in_double

QUARTERS = 4
"""Micro-batches that a small batch can be cut into."""

STEPS = 8
SIDE = 64
"""Pixels of the pictures that networks are shown by themselves."""

LARGEST = 2**28
"""Bytes of weights; a component that takes more with an option at its limit is told so, and not built."""

SIZES = (32, 64, 128)
LAYOUTS: tuple[str, ...] = typing.get_args(Layout)
NETWORKS = ("generator", "discriminator", "encoder")

# What makes a component small, and each picture's result its own: options that it has, and values that it takes.
SHRUNK: tuple[tuple[str, Any], ...] = (
    ("width", 4),
    ("blocks", 1),
    ("layers", 2),
    ("hidden", 8),
    ("spectral", False),
    ("norm", "none"),
    ("norm", "instance"),
)

# Steps of plain gradient descent differ as much as gradients do; Adam turns rounding noise into whole steps.
PLAIN: Mapping[str, Any] = {"default": {"name": "sgd", "lr": 0.01}}


@dataclass(frozen=True)
class Workbench:
    """Builds the components of a registry small.

    Attributes:
        registry: the components.
        small: "kind.name" -> options that make a component small, over what is made small unasked; "data" -> options
            of the demo set that methods are shown.
    """

    registry: Registry
    small: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    _data: dict[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)

    def options(self, component: Component) -> dict[str, Any]:
        """What makes a component small, as options of a spec; those of its own components stand in tables."""
        made: dict[str, Any] = {}
        fields = component.signature.options.model_fields
        defaults = component.signature.defaults()
        for option, value in SHRUNK:
            if option in fields and _smaller(value, defaults.get(option)):
                made |= {} if self._wrong(component, {option: value}) else {option: value}
        for option, kind in component.signature.nested.items():
            default = defaults.get(option)
            if isinstance(default, Ref) and kind in NETWORKS:
                inner = self.registry.get(kind, default.name)
                made[option] = {"name": default.name, **self.options(inner)}
        return {**made, **self.given(component)}

    def given(self, component: Component) -> dict[str, Any]:
        """The options that the author of a component gave for the checks."""
        own = self.small.get(f"{component.kind}.{component.name}", {})
        return {key: value for key, value in own.items() if key not in component.signature.facts}

    def facts(self, component: Component) -> dict[str, Any]:
        """The facts that the author of a component gave for the checks."""
        own = self.small.get(f"{component.kind}.{component.name}", {})
        return {key: value for key, value in own.items() if key in component.signature.facts}

    def _wrong(self, component: Component, options: Mapping[str, Any]) -> bool:
        _, problems = validate(component.signature.options, options, "", "")
        return any(problem.at.strip(".").split(".")[0] in options for problem in problems)

    def ref(self, component: Component, options: Mapping[str, Any] | None = None) -> Ref:
        """A component with options over those that make it small, resolved.

        Raises:
            SpecError: it refuses them.
        """
        table = {"name": component.name, **self.options(component), **(options or {})}
        return self.registry.resolve(component.kind, table, component.kind, offers={"image_size": SIDE})

    def build(self, component: Component, options: Mapping[str, Any], facts: Mapping[str, Any]) -> Any:
        """A component, built from equal random numbers every time.

        Raises:
            I2IError: it refuses the options or the facts.
        """
        self._check_needed(component, options)
        ref = self.ref(component, options)
        with torch.random.fork_rng(devices=[]), Budget(LARGEST) as budget:
            budget.ref = ref
            torch.manual_seed(0)
            return self.registry.build(ref, {}, facts)

    def _check_needed(self, component: Component, options: Mapping[str, Any]) -> None:
        given = {**self.given(component), **options}
        for name, option in component.signature.options.model_fields.items():
            if option.is_required() and name not in given and name not in component.signature.nested:
                raise I2IError(
                    f"it needs the option {name}; give the check a value: "
                    f'small = {{"{component.kind}.{component.name}": {{"{name}": …}}}}'
                )

    def method(self, name: str) -> type[Strategy]:
        """The class of a method."""
        return cast(type[Strategy], self.registry.get("strategy", name).factory)

    def tables(
        self, name: str, *, options: Mapping[str, Any] | None = None, **sections: Mapping[str, Any]
    ) -> dict[str, Any]:
        """The spec of a small run of a method: eight steps of a batch that can be quartered."""
        method, factory = self.registry.get("strategy", name), self.method(name)
        batch = QUARTERS * factory.multiple
        own = self.options(method) if options is None else {**self.options(method), **options}
        train = {"steps": STEPS, "batch": batch, "device": "cpu", **sections.pop("train", {})}
        if optimizers := sections.pop("optimizers", None):  # for networks with rates of their own too
            published = factory.recipe.get("optimizers", {})
            sections["optimizers"] = {**dict.fromkeys(published, optimizers["default"]), **optimizers}
        data = {**self.data(name), **sections.pop("data", {})}
        return {"strategy": {"name": name, **own}, "data": data, "train": train, **sections}

    def spec(
        self, name: str, *, options: Mapping[str, Any] | None = None, **sections: Mapping[str, Any]
    ) -> Spec:
        """The same, resolved; `options` go over those that make the method small.

        Raises:
            SpecError: it cannot be.
        """
        return resolve(self.tables(name, options=options, **sections), self.registry)

    def published_norms(self, name: str) -> dict[str, Any]:
        """The options of a small method without its norms, so that those of the method hold."""
        own = self.options(self.registry.get("strategy", name))
        tables = {key: table for key, table in own.items() if isinstance(table, Mapping)}
        return {
            key: {k: v for k, v in table.items() if k not in ("norm", "spectral")}
            for key, table in tables.items()
        }

    def data(self, name: str) -> Mapping[str, Any]:
        """The table `data` of a small run: what the method's recipe names, or a layout of the demo set that it can use.

        Raises:
            I2IError: it can use none.
        """
        if name not in self._data:
            self._data[name] = self._fitting_data(name)
        return self._data[name]

    def _fitting_data(self, name: str) -> Mapping[str, Any]:
        method = self.method(name)
        own = method.recipe.get("data", {}).get("name", "")
        if f"data.{own}" in self.small:
            return {"name": own, **self.small[f"data.{own}"]}
        problems: dict[str, str] = {}
        for layout in sorted(LAYOUTS, key=lambda layout: layout != own):
            for size in SIZES:
                count = 2 * QUARTERS * method.multiple
                demo = {
                    "name": "demo",
                    "layout": layout,
                    "size": size,
                    "count": count,
                    "seed": 1,
                    "workers": 0,
                }
                table = {**demo, **self.small.get("data", {})}
                try:
                    self._data[name] = table
                    spec = self.spec(name)
                    rehearse(spec, self.registry, build_source(spec, self.registry).facts)
                    return table
                except I2IError as error:
                    if layout == own and size == SIZES[-1]:
                        raise
                    problems[str(error)] = layout
                finally:
                    self._data.pop(name, None)
        raise I2IError(
            "no layout of the demo set suits it; name data of your own in its recipe, and in small:\n"
            + "\n".join(f"    {layout}: {why.strip()}" for why, layout in problems.items())
        )

    def engine(self, spec: Spec, world: World | None = None) -> Engine:
        """The engine of a spec."""
        source = build_source(spec, self.registry)
        steps_per_epoch = -(-len(source) // spec.train.batch)
        return assemble(spec, self.registry, source.facts, steps_per_epoch, world or World())

    def batches(self, spec: Spec, start: int = 0, world: World | None = None) -> Iterator[dict[str, Tensor]]:
        """A process's batches from a step on."""
        source, world = build_source(spec, self.registry), world or World()
        method = build_strategy(spec, self.registry)
        stream = Stream(
            source,
            seed=spec.train.seed,
            batch=spec.train.batch,
            accumulate=spec.train.accumulate,
            rank=world.rank,
            processes=world.size,
            workers=spec.workers,
            start=start,
            batch_at=lambda seen: method.plan(seen).batch or spec.train.batch,
        )
        for fields in stream:
            yield to_device(fields, source.facts, torch.device("cpu"))

    def train(self, engine: Engine, spec: Spec, steps: int, world: World | None = None) -> list[Report]:
        """Train to a step: the terms of each step."""
        return list(engine.run(self.batches(spec, engine.step, world), steps))

    def train_in_double(
        self, spec: Spec, steps: int, world: World | None = None
    ) -> tuple[Engine, list[Report]]:
        """A new engine after some steps in fp64, and their terms.

        What should be equal is compared in fp64: in fp32 rounding grows tenfold a step and more, since ReLU and the
        absolute value have kinks.
        """
        engine = in_double(self.engine(spec, world))
        return engine, list(engine.run(map(double, self.batches(spec, world=world)), steps))


def _smaller(value: Any, default: Any) -> bool:
    """Whether a value makes something small; a number that is smaller already stays."""
    numbers = isinstance(value, int) and isinstance(default, int)
    return not numbers or isinstance(value, bool) or value < default
