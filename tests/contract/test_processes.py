"""Two processes on half a batch each do what one does on the whole."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import process
import pytest
import torch
from helpers import strategies, train_in_double, unequal
from torch import Tensor
from toy import toy_engine

from i2i.engine import checkpoint
from i2i.spec.spec import Spec

# fp64: sums in another order, carried through three steps.
EXACT = 1e-10

every_case = pytest.mark.parametrize(("name", "accumulate"), [(n, a) for n in strategies() for a in (1, 2)])


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where two processes, started as torchrun starts them, left what they trained."""
    folder = tmp_path_factory.mktemp("processes")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, process.__file__, str(folder)]
    shared = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "WORLD_SIZE": "2",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
    }
    both = [
        subprocess.Popen(
            command, env=shared | {"RANK": r, "LOCAL_RANK": r}, stderr=subprocess.PIPE, text=True
        )
        for r in ("0", "1")
    ]
    try:
        errors = [p.communicate(timeout=300)[1] for p in both]
    finally:
        for p in both:
            p.kill()
    assert [p.returncode for p in both] == [0, 0], "\n".join(errors)
    return folder


def left(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors and facts of a checkpoint."""
    files, facts = checkpoint.read(folder)
    return {f"{file}:{key}": t for file, entries in files.items() for key, t in entries.items()}, facts


@every_case
def test_both_processes_hold_the_same(out: Path, name: str, accumulate: int) -> None:
    one, terms = left(out / f"{name}-{accumulate}-0")
    other, same = left(out / f"{name}-{accumulate}-1")
    assert not unequal(one, other)  # weights, averages, pools
    assert terms == same


@every_case
def test_two_processes_are_one(out: Path, name: str, accumulate: int) -> None:
    hold_against_one(out / f"{name}-{accumulate}-0", process.averaged(name, 1))


@pytest.mark.parametrize("name", process.SYNCHRONISED)
def test_batch_norm_over_all_processes_is_that_of_the_batch(out: Path, name: str) -> None:
    hold_against_one(out / f"{name}-batch-norm-0", process.averaged(name, 1, process.SYNCHRONISED[name]))
    one, other = (left(out / f"{name}-batch-norm-{rank}")[0] for rank in (0, 1))
    assert not unequal(one, other)  # running statistics too


def hold_against_one(folder: Path, spec: Spec) -> None:
    """What two processes left is what one trains."""
    engine, reports = train_in_double(spec, process.STEPS)
    two, facts = left(folder)
    files, _ = engine.state()
    assert not unequal({f"{file}:{k}": t for file, e in files.items() for k, t in e.items()}, two, EXACT)
    for report, terms in zip(reports, facts["terms"], strict=True):
        # they crossed from process to process in fp32
        assert terms == {key: pytest.approx(float(term), abs=1e-6) for key, term in report.items()}


def test_what_one_process_meets_both_leave_out(out: Path) -> None:
    (one, facts), (other, same) = (left(out / f"wrong-{rank}") for rank in (0, 1))
    assert not unequal(one, other)
    assert facts == same
    assert facts["sentence"] == "step 2, phase 'only': the term size is nan"
    assert (facts["step"], facts["skips"]) == (3, 1)
    assert all(tensor.isfinite().all() for tensor in one.values())


def test_the_world(out: Path) -> None:
    for rank in (0, 1):
        got, facts = left(out / f"world-{rank}")
        assert torch.equal(got["results:average"], torch.full((2, 3), 1.5))
        assert got["results:gather"][:, :, 0, 0].tolist() == [[1, 11], [2, 12]]
        assert got["results:gather"].is_contiguous()
        assert got["results:shared weight"].tolist() == [1, 1]
        assert got["results:shared buffer"].tolist() == [1, 1]
        assert torch.equal(got["results:engine"], toy_engine().net.G.first.weight)
        assert (facts["mean"], facts["told"]) == ({"x": 1.5}, "I am 0")
        assert (facts["main"], facts["size"], facts["unused"]) == (rank == 0, 2, True)
