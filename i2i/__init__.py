"""i2i: image-to-image translation, one engine, every method a plug-in."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from i2i import data as data
    from i2i import losses as losses
    from i2i import nets as nets
    from i2i import report as report
    from i2i import testing as testing
    from i2i.core.batch import Batch as Batch
    from i2i.core.batch import Draws as Draws
    from i2i.core.batch import Parts as Parts
    from i2i.core.data import DataFacts as DataFacts
    from i2i.core.data import Labelled as Labelled
    from i2i.core.data import Listed as Listed
    from i2i.core.data import Source as Source
    from i2i.core.deprecated import Former as Former
    from i2i.core.errors import I2IError as I2IError
    from i2i.core.errors import SpecError as SpecError
    from i2i.core.errors import nearest as nearest
    from i2i.core.hookspecs import hookimpl as hookimpl
    from i2i.core.importing import Match as Match
    from i2i.core.protocols import AdversarialLoss as AdversarialLoss
    from i2i.core.protocols import Importer as Importer
    from i2i.core.protocols import Logger as Logger
    from i2i.core.protocols import Metric as Metric
    from i2i.core.protocols import OptimizerFactory as OptimizerFactory
    from i2i.core.protocols import Schedule as Schedule
    from i2i.core.registry import Registry as Registry
    from i2i.core.schema import Kind as Kind
    from i2i.core.schema import Ref as Ref
    from i2i.core.strategy import CodeOf as CodeOf
    from i2i.core.strategy import Discriminator as Discriminator
    from i2i.core.strategy import Encoder as Encoder
    from i2i.core.strategy import Generator as Generator
    from i2i.core.strategy import Inference as Inference
    from i2i.core.strategy import Loss as Loss
    from i2i.core.strategy import Make as Make
    from i2i.core.strategy import NameOf as NameOf
    from i2i.core.strategy import Phase as Phase
    from i2i.core.strategy import PictureOf as PictureOf
    from i2i.core.strategy import Plan as Plan
    from i2i.core.strategy import Strategy as Strategy
    from i2i.importing.run import import_weights as import_weights
    from i2i.losses.penalties import gradient_penalty as gradient_penalty
    from i2i.losses.penalties import second_order as second_order
    from i2i.run.checking import check as check
    from i2i.run.run import Run as Run
    from i2i.run.run import build as build
    from i2i.spec.plugins import discover as discover
    from i2i.spec.schema import schema as schema
    from i2i.spec.spec import Spec as Spec
    from i2i.speed.bench import Bench as Bench
    from i2i.speed.bench import bench as bench
    from i2i.translate.loading import load as load
    from i2i.translate.model import Model as Model

# Where each public name lives: importing i2i imports none of them, torch least of all.
_HOMES = {
    "i2i.core.batch": ("Batch", "Draws", "Parts"),
    "i2i.core.data": ("DataFacts", "Labelled", "Listed", "Source"),
    "i2i.core.deprecated": ("Former",),
    "i2i.core.errors": ("I2IError", "SpecError", "nearest"),
    "i2i.core.hookspecs": ("hookimpl",),
    "i2i.core.importing": ("Match",),
    "i2i.core.protocols": ("AdversarialLoss", "Importer", "Logger", "Metric", "OptimizerFactory", "Schedule"),
    "i2i.core.registry": ("Registry",),
    "i2i.core.schema": ("Kind", "Ref"),
    "i2i.core.strategy": (
        "CodeOf",
        "Discriminator",
        "Encoder",
        "Generator",
        "Inference",
        "Loss",
        "Make",
        "NameOf",
        "Phase",
        "PictureOf",
        "Plan",
        "Strategy",
    ),
    "i2i.importing.run": ("import_weights",),
    "i2i.losses.penalties": ("gradient_penalty", "second_order"),
    "i2i.run.checking": ("check",),
    "i2i.run.run": ("Run", "build"),
    "i2i.spec.plugins": ("discover",),
    "i2i.spec.schema": ("schema",),
    "i2i.spec.spec": ("Spec",),
    "i2i.speed.bench": ("Bench", "bench"),
    "i2i.translate.model": ("Model",),
    "i2i.translate.loading": ("load",),
}

__all__ = sorted(name for names in _HOMES.values() for name in names)  # noqa: PLE0605


if not TYPE_CHECKING:  # a type checker would take every name for one of these

    def __getattr__(name: str) -> Any:
        for home, names in _HOMES.items():
            if name in names:
                return getattr(importlib.import_module(home), name)
        if name in ("data", "losses", "nets", "report", "testing"):
            return importlib.import_module(f"i2i.{name}")
        return importlib.import_module("i2i.core.deprecated").public("i2i", name, ", ".join(__all__))


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
