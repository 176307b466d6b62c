"""Training steps by the clock, on real batches."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from i2i.core.eager import eagerly
from i2i.core.errors import I2IError
from i2i.engine.allocator import keep_freed_memory, most_memory
from i2i.engine.inference import missing_compiler, release
from i2i.run.progress import Pace
from i2i.run.run import build
from i2i.spec.plugins import discover

KEPT = 2
"""So many batches stand ready, so that steps are timed without their input."""
LONGEST_CYCLE = 16
SIDE = 8192
"""Of the matrices whose product tells what the GPU can do."""
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


class Steps:
    """A run that takes steps when asked, and writes nothing.

    Attributes:
        cycle: steps after which every phase had its turn.
        batch: samples of a step.
    """

    def __init__(self, spec: str, plugins: Sequence[Path], settings: Sequence[str]) -> None:
        self.before = most_memory(torch.device("cpu"))
        self.run = build(spec, registry=discover(plugins), settings=settings)
        self.engine = self.run.engine
        self.device = self.engine.device
        keep_freed_memory(self.device.type == "cpu")
        if self.run.spec.train.compile and (lacking := missing_compiler(self.device)):
            raise I2IError(f"needs {lacking} that works, and there is none")
        cycle = math.lcm(*(phase.every for phase in self.engine.phases))
        self.cycle = cycle if cycle <= LONGEST_CYCLE else 1
        self.batch = self.engine.batch_at(0)
        self.pace = Pace()
        self.batches = self.run.batches(self.pace)
        self.kept = [next(self.batches) for _ in range(KEPT)]

    def warm(self) -> float:
        """The first steps, which find memory and compile; the seconds of a later one."""
        self.take(max(2, self.cycle))
        return self.take(self.cycle)

    def take(self, count: int) -> float:
        """Seconds of a step, without its input."""
        started = time.perf_counter()
        for number in range(count):
            self.engine.advance(self.kept[number % KEPT])
            self.engine.images = 0  # a network that grows must not do so under the clock
        self._wait()
        seconds = time.perf_counter() - started
        release(self.device)
        return seconds / count

    def fed(self, count: int) -> float:
        """The share of the time of steps with their input that is spent waiting for it."""
        for _ in range(2 * self.run.spec.workers + 1):  # what workers read while nobody trained comes at once
            next(self.batches)
        self.pace.waited, started = 0.0, time.perf_counter()
        for _ in range(count):
            self.engine.advance(next(self.batches))
            self.engine.images = 0
        self._wait()
        return self.pace.waited / (time.perf_counter() - started)

    def memory(self) -> int | None:
        """Bytes at the fullest moment, on a CPU beyond what the libraries take; None where the system does not say."""
        most = most_memory(self.device)
        if self.device.type != "cpu":
            return most
        return None if most is None or self.before is None else most - self.before

    def work(self) -> int:
        """Operations of a step in matrix products and convolutions, each product and each sum counted."""
        from torch.utils.flop_counter import FlopCounterMode

        with eagerly(), FlopCounterMode(display=False) as counter:
            self.take(self.cycle)
        return int(counter.get_total_flops()) // self.cycle

    def rate(self) -> float:
        """Operations a second that the GPU reaches in a large matrix product of this precision."""
        torch.backends.cuda.matmul.allow_tf32 = True  # as convolutions may by default
        one = torch.randn(SIDE, SIDE, device=self.device, dtype=DTYPES[self.engine.settings.precision])
        seconds = [self._product(one) for _ in range(10)]
        return 2 * SIDE**3 / sorted(seconds)[len(seconds) // 2]

    def _product(self, one: torch.Tensor) -> float:
        self._wait()
        started = time.perf_counter()
        one @ one
        self._wait()
        return time.perf_counter() - started

    def _wait(self) -> None:
        if self.device.type != "cpu":
            torch.accelerator.synchronize(self.device)
