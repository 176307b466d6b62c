"""Specs that nobody should write: every one ends as a complete spec or run, or as an `I2IError` with a sentence."""

from __future__ import annotations

import contextlib
import copy
import signal
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import Any

from hypothesis import strategies as st

from i2i.core.errors import I2IError
from i2i.run.run import build
from i2i.spec.spec import resolve

from .spec_cases import demo_tables, files, registry, settings, tables

LIMIT = 60  # seconds after which a case hangs; most take a hundredth of one
Case = tuple[str, Any]


def cases() -> st.SearchStrategy[Case]:
    """How a spec is given, and the damaged spec; few are built, which takes longer."""
    kinds = {"tables": tables(), "file": files(), "settings": settings(), "run": demo_tables()}
    shares = ["tables"] * 8 + ["file"] * 6 + ["settings"] * 6 + ["run"]
    return st.sampled_from(shares).flatmap(lambda kind: st.tuples(st.just(kind), kinds[kind]))


def check(case: Case) -> str:
    """Resolve a spec, or build its run; what came of it."""
    kind, spec = case
    return CHECKS[kind](spec)


def _check_tables(spec: dict[str, Any]) -> str:
    """Resolve tables; what came of them."""
    before = copy.deepcopy(spec)
    outcome = _outcome(spec)
    assert repr(before) == repr(spec), "the caller's tables were changed"
    return outcome


def _check_file(data: bytes) -> str:
    """Resolve a file; what came of it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "spec.toml"
        path.write_bytes(data)
        outcome = _outcome(path)
        assert path.read_bytes() == data, "the file was changed"
    return outcome


def _check_settings(case: tuple[str, tuple[str, ...]]) -> str:
    """Resolve a spec with settings; what came of it."""
    return _outcome(case[0], case[1])


def _check_run(spec: dict[str, Any]) -> str:
    """Build the run of tables and describe it; what came of it."""
    with in_time():
        try:
            build(spec, registry=registry(), out="never-written").describe()
        except I2IError as error:
            assert str(error).strip(), "an error without a sentence"
            return "sentence"
    return "run"


CHECKS: Mapping[str, Callable[[Any], str]] = {
    "tables": _check_tables,
    "file": _check_file,
    "settings": _check_settings,
    "run": _check_run,
}


def _outcome(source: Any, typed: tuple[str, ...] = ()) -> str:
    """`spec` or `sentence`; anything else is a fault.

    A spec that is accepted can be written down and read again.
    """
    with in_time():
        try:
            spec = resolve(source, registry(), typed)
        except I2IError as error:
            assert str(error).strip(), "an error without a sentence"
            return "sentence"
        again = resolve(spec.toml(), registry())
        assert spec.toml() == again.toml(), "the spec that was written down says something else"
    return "spec"


@contextlib.contextmanager
def in_time() -> Iterator[None]:
    """A block that must end in time, where the system has such alarms."""
    if not hasattr(signal, "SIGALRM"):
        yield
        return

    def late(number: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"no end within {LIMIT} seconds")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(LIMIT)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
