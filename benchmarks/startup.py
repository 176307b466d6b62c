"""How long commands take before they do anything, against Python and torch alone.

    python benchmarks/startup.py [--rounds 5] [--json FILE]

Each round runs every command once, so that what else the machine does hits all of them; medians over the rounds. CPU
seconds hardly change when a machine is busy, wall seconds do. The first run of all is not counted: it reads the files
from the disk.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import machine

SPEC = Path(__file__).resolve().parents[1] / "examples" / "cyclegan-demo.toml"
FIRST_STEP = """
import os, sys, i2i
run = i2i.build(sys.argv[1], registry=i2i.discover(), out=sys.argv[2])
next(iter(run.steps()))
os._exit(0)  # a run that is left writes a checkpoint, which is no start
"""
PROMISES = {"i2i --help": 0.15, "i2i check": 3.0, "first step of i2i run": 5.0}


@dataclass(frozen=True)
class Timed:
    """Medians of a command; `promised` is the most wall seconds that it should take."""

    command: str
    wall: float
    cpu: float
    promised: float | None


def commands(folder: Path) -> dict[str, list[str]]:
    """What is started."""
    i2i = [sys.executable, "-m", "i2i"]
    return {
        "python -c pass": [sys.executable, "-c", "pass"],
        "python -c 'import torch'": [sys.executable, "-c", "import torch"],
        "i2i --help": [*i2i, "--help"],
        "i2i new": [*i2i, "new", "cyclegan", "--demo"],
        "i2i check": [*i2i, "check", str(SPEC)],
        "first step of i2i run": [sys.executable, "-c", FIRST_STEP, str(SPEC), str(folder / "run")],
    }


def timed(words: list[str]) -> tuple[float, float]:
    """Wall and CPU seconds of a command, its threads and children included."""
    before, started = os.times(), time.perf_counter()
    subprocess.run(words, stdout=subprocess.DEVNULL, check=True)
    wall, after = time.perf_counter() - started, os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return wall, used


def measure(rounds: int) -> list[Timed]:
    """Every command in turn, again and again."""
    seconds: dict[str, list[tuple[float, float]]] = {}
    for number in range(rounds + 1):
        with tempfile.TemporaryDirectory() as folder:
            for name, words in commands(Path(folder)).items():
                once = timed(words)
                if number:
                    seconds.setdefault(name, []).append(once)
    return [
        Timed(name, median(wall for wall, _ in each), median(cpu for _, cpu in each), PROMISES.get(name))
        for name, each in seconds.items()
    ]


def table(rows: list[Timed]) -> str:
    """A table in Markdown."""
    lines = ["| command | wall s | CPU s | promised s |", "|---|--:|--:|--:|"]
    for row in rows:
        promised = f"{row.promised:g}" if row.promised else ""
        lines.append(f"| `{row.command}` | {row.wall:.2f} | {row.cpu:.2f} | {promised} |")
    return "\n".join(lines)


def main() -> None:
    """Measure, print, and write what was asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    rows = measure(asked.rounds)
    print(machine.one_line(), table(rows), sep="\n\n")
    if asked.json:
        facts = {"machine": machine.describe(), "rows": [asdict(row) for row in rows]}
        asked.json.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
