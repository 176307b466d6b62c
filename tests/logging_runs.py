"""Runs that are logged, for tests."""

from pathlib import Path
from typing import Any

import torch
from helpers import registry
from trained import run_tables

import i2i


def logged(out: Path, *loggers: Any, components: i2i.Registry | None = None, **train: Any) -> i2i.Run:
    """A new run of a few steps with loggers."""
    tables = {**run_tables("pix2pix", **train), "loggers": list(loggers)}
    return i2i.build(tables, registry=components or registry(), out=out)


def with_logger(factory: type) -> i2i.Registry:
    """What is installed, and a logger "mine"."""
    components = i2i.Registry("mine")
    components.merge(registry())
    components.add("logger", "mine", factory)
    return components


def steps_of(run: i2i.Run, count: int) -> None:
    """Train some steps, and leave the run there."""
    steps = run.steps()
    for _ in range(count):
        next(steps)
    steps.close()  # type: ignore[attr-defined]


class Quiet:
    """A logger that keeps all it is told."""

    told: list[tuple[Any, ...]]

    def open(self, folder: Path) -> None:
        type(self).told = [("open", folder.name)]

    def scalars(self, step: int, values: dict[str, float]) -> None:
        self.told.append((step, *values))

    def picture(self, step: int, name: str, picture: torch.Tensor) -> None:
        self.told.append((step, name, picture.dtype, picture.shape[0]))

    def close(self) -> None:
        self.told.append(("close",))
