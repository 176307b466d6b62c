"""A few damaged checkpoints, always the same; `python -m tests.fuzz --kind checkpoints` makes any number."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings

from . import checkpoints


@settings(
    max_examples=30, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
)
@given(checkpoints.cases())
def test_what_is_damaged_is_read_or_refused(case: Any) -> None:
    assert checkpoints.check(case)


def test_a_whole_run_is_loaded_and_opened() -> None:
    name = checkpoints.names()[0]
    assert (
        checkpoints.check((name, (checkpoints.trained() / name).read_bytes(), False)) == "loaded and opened"
    )
