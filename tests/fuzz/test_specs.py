"""A few damaged specs, always the same; `python -m tests.fuzz --kind specs` makes any number."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings

from . import spec_cases, specs


@settings(
    max_examples=300, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
)
@given(specs.cases())
def test_a_damaged_spec_is_resolved_or_refused(case: specs.Case) -> None:
    assert specs.check(case)


def test_whole_specs_are_resolved() -> None:
    assert {specs.check(("file", text.encode())) for text in spec_cases.texts()} == {"spec"}
