"""The random numbers that all of Python shares, which no component may draw from."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterator
from unittest import mock

import numpy as np
import torch

ODD = 987_654_321
"""A seed that nobody sets by himself, so that setting one is seen, too."""


def draws(work: Callable[[], object]) -> bool:
    """Whether something draws from torch's, Python's or numpy's shared numbers, or seeds them."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(ODD)
        before = _shared()
        work()
        return before != _shared()


def _shared() -> tuple[object, ...]:
    keys = np.random.get_state(legacy=False)
    return torch.get_rng_state().numpy().tobytes(), random.getstate(), repr(keys)


@contextlib.contextmanager
def other_numbers(seed: int) -> Iterator[None]:
    """Other shared random numbers for each seed, whatever the engine seeds torch's with."""
    kept = random.getstate(), np.random.get_state()
    random.seed(seed)
    np.random.seed(seed)
    try:
        with mock.patch(
            "torch.manual_seed", lambda number: torch.default_generator.manual_seed(number // 2 + seed)
        ):
            yield
    finally:
        random.setstate(kept[0])
        np.random.set_state(kept[1])
