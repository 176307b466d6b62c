"""Checksums of the files of a folder, as `sha256sum -c checksums.txt` reads them."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

FILE = "checksums.txt"
WEIGHTS = ".safetensors"
LARGEST = 2**20  # of the checksums; a folder has a dozen files
LINE = re.compile(r"([0-9a-f]{64})  ([^/\\\r\n]+)")


def text_of(folder: Path) -> str:
    """The checksums of all files of a folder, a line each."""
    return "".join(f"{_digest(folder / name)}  {name}\n" for name in _names(folder))


def problem(folder: Path) -> str:
    """What is wrong with the files of a folder, if anything: the first of them, in words.

    Files that hold no weights may stand beside those of the list; file managers leave some.

    Raises:
        OSError: a file cannot be read.
    """
    if not (folder / FILE).is_file():
        return f"it has no {FILE}"
    with (folder / FILE).open("rb") as file:
        text = file.read(LARGEST).decode("utf-8", "replace")
    lines = [LINE.fullmatch(line) for line in text.removesuffix("\n").split("\n")]
    sums = {line[2]: line[1] for line in lines if line}
    if len(sums) < len(lines) or not text.endswith("\n"):
        return f"its {FILE} is torn"
    there = _names(folder)
    if lost := [name for name in sums if name not in there]:
        return f"{lost[0]} is missing"
    if strange := [name for name in there if name.endswith(WEIGHTS) and name not in sums]:
        return f"{strange[0]} is not one of its files"
    changed = (name for name in sums if _digest(folder / name) != sums[name])
    if wrong := next(changed, None):
        return f"{wrong} does not have the checksum it was written with"
    return ""


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != FILE and path.is_file())


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
