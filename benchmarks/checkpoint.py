"""How long checkpoints hold up the training: pix2pix or CycleGAN, written beside the training or in its way.

    python benchmarks/checkpoint.py [--method cyclegan] [--size 128] [--rounds 5] [--every 1000] [--device cpu]

Steps are trained as in a run. Around a checkpoint they are timed one by one, until it is on the disk: what they take
beyond the median step, and the call itself, is the stall. It is compared with the steps between two checkpoints. The
two ways of writing take turns, so that a busy machine slows both alike.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from statistics import median

import torch
from torch import Tensor

from i2i.engine import checkpoint
from i2i.engine.loop import Engine
from i2i.engine.parallel import World
from i2i.run.writer import Writer
from i2i.spec.assemble import assemble, build_source
from i2i.spec.plugins import discover
from i2i.spec.spec import resolve

WARM_UP = 3


def engine(method: str, size: int, device: str) -> Engine:
    """The published networks."""
    layout = "paired" if method == "pix2pix" else "unpaired"
    spec = {
        "strategy": {"name": method},
        "data": {"name": "demo", "layout": layout, "size": size, "count": 2, "workers": 0},
        "train": {"steps": 1, "batch": 1, "device": device},
    }
    registry = discover()
    resolved = resolve(spec, registry)
    return assemble(resolved, registry, build_source(resolved, registry).facts, 1, World())


def batches(size: int, device: str) -> Iterator[Mapping[str, Tensor]]:
    """Random pictures without end."""
    while True:
        yield {name: torch.rand(1, 3, size, size, device=device) * 2 - 1 for name in ("a", "b")}


class Trainer:
    """An engine whose steps are timed, and two ways to write its checkpoint."""

    def __init__(self, method: str, size: int, device: str, folder: Path) -> None:
        self.engine, self.device, self.folder = engine(method, size, device), device, folder
        self.batches = batches(size, device)
        self.steps: list[float] = []
        self.calls: list[float] = []
        for _ in range(WARM_UP):
            self.step()

    def step(self) -> float:
        """Seconds of a step."""
        before = time.perf_counter()
        self.engine.advance(next(self.batches))
        self._finish()
        return time.perf_counter() - before

    def beside(self) -> float:
        """Seconds by which a checkpoint that another thread writes holds up the training."""
        writer, around = Writer(), []
        before = time.perf_counter()
        tensors, facts = self.engine.state()
        write = partial(checkpoint.store, self.folder / "beside", checkpoint.copied(tensors), facts, {})
        writer.start(write)
        self.calls.append(time.perf_counter() - before)
        while writer._thread is not None:
            around.append(self.step())
            writer.check()
        return self.calls[-1] + sum(around) - len(around) * self.median()

    def in_the_way(self) -> float:
        """Seconds of a checkpoint that the training waits for."""
        before = time.perf_counter()
        checkpoint.write(self.folder / "in-the-way", *self.engine.state(), {})
        return time.perf_counter() - before

    def median(self) -> float:
        """Seconds of a usual step."""
        return median(self.steps)

    def megabytes(self) -> float:
        """The size of a checkpoint."""
        return sum(file.stat().st_size for file in (self.folder / "in-the-way").iterdir()) / 1e6

    def _finish(self) -> None:
        if self.device == "cuda":
            torch.cuda.synchronize()


def measure(trainer: Trainer, rounds: int) -> dict[str, float]:
    """The median stall of each way of writing, in seconds."""
    stalls: dict[str, list[float]] = {"beside the training": [], "in its way": []}
    for _ in range(rounds):
        trainer.steps += [trainer.step() for _ in range(5)]
        stalls["in its way"].append(trainer.in_the_way())
        trainer.steps += [trainer.step() for _ in range(5)]
        stalls["beside the training"].append(trainer.beside())
    return {name: median(seconds) for name, seconds in stalls.items()}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--method", choices=("cyclegan", "pix2pix"), default="cyclegan")
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--every", type=int, default=1000)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(options.method, options.size, options.device, Path(folder))
        stalls = measure(trainer, options.rounds)
        print(
            f"{options.method}, {options.size}², batch 1, {options.device}, torch {torch.__version__}: median step "
            f"{trainer.median():.3f} s, checkpoint of {trainer.megabytes():,.0f} MB every {options.every:,} steps"
        )
    print(f"{'written':<22}{'stall':>8}  share of the training time")
    for name, stall in stalls.items():
        print(f"{name:<22}{stall:>6.2f} s  {stall / (stall + options.every * trainer.median()):.3%}")
    print(
        f"the call that copies takes {median(trainer.calls):.2f} s; the rest is that steps run slower beside it"
    )


if __name__ == "__main__":
    main()
