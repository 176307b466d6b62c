"""Tiny engines for tests: any strategy on pictures drawn on the spot, without files."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from inspect import signature
from typing import Any

import torch
from torch import Tensor

from i2i.core.registry import Registry
from i2i.engine.loop import Engine, Report
from i2i.engine.parallel import World
from i2i.spec.assemble import build_parts, build_source, build_strategy, networks_of
from i2i.spec.plugins import discover
from i2i.spec.spec import Spec, resolve
from i2i.testing.comparing import difference as difference
from i2i.testing.comparing import unequal as unequal
from i2i.testing.engines import double as double
from i2i.testing.engines import everything as everything
from i2i.testing.engines import in_double as in_double
from i2i.testing.engines import weights as weights
from i2i.testing.workbench import PLAIN as PLAIN
from i2i.testing.workbench import Workbench
from i2i.translate.model import Model


@dataclass(frozen=True)
class Tiny:
    """How a strategy becomes small enough for a test.

    Attributes:
        options: of the strategy. Norms by picture: statistics over a batch are not those of its micro-batches.
        data: of the demo set.
        losses: the options that hold an adversarial loss.
    """

    options: Mapping[str, Any]
    data: Mapping[str, Any] = field(default_factory=dict)
    losses: tuple[str, ...] = ("gan",)


# What a component is built with that cannot do without.
NEEDED = {
    "schedule.exponential": {"factor": 0.5},
    "schedule.linear": {"constant": 10, "decay": 10},
    "discriminator.vaegan-features": {"feature_layer": 2},
    "encoder.timm": {"network": "test_resnet"},
    "discriminator.projected": {"network": "test_resnet", "weights": "random", "width": 4},
    "loss.timm": {"network": "test_resnet", "weights": "random"},
}

PATCH = {"name": "patch", "width": 4, "layers": 2, "norm": "instance"}

# Every strategy has a row; a U-Net has dropout from 64 pixels on.
TINY = {
    "pix2pix": Tiny(
        {
            "generator": {"name": "unet", "width": 4, "norm": "instance", "dropout": 0.5},
            "discriminator": PATCH,
        },
        {"layout": "paired", "size": 64},
    ),
    "cyclegan": Tiny(
        {
            "generator": {"name": "resnet", "width": 4, "blocks": 1, "dropout": 0.5},
            "discriminator": PATCH,
            "pool": 2,
        },
        {"layout": "unpaired", "size": 32},
    ),
    "bicyclegan": Tiny(
        {
            "generator": {"name": "latent-unet", "width": 4, "dropout": 0.5},
            "discriminator": {"name": "multi-scale", "width": 4, "layers": 1},
            "encoder": {"name": "resnet", "width": 4},
            "latent": 3,
        },
        {"layout": "paired", "light": "any", "size": 64},
    ),
    "stargan": Tiny(
        {
            "generator": {"name": "domain-resnet", "width": 4, "blocks": 1},
            "discriminator": {"name": "domain-patch", "width": 4, "layers": 5},
            "n_critic": 2,
        },
        {"layout": "domains", "size": 64},
    ),
    "gan": Tiny(
        {
            "generator": {"name": "mlp", "widths": (8, 8), "norm": "none"},
            "discriminator": {"name": "mlp", "widths": (8, 8), "dropout": 0.5},
            "latent": 5,
        },
        {"layout": "images", "size": 32},
    ),
    "dcgan": Tiny(
        {
            "generator": {"name": "strided", "width": 4, "norm": "instance"},
            "discriminator": {"name": "strided", "width": 4, "norm": "instance"},
            "order": "generator-first",
            "latent": 5,
        },
        {"layout": "images", "size": 32},
    ),
    "cgan": Tiny(
        {
            "generator": {"name": "label-mlp", "widths": (8, 8), "norm": "none"},
            "discriminator": {"name": "label-mlp", "widths": (8, 8)},
            "latent": 5,
        },
        {"layout": "images", "size": 32},
    ),
    "acgan": Tiny(
        {
            "generator": {"name": "label-resizing", "width": 8, "norm": "instance"},
            "discriminator": {"name": "class-conv", "width": 4, "norm": "instance"},
            "latent": 5,
        },
        {"layout": "images", "size": 32},
    ),
    "vaegan": Tiny(
        {
            "generator": {"name": "vaegan-decoder", "width": 8, "norm": "instance"},
            "encoder": {"name": "vaegan-encoder", "width": 4, "hidden": 8, "norm": "instance"},
            "discriminator": {"name": "vaegan-features", "width": 4, "hidden": 8, "norm": "instance"},
            "latent": 3,
        },
        {"layout": "images", "size": 32},
    ),
    "spade": Tiny(
        {
            "generator": {"name": "spade", "width": 4, "hidden": 4, "norm": "instance", "spectral": False},
            "discriminator": {"name": "feature-patch", "width": 4, "layers": 2, "spectral": False},
            "encoder": {"name": "spade", "width": 4, "layers": 3, "spectral": False},
            "latent": 3,
            "perceptual": "l1",
        },
        {"layout": "masks", "size": 64},
    ),
    # from its fifth step on inside a fade, and grown up within eight
    "stylegan": Tiny(
        {
            "generator": {"name": "style", "width": 32, "max_width": 4, "layers": 2},
            "discriminator": {"name": "progressive", "width": 32, "max_width": 4, "group": 1},
            "latent": 4,
            "start": 4,
            "stable_images": 2,
            "fading_images": 7,
            "batches": [],
        },
        {"layout": "images", "size": 32},
    ),
}

# Values for the controls of `translate` that are no switches.
CONTROLS: dict[str, tuple[Any, ...]] = {
    "domain": ("red", ("large", "striped")),
    "source": (None, (), ("yellow", "large")),
    "label": (None, "square", 2),
    "truncation": (1.0, 0.7),
}


@functools.cache
def registry() -> Registry:
    """What is installed, found once."""
    return discover()


def strategies() -> list[str]:
    """The names of all strategies: what the contract is held against."""
    return registry().names("strategy")


def adversarial_losses() -> dict[str, bool]:
    """The losses that judge scores, and whether they need a penalty."""
    judges = [
        c for c in registry() if c.kind == "loss" and "role" in signature(c.factory.__call__).parameters
    ]
    return {c.name: "penalty_weight" in c.signature.options.model_fields for c in judges}


def tiny(name: str) -> Tiny:
    """The row of a strategy."""
    assert name in TINY, f"helpers.TINY needs a row for strategy '{name}'"
    return TINY[name]


def small() -> dict[str, Mapping[str, Any]]:
    """What makes every component small."""
    return {**NEEDED, **{f"strategy.{name}": row.options for name, row in TINY.items()}}


@functools.cache
def bench(name: str) -> Workbench:
    """Where a strategy is built small."""
    assert name in TINY, f"helpers.TINY needs a row for strategy '{name}'"
    return Workbench(registry(), {**small(), "data": TINY[name].data})


def tiny_component(kind: str, name: str) -> dict[str, Any]:
    """A component with whatever makes it small, as the table of a spec."""
    workbench = Workbench(registry(), small())
    options = workbench.options(registry().get(kind, name))
    return {"name": name, **{k: v for k, v in options.items() if k not in ("norm", "spectral")}}


def published_norms(name: str) -> dict[str, Any]:
    """The options of a tiny strategy without its norms, so that those of the strategy hold."""
    return bench(name).published_norms(name)


def tiny_tables(
    name: str, *, options: Mapping[str, Any] | None = None, **sections: Mapping[str, Any]
) -> dict[str, Any]:
    """The spec of a tiny run, 8 steps of a batch that can be quartered; `options` go over those of the strategy."""
    return bench(name).tables(name, options=options, **sections)


def tiny_spec(name: str, *, options: Mapping[str, Any] | None = None, **sections: Mapping[str, Any]) -> Spec:
    """A tiny run's spec, resolved."""
    return resolve(tiny_tables(name, options=options, **sections), registry())


