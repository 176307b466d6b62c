"""How much memory this machine has, and how much of it is free."""

from __future__ import annotations

import os
import re
from pathlib import Path


def machine_memory() -> int | None:
    """The bytes of memory of this machine; None where its system does not say (Windows)."""
    names = getattr(os, "sysconf_names", {})
    if "SC_PHYS_PAGES" not in names or "SC_PAGE_SIZE" not in names:
        return None
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def free_memory() -> int | None:
    """The bytes of memory that other programs leave; all of it where the system says no more than that (macOS)."""
    try:
        told = Path("/proc/meminfo").read_text(encoding="ascii")
    except OSError:
        return machine_memory()
    available = re.search(r"MemAvailable:\s+(\d+) kB", told)
    found = int(available[1]) * 1024 if available else machine_memory()
    allowed = _allowed()
    return min(found, allowed) if found is not None and allowed is not None else found


def _allowed() -> int | None:
    """What is left of the limit of a container (cgroup v2); None without one."""
    group = Path("/sys/fs/cgroup")
    try:
        return max(0, int((group / "memory.max").read_text()) - int((group / "memory.current").read_text()))
    except (OSError, ValueError):  # "max" is no limit
        return None
