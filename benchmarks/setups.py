"""What the benchmarks of the step train, from the arguments of a command to an engine and its batches."""

from __future__ import annotations

import argparse
import functools
import itertools
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from methods import METHODS
from torch import Tensor

from i2i.core.registry import Registry
from i2i.data.stream import Stream
from i2i.data.values import to_device
from i2i.engine.loop import Engine
from i2i.engine.parallel import World
from i2i.spec.assemble import assemble, build_source
from i2i.spec.plugins import discover
from i2i.spec.spec import Spec, resolve

BATCHES = 3
# One word for each setting of a variant, as in "bf16+channels-last+compile".
WORDS: Mapping[str, Mapping[str, Any]] = {
    "default": {},
    "fp32": {"precision": "fp32"},
    "bf16": {"precision": "bf16"},
    "fp16": {"precision": "fp16"},
    "contiguous": {"memory_format": "contiguous"},
    "channels-last": {"memory_format": "channels-last"},
    "compile": {"compile": True},
    "checkpointing": {"activation_checkpointing": True},
}


@dataclass(frozen=True)
class Setup:
    """What is trained, and on what; `tables` go over the published spec."""

    method: str = "cyclegan"
    size: int = 128
    batch: int = 1
    device: str = "cpu"
    clock: Callable[[], float] = time.perf_counter
    tables: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def __str__(self) -> str:
        clock = ", CPU time of one thread" if self.clock is time.process_time else ""
        return f"{self.method}, {self.size}², batch {self.batch}, {self.device}{clock}"


def add_setup(parser: argparse.ArgumentParser, *, several: bool = False) -> None:
    """The arguments that make a setup, or several of them."""
    many: dict[str, Any] = {"nargs": "+"} if several else {}
    first = (lambda value: [value]) if several else (lambda value: value)
    parser.add_argument("--method", choices=[*METHODS], default=first("cyclegan"), **many)
    parser.add_argument("--size", type=int, default=first(128), **many)
    parser.add_argument(
        "--batch", type=int, default=first(0), help="default: 1, or the least that it takes", **many
    )
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--cpu-time", action="store_true", help="one thread's own time, on a busy machine")


def setup_of(options: argparse.Namespace, method: str, size: int, batch: int) -> Setup:
    """The setup of the arguments."""
    if options.cpu_time:
        torch.set_num_threads(1)
    clock = time.process_time if options.cpu_time else time.perf_counter
    return Setup(method, size, batch or METHODS[method].batch, options.device, clock)


@functools.cache
def registry() -> Registry:
    """What is installed, found once."""
    return discover()


def spec_of(setup: Setup, variant: str) -> Spec:
    """The published spec of the method, with the settings of a variant."""
    method = METHODS[setup.method]
    if unknown := [word for word in variant.split("+") if word not in WORDS]:
        sys.exit(f"a variant is made of {', '.join(WORDS)}, joined by +; not '{unknown[0]}'")
    settings = {key: value for word in variant.split("+") for key, value in WORDS[word].items()}
    tables: dict[str, dict[str, Any]] = {
        "strategy": {"name": setup.method, **method.options(setup.size)},
        "data": {
            "name": "demo",
            "size": setup.size,
            "count": BATCHES * setup.batch,
            "workers": 0,
            **method.data,
        },
        # plain loops do not average weights
        "train": {"steps": 10**6, "ema": {}, "batch": setup.batch, "device": setup.device, **settings},
        "schedule": {"name": "constant"},
    }
    for section, table in setup.tables.items():
        tables[section] |= table
    return resolve(tables, registry())


def engine(setup: Setup, variant: str) -> Engine:
    """i2i's trainer."""
    spec = spec_of(setup, variant)
    return assemble(spec, registry(), build_source(spec, registry()).facts, 1, World())


def samples(setup: Setup) -> list[dict[str, Tensor]]:
    """A few batches of the demo set, on the device."""
    spec = spec_of(setup, "fp32")
    source = build_source(spec, registry())
    stream = Stream(source, seed=spec.train.seed, batch=setup.batch)
    return [
        to_device(fields, source.facts, torch.device(setup.device))
        for fields in itertools.islice(stream, BATCHES)
    ]


def finish(device: str) -> None:
    """Wait for what the device has still to do."""
    if device.startswith("cuda"):
        torch.cuda.synchronize()
