"""The peak of memory from a moment on."""

from __future__ import annotations

import sys
from pathlib import Path

import torch

STATUS = Path("/proc/self/status")


class Peak:
    """Measures from where it is made: what was there before, libraries above all, is not counted."""

    def __init__(self, device: str) -> None:
        self.cuda = device.startswith("cuda")
        self.before = 0.0 if self.cuda else _process_mib("VmRSS")

    def mib(self) -> float:
        """The peak so far, in MiB: on a GPU of tensors, else of the process."""
        if self.cuda:
            return torch.cuda.max_memory_allocated() / 2**20
        return _process_mib("VmHWM") - self.before


def _process_mib(key: str) -> float:
    """A line of Linux's report on this process; elsewhere the process's peak."""
    if STATUS.exists():  # and `getrusage` begins at the parent's peak
        lines = dict(line.split(":", 1) for line in STATUS.read_text().splitlines())
        return float(lines[key].split()[0]) / 1024
    import resource  # not on Windows

    scale = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale / 2**20
