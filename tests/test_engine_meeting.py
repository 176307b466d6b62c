"""Processes that start again meet each other, whatever an earlier start has left in the store."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import torch

from i2i.engine.meeting import meet


def test_processes_that_start_again_do_not_meet_those_before() -> None:
    store = torch.distributed.HashStore()
    for rank in (1, 2):
        store.set(f"i2i/greeting/{rank}", "left behind")
        store.set(f"i2i/answer/{rank}", "left behind before")

    def start(rank: int) -> str:
        return meet(store, rank, 3, timedelta(seconds=20))

    with ThreadPoolExecutor() as pool:
        words = [[*pool.map(start, range(3))] for _ in range(2)]
    assert [len({*each}) for each in words] == [1, 1]
    assert words[0] != words[1]


@pytest.mark.parametrize(("rank", "why"), [(0, "missing: process 1, 2$"), (1, "does not answer$")])
def test_nobody_waits_for_ever(rank: int, why: str) -> None:
    store = torch.distributed.HashStore()
    store.set(f"i2i/answer/{rank}", "left behind")
    with pytest.raises(RuntimeError, match=why):
        meet(store, rank, 3, timedelta(seconds=0.1))
