"""A few damaged images, always the same; `python -m tests.fuzz --kind images` makes any number."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings

from . import images


@settings(
    max_examples=80, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
)
@given(images.cases())
def test_what_is_damaged_is_read_or_refused(case: Any) -> None:
    assert images.check(case)


def test_whole_pictures_are_read_and_those_of_other_formats_refused() -> None:
    outcomes = [images.check(data) for data in images.whole()]
    foreign = [form in ("GIF", "EPS", "ICO", "TGA") for form, _, _ in images.STORED]
    others = [False] * (len(outcomes) - len(foreign))
    assert [outcome == "refused" for outcome in outcomes] == foreign + others
