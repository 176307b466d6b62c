"""How much faster several processes train than one: images/s at the same batch of the spec.

    python benchmarks/scaling.py [--size 128] [--rounds 5] [--processes 2] [--precision fp32 bf16] [--json FILE]

On a CPU every process has one thread and they exchange by gloo; with CUDA each has a GPU and they exchange by NCCL.
One process and several take turns, a few steps each; the figures are medians. "apart" are the same several processes
without any exchange: what the machine allows, which is less than their number where they share caches and memory.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

import torch
from machine import describe, one_line
from torch import Tensor, nn

from i2i.data.values import to_device
from i2i.engine.loop import Engine
from i2i.engine.parallel import World, devices
from i2i.spec.assemble import assemble, build_source
from i2i.spec.plugins import discover
from i2i.spec.spec import resolve

WARM_UP = 1


@dataclasses.dataclass(frozen=True)
class Watched(World):
    """A world that measures what its exchange of gradients and numbers takes, waiting for the others included."""

    spent: list[float] = dataclasses.field(default_factory=list)

    def average(self, parameters: Iterable[nn.Parameter]) -> None:
        before = self._now()
        super().average(parameters)
        self.spent.append(self._now() - before)

    def mean(self, values: Mapping[str, Tensor]) -> dict[str, float]:
        before = self._now()
        result = super().mean(values)
        self.spent.append(self._now() - before)
        return result

    def _now(self) -> float:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        return time.perf_counter()


def engine(
    world: World, strategy: str, size: int, batch: int, precision: str
) -> tuple[Engine, dict[str, Tensor]]:
    """An engine, and this process's share of a batch."""
    spec = {
        "strategy": {"name": strategy},
        "data": {"name": "demo", "size": size, "count": batch, "workers": 0},
        "train": {"steps": 1000, "batch": batch, "precision": precision},
    }
    registry = discover()
    resolved = resolve(spec, registry)
    source = build_source(resolved, registry)
    made = assemble(resolved, registry, source.facts, 1, world)
    samples = [source.load(i, torch.Generator().manual_seed(i)) for i in world.positions(0, batch, 1)[0]]
    fields = {name: torch.stack([sample[name] for sample in samples]) for name in samples[0]}
    return made, to_device(fields, source.facts, devices(world, "auto"))


def work(options: Mapping[str, Any]) -> None:
    """Train so many steps for each number that comes in, and say how long they took."""
    torch.set_num_threads(1)
    joined = World.join()
    world = Watched(joined.rank, joined.size, joined.local_rank)
    trained, fields = engine(world, **options)
    for line in sys.stdin:
        world.wait()
        world.spent.clear()
        before = time.perf_counter()
        for _ in range(int(line)):
            trained.advance(fields)
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        print(time.perf_counter() - before, sum(world.spent), flush=True)


class Team:
    """Processes that train together, or apart from each other."""

    def __init__(self, processes: int, together: bool, options: Mapping[str, Any]) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        size = processes if together else 1
        shared = {"WORLD_SIZE": size, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "OMP_NUM_THREADS": 1}
        self.members = [
            subprocess.Popen(
                [sys.executable, __file__, "--worker", json.dumps(options)],
                env={**os.environ, **{k: str(v) for k, v in (shared | {"RANK": r, "LOCAL_RANK": r}).items()}},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for r in range(processes)
        ]

    def train(self, steps: int) -> tuple[float, float]:
        """Seconds of a step, and the share of them that the exchange takes."""
        for member in self.members:
            member.stdin.write(f"{steps}\n")
            member.stdin.flush()
        answers = [[float(word) for word in member.stdout.readline().split()] for member in self.members]
        seconds, exchange = max(answers)
        return seconds / steps, exchange / seconds

    def end(self) -> None:
        for member in self.members:
            member.stdin.close()
        for member in self.members:
            member.wait()


def compare(arguments: argparse.Namespace, precision: str) -> dict[str, Any]:
    """One against several, in turns."""
    batch, count = arguments.batch, arguments.processes
    options = {"strategy": arguments.strategy, "size": arguments.size, "precision": precision}
    whole, share = {**options, "batch": batch}, {**options, "batch": batch // count}
    with ExitStack() as stack:
        teams = {
            "one": Team(1, True, whole),
            "together": Team(count, True, whole),
            "apart": Team(count, False, share),
        }
        for team in teams.values():
            stack.callback(team.end)
        for team in teams.values():
            team.train(WARM_UP)
        rounds = [
            {name: team.train(arguments.steps) for name, team in teams.items()}
            for _ in range(arguments.rounds)
        ]
    seconds = {name: median(r[name][0] for r in rounds) for name in teams}
    return {
        "precision": precision,
        "images/s, one": batch / seconds["one"],
        "images/s, together": batch / seconds["together"],
        "ratio": median(r["one"][0] / r["together"][0] for r in rounds),
        "ratio, apart": median(r["one"][0] / r["apart"][0] for r in rounds),
        "in exchange": median(r["together"][1] for r in rounds),
    }


def arguments_of(words: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--strategy", default="cyclegan")
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--batch", type=int, default=2, help="over all processes")
    parser.add_argument("--precision", nargs="+", default=["fp32", "bf16"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=1, help="of each round")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    return parser.parse_args(words)


def main(words: list[str] | None = None) -> None:
    arguments = arguments_of(words)
    if arguments.worker:
        work(json.loads(arguments.worker))
        return
    results = [compare(arguments, precision) for precision in arguments.precision]
    print(one_line())
    print(
        f"{arguments.strategy} {arguments.size}², batch {arguments.batch}, 1 and {arguments.processes} processes"
    )
    for result in results:
        print("  ".join(f"{k} {v:.3g}" if isinstance(v, float) else f"{v}:" for k, v in result.items()))
    if arguments.json:
        settings = {k: v for k, v in vars(arguments).items() if k not in ("json", "worker")}
        arguments.json.write_text(
            json.dumps({"machine": describe(), **settings, "results": results}, indent=1)
        )


if __name__ == "__main__":
    main()
