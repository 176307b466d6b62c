"""A few damaged tables, always the same; `python -m tests.fuzz --kind tables` makes any number."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings

from . import tables


@settings(
    max_examples=80, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
)
@given(tables.cases())
def test_what_is_damaged_is_read_or_refused(case: Any) -> None:
    assert tables.check(case)


def test_whole_tables_are_read() -> None:
    assert {tables.check((name, text.encode())) for name, text in tables.TABLES.items()} == {"read"}
