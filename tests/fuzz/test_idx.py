"""A few damaged idx, always the same; `python -m tests.fuzz --kind idx` makes any number."""

from __future__ import annotations

import struct
from typing import Any

from hypothesis import HealthCheck, given, settings

from . import idx


@settings(
    max_examples=80, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
)
@given(idx.cases())
def test_what_is_damaged_is_read_or_refused(case: Any) -> None:
    assert idx.check(case)


def test_whole_files_are_read() -> None:
    labels = struct.pack(">HBBI", 0, 8, 1, idx.COUNT) + bytes(range(idx.COUNT))
    assert [idx.check((data, labels, False)) for data in idx.pictures()] == ["read"] * len(idx.pictures())
