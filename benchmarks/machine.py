"""The machine that a benchmark ran on, in words."""

from __future__ import annotations

import datetime
import os
import platform
import subprocess
import sys
from pathlib import Path

import torch

# What makes a training step on the CPU faster, as torch names it.
INSTRUCTIONS = ("avx2", "avx512_f", "avx512_bf16", "avx512_fp16", "amx_bf16", "amx_tile")


def describe() -> dict[str, str]:
    """The processor, its cores in use and instructions of note, the GPU, the versions and the date."""
    found = {
        "cpu": _cpu(),
        "cores": str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()),
        "threads": str(torch.get_num_threads()),
        "instructions": " ".join(_instructions()),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else "",
        "torch": torch.__version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}",
        "date": datetime.date.today().isoformat(),
    }
    return {key: value for key, value in found.items() if value}


def one_line() -> str:
    """The same as a sentence for the head of a table."""
    m = describe()
    parts = [
        f"{m['cpu']}, {m['cores']} cores, {m['threads']} threads",
        m.get("instructions", ""),
        m.get("gpu", ""),
        f"torch {m['torch']}, Python {m['python']}, {m['system']}, {m['date']}",
    ]
    return "; ".join(part for part in parts if part)


def _instructions() -> list[str]:
    has = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return [name for name in INSTRUCTIONS if has.get(name)]


def _cpu() -> str:
    """The processor's name as its maker gives it."""
    if sys.platform == "darwin":
        command = ["sysctl", "-n", "machdep.cpu.brand_string"]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    about = Path("/proc/cpuinfo")
    lines = about.read_text().splitlines() if about.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
