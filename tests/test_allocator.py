"""Memory kept between the steps of a run on a CPU."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from i2i.engine import allocator

REPEATS = 20
FAULTS = """
import resource, sys, torch
from i2i.engine.allocator import freed_memory_kept, keep_freed_memory

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

def steps():
    for _ in range({repeats}):
        [torch.zeros(5 * 2**20) for _ in range(8)]  # blocks of 20 MiB, all free again: more than glibc keeps

keep_freed_memory(False)
steps()
before = faults()
steps()
usual = faults() - before
with freed_memory_kept(torch.device("cpu")):
    steps()
    before = faults()
    steps()
    kept = faults() - before
    resident = int(open("/proc/self/statm").read().split()[1])
given_back = resident - int(open("/proc/self/statm").read().split()[1])
print(usual, kept, given_back)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other allocators are left as they are")
def test_memory_is_kept_between_steps_and_given_back_after_them() -> None:
    if allocator._glibc() is None:
        pytest.skip("this Linux has another C library")
    code = FAULTS.format(repeats=REPEATS)
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    usual, kept, given_back = map(int, found.stdout.split())
    if usual < 1000 * REPEATS:
        pytest.skip("something lies at the end of this heap, so that nothing of it is given back at all")
    assert kept < usual / 20
    assert given_back > 8 * 5 * 1024 / 2  # pages of 4 KiB: half of what the steps took, at least


class Glibc:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, int, int]] = []

    def mallopt(self, option: int, value: int) -> None:
        self.told.append(("mallopt", option, value))

    def malloc_trim(self, left: int) -> None:
        self.told.append(("trim", 0, left))


def test_what_glibc_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    glibc = Glibc()
    monkeypatch.setattr(allocator, "_glibc", lambda: glibc)
    in_heap = ("mallopt", allocator.M_MMAP_THRESHOLD, 32 * 2**20)
    with allocator.freed_memory_kept(torch.device("cpu")):
        assert glibc.told == [in_heap, ("mallopt", allocator.M_TRIM_THRESHOLD, 2**31 - 1)]
    usual = ("mallopt", allocator.M_TRIM_THRESHOLD, 64 * 2**20)
    assert glibc.told[2:] == [in_heap, usual, ("trim", 0, 0)]


def test_a_gpu_leaves_the_allocator_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allocator, "keep_freed_memory", lambda keep: pytest.fail("it was changed"))
    with allocator.freed_memory_kept(torch.device("cuda")):
        pass
