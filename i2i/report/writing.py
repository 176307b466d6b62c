"""A report as a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from i2i.core.errors import I2IError
from i2i.engine import disk
from i2i.report.page import MARK, render
from i2i.report.record import read_record

FILE = "report.html"
BEGINNING = 4096  # characters in which the mark of a report stands


def report(runs: Sequence[str | Path], out: Path | None = None) -> Path:
    """Write one page about runs, side by side if there are several; it opens without a network.

    Only their files are read, so that the runs may be in any state, training ones too.

    Args:
        runs: run folders.
        out: the file; `report.html` otherwise, in the run folder, or of several runs in the working folder.

    Returns:
        The file.

    Raises:
        I2IError: a folder is no run, one is named twice, the file is something else than a report, or plotly is not
            installed.
        DiskError: the disk refuses.
    """
    folders = [Path(run) for run in runs]
    if not folders:
        raise I2IError("a report needs a run: name one run folder or several")
    out = out or (folders[0] / FILE if len(folders) == 1 else Path(FILE))
    names = names_of(folders)
    records = [read_record(folder, name) for folder, name in zip(folders, names, strict=True)]
    check_out(out)
    disk.write_bytes(out, render(records).encode("utf-8", "replace"))
    return out


def names_of(folders: Sequence[Path]) -> list[str]:
    """What tells folders apart: their names, or as much of their paths as it takes.

    Raises:
        I2IError: one is named twice.
    """
    whole = [folder.resolve() for folder in folders]
    for n, path in enumerate(whole):
        if path in whole[:n]:
            raise I2IError(f"{folders[n]}: this run is named twice")
    parts = next(n for n in range(1, 1000) if len({path.parts[-n:] for path in whole}) == len(whole))
    return [Path(*path.parts[-parts:]).as_posix() for path in whole]


def check_out(out: Path) -> None:
    """Refuse to write a report over something else.

    Raises:
        I2IError: it is there, or it would be no page.
    """
    if out.is_dir():
        raise I2IError(f"{out}: this is a folder; a report is one file: -o {out / FILE}")
    if out.suffix.lower() not in (".html", ".htm"):
        raise I2IError(f"{out}: a report is a page; name a file that ends in .html")
    if not out.parent.is_dir():
        raise I2IError(f"{out}: there is no folder {out.parent}")
    if out.exists() and not _is_report(out):
        raise I2IError(f"{out} exists and is no report of i2i; move it away, or name another file with -o")


def _is_report(path: Path) -> bool:
    with path.open(encoding="utf-8", errors="replace") as file:
        return MARK in file.read(BEGINNING)
