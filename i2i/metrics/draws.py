"""Random numbers of a metric: always the same, and none of anybody else's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

SEED = 0


@contextmanager
def own_draws(device: torch.device | None = None) -> Iterator[None]:
    """Let libraries draw from torch's global numbers of the CPU from a fixed start, and put these back.

    Those of a GPU are put back as well, if `device` is one.
    """
    with torch.random.fork_rng([device] if device is not None and device.type == "cuda" else []):
        torch.default_generator.manual_seed(SEED)
        yield
