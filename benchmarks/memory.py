"""How well the memory of a step is foreseen: `python benchmarks/memory.py [CASE…]`.

Each case is a spec on the demo set. Predicted is what `i2i check` says; measured is the most that torch's CPU allocator
handed out at one time while an engine was built and took two steps, added up from the profiler's record of every
allocation. No figure of the prediction goes into the measurement; that also holds the copies that oneDNN makes of maps
and weights, padded to 16 channels, which are not predicted. Cases are listed below; without names, all run.
"""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile

from i2i import discover
from i2i.core.registry import Registry
from i2i.engine.parallel import World
from i2i.spec.assemble import assemble, build_source
from i2i.spec.memory import Job, moments, predict
from i2i.spec.rehearse import fake_fields
from i2i.spec.spec import Spec, resolve

STEPS = 10**6  # so that what grows is grown up
NARROW = {
    "generator": {"name": "style", "max_width": 32},
    "discriminator": {"name": "progressive", "max_width": 32},
}
LAYOUTS = {
    "pix2pix": "paired",
    "bicyclegan": "paired",
    "cyclegan": "unpaired",
    "stargan": "domains",
    "spade": "masks",
}


def case(strategy: str, size: int, batch: int | None, **more: Any) -> dict[str, Any]:
    """The tables of a spec."""
    options = {"perceptual": "l1"} if strategy == "spade" else {}
    train = {k: v for k, v in more.items() if k in ("accumulate", "precision", "ema")}
    return {
        "strategy": {"name": strategy, **options, **{k: v for k, v in more.items() if k not in train}},
        "data": {
            "name": "demo",
            "layout": LAYOUTS.get(strategy, "images"),
            "size": size,
            "count": 64,
            "workers": 0,
        },
        "train": {"steps": STEPS, "device": "cpu", **({"batch": batch} if batch else {}), **train},
    }


CASES: Mapping[str, Mapping[str, Any]] = {
    "pix2pix 256, batch 1": case("pix2pix", 256, 1),
    "pix2pix 256, batch 4": case("pix2pix", 256, 4),
    "pix2pix 256, batch 4, accumulate 2": case("pix2pix", 256, 4, accumulate=2),
    "pix2pix 256, batch 4, bf16": case("pix2pix", 256, 4, precision="bf16"),
    "pix2pix 128, batch 8, ema": case("pix2pix", 128, 8, ema={"G": 0.999}),
    "cyclegan 128, batch 1": case("cyclegan", 128, 1),
    "cyclegan 128, batch 4": case("cyclegan", 128, 4),
    "cyclegan 128, batch 4, accumulate 4": case("cyclegan", 128, 4, accumulate=4),
    "cyclegan 128, batch 1, bf16": case("cyclegan", 128, 1, precision="bf16"),
    "cyclegan 256, batch 1": case("cyclegan", 256, 1),
    "bicyclegan 128, batch 2": case("bicyclegan", 128, 2),
    "stargan 64, batch 4": case("stargan", 64, 4),
    "stargan 128, batch 4, bf16": case("stargan", 128, 4, precision="bf16"),
    "spade 64, batch 2": case("spade", 64, 2),
    "stylegan 32, 32 channels at most": case("stylegan", 32, None, **NARROW),
    "stylegan 64, 32 channels at most": case("stylegan", 64, None, **NARROW),
    "gan 28, batch 100": case("gan", 28, 100),
    "cgan 28, batch 100": case("cgan", 28, 100),
    "dcgan 64, batch 128": case("dcgan", 64, 128),
    "dcgan 64, batch 32, bf16": case("dcgan", 64, 32, precision="bf16"),
    "acgan 32, batch 100": case("acgan", 32, 100),
    "vaegan 64, batch 16": case("vaegan", 64, 16),
}


def measured(spec: Spec, registry: Registry) -> int:
    """The most bytes that torch's CPU allocator had handed out at one time."""
    source = build_source(spec, registry)
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as record:
        engine = assemble(spec, registry, source.facts, 1, World())
        engine.phases = tuple(dataclasses.replace(phase, every=1, offset=0) for phase in engine.phases)
        images = moments(engine.strategy, spec.train.batch, STEPS)[-1]
        for _ in range(2):
            engine.images = images
            engine.advance(fake_fields(source.facts, engine.batch_at(images)))
    assert record.profiler is not None
    events = [event for event in record.profiler.kineto_results.events() if event.name() == "[memory]"]
    live = most = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        live += event.nbytes()
        most = max(most, live)
    return most


def row(name: str) -> str:
    """One line of the table."""
    registry = discover()
    spec = resolve(CASES[name], registry)
    before = time.monotonic()
    foreseen = predict(Job(spec, registry, build_source(spec, registry).facts, STEPS)).total
    seconds = time.monotonic() - before
    torch.manual_seed(0)
    found = measured(spec, registry)
    return (
        f"{name:<40}{foreseen / 2**20:>10,.1f}{found / 2**20:>10,.1f}{foreseen / found:>8.2f}{seconds:>10.1f}"
    )


def main(*names: str) -> None:
    if len(names) == 1:
        print(row(names[0]))
        return
    print(f"{'':<40}{'predicted':>10}{'measured':>10}{'ratio':>8}{'seconds':>10}   (MiB)", flush=True)
    for name in names or CASES:  # a process each, so that one does not weigh on the next
        subprocess.run([sys.executable, __file__, name], check=False, stderr=subprocess.DEVNULL)


if __name__ == "__main__":
    main(*sys.argv[1:])
