"""What loggers cost a run: runs with one logger each and one without take turns, a few steps at a time.

    python benchmarks/loggers.py [--logger csv tensorboard wandb mlflow] [--rounds 10] [--steps 20] [--size 64]

Numbers are logged at every 10th step and a picture at every 100th, five times as often as a run does by default.
Printed: the median seconds of a step without a logger; for each logger how much longer its rounds took, the median and
the range, in per cent; and the processor time of all threads beside the training, in per cent of the training's time.
The last says the most: it is hardly disturbed by others on the machine, and counts all that a logger could take from
the training where no core is to spare. The service of Weights & Biases is a process of its own, and not counted.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Generator, Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import torch
from machine import one_line

import i2i

LOGGERS = ("csv", "tensorboard", "wandb", "mlflow")
DRAIN = 0.5  # seconds for the threads of a logger to end their work
FIRST = 10  # steps that are not measured
FOREVER = 10**6

Steps = Generator[Any, None, None]


class Round(NamedTuple):
    """Seconds of some steps, and of processor time beside them."""

    seconds: float
    beside: float


def started(folder: Path, loggers: Sequence[str], size: int) -> Steps:
    """The steps of a run, after its first ones."""
    train = {"steps": FOREVER, "device": "cpu", "log_every": 10, "sample_every": 100}
    train |= {"checkpoint_every": FOREVER, "validate_every": FOREVER}
    networks = {"generator": {"name": "unet", "width": 16}, "discriminator": {"name": "patch", "width": 16}}
    tables = {
        "strategy": {"name": "pix2pix", **networks},
        "data": {"name": "demo", "layout": "paired", "size": size, "workers": 0},
        "train": train,
        "loggers": list(loggers),
    }
    steps: Steps = i2i.build(tables, out=folder).steps()  # type: ignore[assignment]
    measured(steps, FIRST)
    return steps


def measured(steps: Steps, count: int) -> Round:
    """Some steps, and what the other threads do in the meantime and just after."""
    seconds, process, own = time.perf_counter(), time.process_time(), time.thread_time()
    for _ in range(count):
        next(steps)
    seconds = time.perf_counter() - seconds
    time.sleep(DRAIN)
    return Round(seconds, (time.process_time() - process) - (time.thread_time() - own))


def line(name: str, rounds: Sequence[Round], plain: Sequence[Round]) -> str:
    ratios = [100 * (one.seconds / other.seconds - 1) for one, other in zip(rounds, plain, strict=True)]
    beside = 100 * sum(r.beside for r in rounds) / sum(r.seconds for r in rounds)
    longer = f"{median(ratios):+.1f} % longer ({min(ratios):+.1f} to {max(ratios):+.1f})"
    return f"{name:12}  {longer}; threads beside the training: {beside:.2f} %"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--logger", nargs="+", choices=LOGGERS, default=LOGGERS)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--size", type=int, default=64)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(one_line())
    with tempfile.TemporaryDirectory() as home:
        names = {"none": [], **{name: [name] for name in options.logger}}
        runs = {name: started(Path(home) / name, told, options.size) for name, told in names.items()}
        rounds: dict[str, list[Round]] = {name: [] for name in runs}
        for _ in range(options.rounds):
            for name, steps in runs.items():
                rounds[name].append(measured(steps, options.steps))
        for steps in runs.values():
            steps.close()
    print(f"a step: {1000 * median(r.seconds for r in rounds['none']) / options.steps:.1f} ms")
    for name, found in rounds.items():
        print(line(name, found, rounds["none"]))


if __name__ == "__main__":
    main()
