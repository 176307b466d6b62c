"""Speed and memory of a training step: CycleGAN in i2i against a plain eager fp32 loop of the same networks.

    python benchmarks/step.py [--size 128] [--rounds 9] [--device cpu]

Each variant takes turns with the plain loop, step by step; what is printed is the ratio of their median times. Peak
memory is that of a process of its own for each variant.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from statistics import median

import torch
from torch import Tensor
from torch.nn import functional as F

from i2i.engine.loop import Engine
from i2i.engine.parallel import World
from i2i.nets import ImagePool, PatchGAN, ResNet, init_weights
from i2i.spec.assemble import assemble, build_source
from i2i.spec.plugins import discover
from i2i.spec.spec import resolve

PLAIN = "plain fp32"
WARM_UP = 2
Step = Callable[[Mapping[str, Tensor]], object]


def plain_loop(size: int, device: str) -> Step:
    """CycleGAN as it is commonly written: zero_grad, backward, step, in fp32."""
    blocks = 6 if size <= 128 else 9
    g_ab, g_ba = (ResNet(3, 3, blocks=blocks).to(device) for _ in range(2))
    d_a, d_b = (PatchGAN(3).to(device) for _ in range(2))
    for net in (g_ab, g_ba, d_a, d_b):
        init_weights(net, "normal", 0.02)
    g_optimizer = torch.optim.Adam([*g_ab.parameters(), *g_ba.parameters()], lr=2e-4, betas=(0.5, 0.999))
    d_optimizer = torch.optim.Adam([*d_a.parameters(), *d_b.parameters()], lr=2e-4, betas=(0.5, 0.999))
    pool_a, pool_b = ImagePool(50), ImagePool(50)

    def aim(scores: Tensor, target: float) -> Tensor:
        return F.mse_loss(scores, torch.full_like(scores, target))

    def step(batch: Mapping[str, Tensor]) -> object:
        a, b = batch["a"], batch["b"]
        fake_b, fake_a = g_ab(a), g_ba(b)
        for judge in (d_a, d_b):
            judge.requires_grad_(False)
        g_optimizer.zero_grad()
        loss = aim(d_b(fake_b), 1) + aim(d_a(fake_a), 1)
        loss = loss + 10 * (F.l1_loss(g_ba(fake_b), a) + F.l1_loss(g_ab(fake_a), b))
        loss = loss + 5 * (F.l1_loss(g_ba(a), a) + F.l1_loss(g_ab(b), b))
        loss.backward()
        g_optimizer.step()
        for judge in (d_a, d_b):
            judge.requires_grad_(True)
        d_optimizer.zero_grad()
        for judge, real, fake, pool in ((d_a, a, fake_a, pool_a), (d_b, b, fake_b, pool_b)):
            old = pool(fake.detach(), [(0.0, 0.0)] * len(fake))
            (0.5 * (aim(judge(real), 1) + aim(judge(old), 0))).backward()
        d_optimizer.step()
        return loss

    return step


def engine(size: int, precision: str, device: str) -> Engine:
    """The same in i2i."""
    spec = {
        "strategy": {"name": "cyclegan"},
        "data": {"name": "demo", "size": size, "count": 2, "workers": 0},
        "train": {"steps": 1, "precision": precision, "device": device},
    }
    registry = discover()
    resolved = resolve(spec, registry)
    return assemble(resolved, registry, build_source(resolved, registry).facts, 1, World())


def variants(size: int, device: str, names: list[str]) -> dict[str, Step]:
    """Each variant's step, by name."""
    makers: dict[str, Callable[[], Step]] = {
        PLAIN: lambda: plain_loop(size, device),
        "i2i fp32": lambda: engine(size, "fp32", device).advance,
        "i2i bf16": lambda: engine(size, "bf16", device).advance,
    }
    return {name: makers[name]() for name in names}


def batch(size: int, device: str) -> dict[str, Tensor]:
    """One random picture of each domain."""
    return {name: torch.rand(1, 3, size, size, device=device) * 2 - 1 for name in ("a", "b")}


def timed(step: Step, fields: Mapping[str, Tensor], device: str) -> float:
    """Seconds of one step."""
    before = time.perf_counter()
    step(fields)
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - before


def speed(name: str, size: int, rounds: int, device: str) -> float:
    """How many times as fast as the plain loop a variant is: the ratio of the median times.

    The two take turns, in changing order, so that a busy machine slows both alike.
    """
    pair = variants(size, device, [PLAIN, name])
    times: dict[str, list[float]] = {PLAIN: [], name: []}
    for turn in range(rounds + WARM_UP):
        for each in (PLAIN, name) if turn % 2 else (name, PLAIN):
            seconds = timed(pair[each], batch(size, device), device)
            times[each] += [seconds] * (turn >= WARM_UP)
    return median(times[PLAIN]) / median(times[name])


def peak_memory(name: str, size: int, device: str) -> float:
    """Peak memory in MiB of a process that runs a variant alone for three steps."""
    command = [sys.executable, __file__, "--memory-of", name, "--size", str(size), "--device", device]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1])


def print_peak(name: str, size: int, device: str) -> None:
    """Run one variant and print its peak memory in MiB."""
    (step,) = variants(size, device, [name]).values()
    for _ in range(3):
        step(batch(size, device))
    if device == "cuda":
        print(torch.cuda.max_memory_allocated() / 2**20)
        return
    import resource  # not on Windows

    scale = 1 if sys.platform == "darwin" else 1024
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale / 2**20)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--memory-of", metavar="VARIANT", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.memory_of:
        print_peak(options.memory_of, options.size, options.device)
        return
    names = [PLAIN, "i2i fp32", "i2i bf16"]
    # before this process grows: a new process starts from its parent's peak
    peaks = {n: peak_memory(n, options.size, options.device) for n in names if sys.platform != "win32"}
    print(f"CycleGAN, {options.size}², batch 1, {options.device}, torch {torch.__version__}")
    for name in names:
        ratio = 1.0 if name == PLAIN else speed(name, options.size, options.rounds, options.device)
        memory = f", peak {peaks[name]:,.0f} MiB" if name in peaks else ""
        print(f"{name:<12}{ratio:.2f} × the plain loop's speed{memory}", flush=True)


if __name__ == "__main__":
    main()