def tiny_engine(spec: Spec, world: World | None = None) -> Engine:
    """The engine of a spec."""
    return Workbench(registry()).engine(spec, world)


@functools.cache
def tiny_model(name: str, channels: int = 3) -> Model:
    """A trained model as translation sees it, with weights as they were drawn."""
    spec = tiny_spec(name)
    facts = build_source(spec, registry()).facts
    facts = dataclasses.replace(facts, channels=dict.fromkeys(facts.channels, channels))
    net, _ = build_parts(spec, registry(), facts)
    return Model(spec, build_strategy(spec, registry()), net, facts, torch.device("cpu"))


def batches(spec: Spec, start: int = 0, world: World | None = None) -> Iterator[dict[str, Tensor]]:
    """A process's batches from a step on."""
    return Workbench(registry()).batches(spec, start, world)


def train(engine: Engine, spec: Spec, steps: int, world: World | None = None) -> list[Report]:
    """Train to a step: the terms of each step."""
    return Workbench(registry()).train(engine, spec, steps, world)


def train_in_double(spec: Spec, steps: int, world: World | None = None) -> tuple[Engine, list[Report]]:
    """A new engine after some steps in fp64, and their terms."""
    return Workbench(registry()).train_in_double(spec, steps, world)


def networks(name: str) -> list[str]:
    """The networks that a strategy trains."""
    return networks_of(build_strategy(tiny_spec(name), registry()).phases())
