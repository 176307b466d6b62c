"""What a plug-in file defines reaches worker processes that begin without it, as on macOS and Windows."""

from __future__ import annotations

import itertools
import multiprocessing
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import i2i
from i2i.core.plugin_files import PREFIX, WorkerPickler, module_name
from i2i.data.samples import Samples
from i2i.data.stream import Stream
from i2i.spec.plugins import discover

STRANGER = Path(__file__).parent / "stranger.py"


@pytest.fixture
def spawning() -> Iterator[None]:
    before = multiprocessing.get_start_method(allow_none=True)
    multiprocessing.set_start_method("spawn", force=True)
    yield
    multiprocessing.set_start_method(before, force=True)


@pytest.fixture
def ramps() -> Iterator[i2i.Source]:
    """The data of a plug-in file."""
    registry = discover([STRANGER])
    yield registry.build(registry.resolve("data", "ramps", "data"), {}, {})
    sys.modules.pop(module_name(STRANGER), None)


def taken(source: i2i.Source, workers: int) -> list[list[Any]]:
    stream = iter(Stream(source, seed=0, batch=2, workers=workers))
    steps = [[batch["a"].tolist(), batch["b"].tolist()] for batch in itertools.islice(stream, 2)]
    stream.close()
    return steps


@pytest.mark.usefixtures("spawning")
def test_a_spawned_worker_runs_the_file(ramps: i2i.Source) -> None:
    assert taken(ramps, workers=1) == taken(ramps, workers=0)


def test_where_the_file_has_not_run_it_runs_once(ramps: i2i.Source) -> None:
    sent = WorkerPickler.dumps([Samples(ramps, 3, 5), Samples(ramps, 4, 5)])
    del sys.modules[module_name(STRANGER)]
    one, other = WorkerPickler.loads(sent)
    assert type(one.source) is type(other.source) is sys.modules[module_name(STRANGER)].Ramps
    assert (one.seed, other.seed, other.most) == (3, 4, 5)
    whole = ramps.load(1, torch.Generator().manual_seed(0))
    assert torch.equal(one.source.load(1, torch.Generator().manual_seed(0))["a"], whole["a"])


def test_functions_and_inner_classes_go_too(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        STRANGER.read_text(encoding="utf-8") + "\n\nclass Outer:\n    class Inner: ...\n", encoding="utf-8"
    )
    discover([file])
    name = module_name(file)
    module = sys.modules[name]
    sent = WorkerPickler.dumps((module.charbonnier, module.Outer.Inner()))
    del sys.modules[name]
    try:
        function, inner = WorkerPickler.loads(sent)
        assert function is sys.modules[name].charbonnier
        assert type(inner) is sys.modules[name].Outer.Inner
    finally:
        sys.modules.pop(name, None)


def test_a_function_made_on_the_spot_is_refused_as_ever() -> None:
    made = eval("lambda: 0", {"__name__": f"{PREFIX}mine"})
    with pytest.raises(Exception, match="lambda"):
        WorkerPickler.dumps(made)


def test_files_of_one_name_are_two_modules(tmp_path: Path) -> None:
    one, other = tmp_path / "a" / "mine.py", tmp_path / "b" / "mine.py"
    assert module_name(one) != module_name(other)
    assert module_name(one) == module_name(tmp_path / "b" / ".." / "a" / "mine.py")
