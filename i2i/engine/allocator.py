"""The memory that training takes, and what becomes of it between steps.

What a step on a CPU frees stays with the process, for the next step: glibc gives the end of its heap back to the
system whenever enough of it is free, and the next step takes it again, page by page: 40,000 page faults a step of
CycleGAN at 128x128, while all threads but one wait.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import torch

# <malloc.h>
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
EVERYTHING = 2**31 - 1
# What glibc settles at by itself once blocks of that size were freed.
LARGEST_IN_HEAP, USUAL = 32 * 2**20, 64 * 2**20


@contextmanager
def freed_memory_kept(device: torch.device) -> Iterator[None]:
    """Keep it while training on a CPU, then give it back; other systems' allocators are left as they are."""
    if device.type != "cpu":
        yield
        return
    keep_freed_memory(True)
    try:
        yield
    finally:
        keep_freed_memory(False)
        if libc := _glibc():
            libc.malloc_trim(0)


def keep_freed_memory(keep: bool) -> None:
    """Tell glibc's allocator to keep all that is freed, or what it usually does."""
    if libc := _glibc():
        libc.mallopt(M_MMAP_THRESHOLD, LARGEST_IN_HEAP)
        libc.mallopt(M_TRIM_THRESHOLD, EVERYTHING if keep else USUAL)


def most_memory(device: torch.device) -> int | None:
    """The most bytes that were in use at one time so far: of a GPU by tensors, on a CPU by the whole process.

    None where the system does not say (Windows); of MPS, what is in use now.
    """
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if device.type == "mps":
        return torch.mps.driver_allocated_memory()
    if sys.platform == "win32":
        return None
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


@cache
def _glibc() -> Any:
    """The C library, if it is glibc; else None."""
    try:
        library = ctypes.CDLL("libc.so.6")
    except OSError:  # macOS, Windows, musl
        return None
    return library if hasattr(library, "malloc_trim") and hasattr(library, "gnu_get_libc_version") else None
