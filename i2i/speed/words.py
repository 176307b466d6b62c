"""What a benchmark found, for people."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from i2i.core.words import counted, in_bytes
from i2i.run.table import table
from i2i.speed.bench import Bench, Row, Say

HEAD = ("setting", "s/step", "speed", "images/s", "waiting", "memory")
SHARE = "of the GPU"
MUCH = 0.05
"""Share of waiting that is worth a line."""


@contextmanager
def measuring() -> Iterator[Say]:
    """Tells on the standard error what is measured: one changing line on a terminal, else a line each."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda text: console.print(f"measures: {text}", highlight=False, soft_wrap=True)
        return
    with console.status("") as status:
        yield lambda text: status.update(f"measures: {text}")


def in_words(found: Bench) -> str:
    """The table, and what to write into the spec."""
    machine = found.machine
    threads = counted(int(machine["threads"]), "thread")
    parts = [
        f"{found.spec}, {counted(found.batch, 'sample')} a step, on {machine['device']} "
        f"({machine['name']}, {threads}, torch {machine['torch']})",
        _table(found),
        *(f"{row.name}: not measured: {row.problem}" for row in found.rows if row.problem),
        *_advice(found),
    ]
    return "\n".join(parts)


def write(found: Bench, path: Path) -> None:
    """Everything as JSON."""
    path.write_text(json.dumps(found.tables(), indent=2) + "\n", encoding="utf-8")


def _table(found: Bench) -> str:
    rows = [row for row in found.rows if not row.problem]
    shares = any(row.share is not None for row in rows)
    head = (*HEAD, SHARE) if shares else HEAD
    return table([head, *(_cells(row, shares) for row in rows)], right=len(head) - 1)


def _cells(row: Row, shares: bool) -> tuple[str, ...]:
    memory = in_bytes(row.memory) if row.memory is not None else "?"
    cells = (
        row.name,
        f"{row.seconds:.3g}",
        f"{row.ratio:.2f}×",
        f"{row.images_per_second:.3g}",
        f"{row.waiting:.0%}",
        memory,
    )
    return (*cells, f"{row.share:.0%}" if row.share is not None else "") if shares else cells


def _advice(found: Bench) -> list[str]:
    safe, best = found.fastest(), found.fastest(safe=False)
    said = [
        _named("fastest safe setting", safe)
        if safe is not found.own
        else "no safe setting is faster than the spec's own"
    ]
    if best is not safe and best.ratio > safe.ratio:
        said.append(_named("faster still", best))
    if found.own.waiting > MUCH:
        said.append(f"the spec waits {found.own.waiting:.0%} of its time for pictures: raise data.workers")
    return said


def _named(what: str, row: Row) -> str:
    lines = "\n".join(f"    {line}" for line in ("[train]", *row.lines))
    return f"{what}: {row.name}, {row.ratio:.2f} times the speed ({row.remark})\n{lines}"
