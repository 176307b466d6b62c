"""A warm process for all tests of this folder."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from .campaign import Nursery, nursery


@pytest.fixture(scope="session")
def warm() -> Iterator[Nursery]:
    if sys.platform == "win32":
        pytest.skip(
            "Windows has no fork, and its processes cannot be killed between two instructions of a test"
        )
    with nursery() as made:
        yield made
