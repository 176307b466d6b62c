"""Errors are sentences."""

from __future__ import annotations

import pytest

from i2i.core.errors import Problem, SpecError, nearest


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("widht", "did you mean 'width'? known: norm, width"),
        ("zzz", "known: norm, width"),
    ],
)
def test_the_nearest_name(name: str, hint: str) -> None:
    assert nearest(name, ["width", "norm"]) == hint


def test_there_is_nothing_near() -> None:
    assert nearest("x", []) == "there are none"


def test_all_problems_are_told_at_once_each_with_its_place() -> None:
    problems = [Problem("train.batch", "too small", "use 1\nor more"), Problem("", "nothing here")]
    assert str(SpecError(problems, ["run.toml:3: ", ""])) == (
        "  run.toml:3: train.batch: too small\n    use 1\n    or more\n  nothing here"
    )
    assert SpecError(problems).problems == tuple(problems)
