"""What a check found, for people: a bar while data is read, then the plan and one table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import StringIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.table import Table
from rich.text import Text

from i2i.core.words import counted
from i2i.data.findings import Finding
from i2i.data.inspection import Progress
from i2i.run.checking import Check

MANY = 5000
"""From so many samples on, lines without a terminal tell how far the reading is."""
ONE_LINE = 10_000
"""Width of the table where there is no terminal: each row stays a line."""
HEAD = ("", "what", "how many", "first of them", "what to do")


@contextmanager
def reading() -> Iterator[Progress]:
    """A bar on the standard error, or a line at each quarter where that is no terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Lines(console)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=console, transient=True) as bar:
        task = bar.add_task("reading", total=None)
        yield lambda done, whole: bar.update(task, completed=done, total=whole)


class _Lines:
    def __init__(self, console: Console) -> None:
        self.console = console

    def __call__(self, done: int, whole: int) -> None:
        if whole >= MANY and 4 * done // whole > 4 * (done - 1) // whole:
            self.console.print(f"read {done:,} of {counted(whole, 'sample')}", highlight=False)


def in_words(check: Check) -> str:
    """The plan, what was read, and what is wrong."""
    read = [
        f"    {name}: {_share(*counts)}{_values(check.inspection.values.get(name, ''))}"
        for name, counts in check.inspection.read.items()
    ]
    parts = [check.plan] if check.plan else []
    parts += ["data that was read", *(read or ["    none"]), "problems"]
    return "\n".join([*parts, _table(check.inspection.findings) or "    none were found"])


def _share(done: int, whole: int) -> str:
    return f"{done:,} of {counted(whole, 'sample')}" + (", evenly spaced" if done < whole else "")


def _values(words: str) -> str:
    return f"; {words}" if words else ""


def _table(findings: Sequence[Finding]) -> str:
    if not findings:
        return ""
    table = Table(*HEAD, box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for found in findings:
        more = ", …" if found.count > len(found.names) > 0 else ""
        cells = (found.level, found.what, f"{found.count:,}", ", ".join(found.names) + more, found.remedy)
        table.add_row(*map(Text, cells))
    out = StringIO()
    terminal = Console()
    width = terminal.width - 4 if terminal.is_terminal else ONE_LINE
    Console(file=out, width=width).print(table)
    return "\n".join(f"    {line}".rstrip() for line in out.getvalue().splitlines())
