"""Small runs that many tests look at, and the command line, called from Python."""

from __future__ import annotations

import io
import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from helpers import registry, tiny_tables

import i2i
from i2i.cli.main import main
from i2i.spec.spec import resolve

# Everything periodic happens at every second step.
PERIODS = {
    "steps": 4,
    "batch": 2,
    "checkpoint_every": 2,
    "sample_every": 2,
    "log_every": 1,
    "validate_every": 2,
}


@dataclass(frozen=True)
class Done:
    """What a command did."""

    code: int
    out: str
    err: str


def command(*words: object) -> Done:
    """Run `i2i …` in this process."""
    out, err, before = io.StringIO(), io.StringIO(), sys.argv
    sys.argv = ["i2i", *map(str, words)]
    try:
        with redirect_stdout(out), redirect_stderr(err):
            main()
    except SystemExit as end:
        code = end.code or 0
    finally:
        sys.argv = before
    assert isinstance(code, int)
    return Done(code, out.getvalue(), err.getvalue())


def run_tables(strategy: str, **train: Any) -> dict[str, Any]:
    """The tables of a run of a few steps."""
    return tiny_tables(strategy, train={**PERIODS, **train})


def write_spec(path: Path, tables: Mapping[str, Any]) -> Path:
    """A spec as a file, complete."""
    path.write_text(resolve(tables, registry()).toml(), encoding="utf-8")
    return path


def train_paired(folder: Path) -> Path:
    """A run of pix2pix below a folder, made by the command line; what it printed is beside it.

    With batch norm, as published, and averaged weights.
    """
    tables = run_tables("pix2pix", ema={"G": 0.5})
    for network in ("generator", "discriminator"):
        tables["strategy"][network] = {**tables["strategy"][network], "norm": "batch"}
    spec = write_spec(folder / "pix.toml", tables)
    done = command("run", spec, "--out", folder / "run")
    assert done.code == 0, done.err
    (folder / "printed.txt").write_text(done.out, encoding="utf-8")
    return folder / "run"


def train_unpaired(folder: Path) -> Path:
    """A run of CycleGAN below a folder."""
    return i2i.build(run_tables("cyclegan"), registry=registry(), out=folder / "run").train()


class Told:
    """A listener that keeps the notes."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def step(self, step: int) -> None: ...

    def numbers(self, *_: object) -> None: ...

    def note(self, text: str) -> None:
        self.notes.append(text)


def train_told(run: i2i.Run) -> list[str]:
    """Train to the end; what was said."""
    told = Told()
    for _ in run.steps(told):
        pass
    return told.notes


def two_processes(code: str, *words: Path) -> list[subprocess.Popen[str]]:
    """Two processes that train together, each running this code with these arguments."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    shared = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "OMP_NUM_THREADS": "1"}
    return [
        subprocess.Popen(
            [sys.executable, "-c", code, *map(str, words)],
            env={**os.environ, **shared, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
