"""Speed and memory of a training step: each method in i2i against a plain eager fp32 loop of the same networks.

    python benchmarks/step.py [--method cyclegan pix2pix] [--size 128 256] [--batch 1 16] [--variant fp32 bf16]
                              [--rounds 7] [--device cpu] [--cpu-time] [--no-memory] [--json FILE]

The plain loop is written as this field commonly does: torch's layers, Adam by its defaults, a forward pass for each
thing that is judged. It starts from the same weights, and its first step is compared with i2i's. Then all take turns,
step by step; a method whose phases run in turns (StarGAN) is measured over a whole cycle of them. A variant is words
joined by +: fp32, bf16, fp16, contiguous, channels-last, compile, checkpointing, default.

Printed: the median seconds of a step; how many times as fast as the plain loop in the same round, the median and the
range of all rounds; how much of the rate of a large product of bf16 matrices on this machine the step uses; and the
peak of memory beyond what the libraries take, in a process of its own.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
import math
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import torch
from machine import describe, one_line
from peak import Peak
from setups import WORDS, Setup, add_setup, finish, setup_of
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry
from training import PLAIN, Trainer, trainer, trainers

WARM_UP = 2
MEMORY_STEPS = 2
SIDE = {"cpu": 2048, "cuda": 8192}


@dataclasses.dataclass(frozen=True)
class Result:
    """A row of the table; `ratios` are to the plain loop, round by round."""

    method: str
    size: int
    batch: int
    variant: str
    seconds: float
    ratios: list[float]
    share_of_matmul: float
    peak_mib: float | None = None

    @property
    def ratio(self) -> float:
        return median(self.ratios)

    def line(self, plain_peak: float | None) -> str:
        memory = ""
        if self.peak_mib is not None and plain_peak:
            memory = f"{self.peak_mib:>9,.0f} MiB {self.peak_mib / plain_peak:.2f} ×"
        spread = f"({min(self.ratios):.2f}–{max(self.ratios):.2f})"
        speed = f"{self.seconds:>9.4f} s {self.ratio:>6.2f} × {spread:<13}"
        return f"  {self.variant:<28}{speed}{self.share_of_matmul:>6.1%}{memory}"


def times(turns: dict[str, Trainer], rounds: int) -> dict[str, list[float]]:
    """Seconds of a step in each round; who begins changes, so that a busy machine slows all alike."""
    found: dict[str, list[float]] = {name: [] for name in turns}
    warm_up = math.ceil(WARM_UP / turns[PLAIN].cycle)
    for turn in range(warm_up + rounds):
        order = [*turns][turn % len(turns) :] + [*turns][: turn % len(turns)]
        for name in order:
            seconds = turns[name].seconds()
            found[name] += [seconds] * (turn >= warm_up)
    return found


class Operations(TorchDispatchMode):
    """Counts those of products and convolutions; `FlopCounterMode` cannot follow a gradient of a gradient."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if (formula := flop_registry.get(func.overloadpacket)) is not None:
            self.count += formula(*args, **(kwargs or {}), out_val=result)
        return result


def flops(plain: Trainer) -> float:
    """Floating-point operations of the products and convolutions in a step, averaged over a cycle."""
    with Operations() as operations:
        for _ in range(plain.cycle):
            plain.step()
    return operations.count / plain.cycle


def matmul_rate(setup: Setup, repeats: int = 5) -> float:
    """Floating-point operations per second of a product of two large bf16 matrices."""
    side = SIDE.get(setup.device, 4096)
    one, other = (torch.randn(side, side, device=setup.device, dtype=torch.bfloat16) for _ in range(2))
    seconds = []
    for _ in range(1 + repeats):
        finish(setup.device)
        before = setup.clock()
        one @ other
        finish(setup.device)
        seconds.append(setup.clock() - before)
    return 2 * side**3 / median(seconds[1:])


def measure(setup: Setup, variants: Sequence[str], rounds: int, rate: float, *, memory: bool) -> list[Result]:
    """A row for the plain loop and one for each variant."""
    peaks = {name: peak_in_child(setup, name) for name in (PLAIN, *variants)} if memory else {}
    turns = trainers(setup, variants)
    work = flops(turns[PLAIN])
    found = times(turns, rounds)
    return [
        Result(
            setup.method,
            setup.size,
            setup.batch,
            name,
            median(seconds),
            [plain / own for plain, own in zip(found[PLAIN], seconds, strict=True)],
            work / median(seconds) / rate,
            peaks.get(name),
        )
        for name, seconds in found.items()
    ]


def peak_in_child(setup: Setup, variant: str) -> float:
    """Peak memory in MiB of a process that trains a few steps."""
    of = ["--method", setup.method, "--size", str(setup.size), "--batch", str(setup.batch)]
    command = [sys.executable, __file__, "--memory-of", variant, *of, "--device", setup.device]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    return float(done.stdout.split()[-1])


def print_peak(setup: Setup, variant: str) -> None:
    peak = Peak(setup.device)
    alone = trainer(setup, variant)
    for _ in range(max(MEMORY_STEPS, alone.cycle)):
        alone.step()
    print(peak.mib())


def print_results(setup: Setup, results: Sequence[Result]) -> None:
    print(setup)
    for result in results:
        print(result.line(results[0].peak_mib), flush=True)


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_setup(parser, several=True)
    parser.add_argument(
        "--variant", nargs="+", default=["fp32", "bf16"], metavar="WORDS", help="+".join(WORDS)
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument(
        "--no-memory", action="store_true", help="leave out the processes that measure memory"
    )
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--memory-of", metavar="VARIANT", help=argparse.SUPPRESS)
    return parser


def main(given: Sequence[str] | None = None) -> None:
    options = arguments().parse_args(given)
    setups = [
        setup_of(options, *each) for each in itertools.product(options.method, options.size, options.batch)
    ]
    if options.memory_of:
        print_peak(setups[0], options.memory_of)
        return
    rate = matmul_rate(setups[0])
    print(f"{one_line()}; {rate / 1e12:.3g} TFLOP/s in bf16", flush=True)
    rows: list[Result] = []
    for setup in setups:
        results = measure(setup, options.variant, options.rounds, rate, memory=not options.no_memory)
        print_results(setup, results)
        rows += results
        if options.json:
            save(options.json, setup, rate, rows)


def save(file: Path, setup: Setup, rate: float, results: Sequence[Result]) -> None:
    """The table as JSON."""
    rows = [dataclasses.asdict(result) | {"ratio": result.ratio} for result in results]
    about = {"machine": describe(), "device": setup.device, "clock": setup.clock.__name__}
    file.write_text(json.dumps({**about, "matmul_bf16_flops": rate, "results": rows}, indent=1))


if __name__ == "__main__":
    main()
