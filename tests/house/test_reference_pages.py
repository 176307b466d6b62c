"""The pages that are made of the code: what a key may hold, in words."""

import sys

import pytest
from reading import ROOT

sys.path.insert(0, str(ROOT / "docs" / "hooks"))
import reference_pages

sys.path.pop(0)


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"enum": ["day", "any"]}, "`day` or `any`"),
        ({}, "`table`"),
        ({"anyOf": [{"type": "string"}, {}]}, "`string` or `table`"),
        ({"const": "company"}, "`company`"),
    ],
)
def test_what_a_key_may_hold(schema: dict[str, object], words: str) -> None:
    assert reference_pages._value(schema) == words
