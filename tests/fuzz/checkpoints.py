"""Runs of which one file is damaged: used, or refused with a sentence; and no file of them is lost."""

from __future__ import annotations

import functools
import json
import shutil
import tempfile
import warnings
from pathlib import Path
from typing import Any

from helpers import registry, tiny_tables
from hypothesis import strategies as st

import i2i
from i2i.core.errors import I2IError
from i2i.engine import checksums
from i2i.run.run import Run

from .mutate import mutated
from .specs import in_time

TEXTS = (
    b"", b"\0", b"{}", b"[]", b"null", b"1", b'"step"', b"[" * 100_000, b'{"a":' * 100_000, b"\xff\xfe", b"NaN",
    b"../../outside", b"/etc", b"step-000002/../../..", b"step-1e9", b"latest",
    b"step-" + b"9" * 5000, b"a = " + b"[" * 9999,
)  # fmt: skip
VALUES = (None, True, -1, 0, 1e400, 10**30, "", "x", "../../x", [], {}, [[]], [None], {"a": None}, ["a"] * 3)
Case = tuple[str, bytes | None, bool]


@functools.cache
def trained() -> Path:
    """A run with two checkpoints; its folder goes with the process's other temporary files."""
    folder = Path(tempfile.mkdtemp(prefix="i2i-fuzz-"))
    train = {"steps": 4, "checkpoint_every": 2, "sample_every": 9, "validate_every": 9, "ema": {"G": 0.5}}
    return i2i.build(tiny_tables("pix2pix", train=train), registry=registry(), out=folder / "run").train()


@functools.cache
def names() -> tuple[str, ...]:
    """Every file that is read again, those of the newest checkpoint first."""
    files = (
        path.relative_to(trained()).as_posix() for path in sorted(trained().rglob("*")) if path.is_file()
    )
    return tuple(
        sorted((name for name in files if not name.startswith(("samples", "metrics"))), reverse=True)
    )


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A file of the run, what stands in it instead (None if it is gone), and whether the checksums were put right."""
    name, right = draw(st.sampled_from(names())), draw(st.booleans())
    how, whole = draw(st.integers(0, 4)), (trained() / name).read_bytes()
    if name.endswith(".json") and how < 3:
        return name, json.dumps(draw(spoilt(json.loads(whole)))).encode(), right
    if how:
        return name, draw(mutated([whole])), right
    other = (trained() / draw(st.sampled_from(names()))).read_bytes()
    return name, draw(st.sampled_from([None, other, *TEXTS])), right


@st.composite
def spoilt(draw: st.DrawFn, value: Any) -> Any:
    """A value of a JSON file in which something, anywhere inside, is another thing or gone."""
    if not isinstance(value, dict) or not value or draw(st.integers(0, 3)) == 0:
        return draw(st.sampled_from(VALUES))
    key = draw(st.sampled_from(sorted(value)))
    rest = {other: kept for other, kept in value.items() if other != key}
    return rest if draw(st.integers(0, 3)) == 0 else {**rest, key: draw(spoilt(value[key]))}


def check(case: Case) -> str:
    """Load and open the run for resuming; what came of it."""
    name, content, right = case
    with tempfile.TemporaryDirectory() as folder, in_time(), warnings.catch_warnings(action="ignore"):
        run = Path(folder) / "run"
        shutil.copytree(trained(), run)
        if content is None:
            (run / name).unlink()
        else:
            (run / name).write_bytes(content)
        place = (run / name).parent
        if right and place.name.startswith("step-") and not name.endswith(checksums.FILE):
            (place / checksums.FILE).write_text(checksums.text_of(place), encoding="utf-8", newline="\n")
        before = _files(run)
        outcomes = [_outcome(run, way) for way in (_load, _open)]
        lost = [path for path, kept in before.items() if _files(run).get(path) != kept]
        assert not lost, f"lost or changed: {lost}"
    return " and ".join(outcomes)


def _load(run: Path) -> None:
    i2i.load(run, registry=registry(), device="cpu")


def _open(run: Path) -> None:
    Run.open(run, registry=registry())


def _outcome(run: Path, way: object) -> str:
    try:
        way(run)  # type: ignore[operator]
    except I2IError as error:
        assert str(error).strip() and len(str(error)) < 5000, error
        return f"not {way.__name__[1:]}ed"  # type: ignore[attr-defined]
    return f"{way.__name__[1:]}ed"  # type: ignore[attr-defined]


def _files(run: Path) -> dict[str, bytes]:
    return {path.relative_to(run).as_posix(): path.read_bytes() for path in run.rglob("*") if path.is_file()}
