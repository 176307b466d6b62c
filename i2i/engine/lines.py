"""Files of one JSON object a line: they are only appended to, and a torn last line harms nobody."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from i2i.engine import disk


def append(path: Path, line: Mapping[str, Any]) -> None:
    """Add a line, with the time; numbers have six digits.

    Raises:
        DiskError: the disk refuses.
    """
    numbers = {key: _rounded(value) for key, value in line.items()}
    text = json.dumps({**numbers, "time": round(time.time(), 3)})
    with disk.writing(path), path.open("ab") as file:
        file.write(f"{text}\n".encode())


def read(path: Path) -> Iterator[dict[str, Any]]:
    """The lines; one that is being written, was torn, or is no JSON object is left out."""
    if not path.is_file():
        return
    with path.open("rb") as file:
        for line in file:
            with suppress(ValueError):
                if line.endswith(b"\n") and isinstance(found := json.loads(line), dict):
                    yield found


def cut_torn_end(path: Path) -> None:
    """End the file after its last whole line, so that the next one does not stick to a torn one.

    Raises:
        DiskError: the disk refuses.
    """
    if not path.is_file():
        return
    with disk.writing(path):
        data = path.read_bytes()
        whole = data.rfind(b"\n") + 1
        if whole < len(data):
            with path.open("rb+") as file:
                file.truncate(whole)


def _rounded(value: Any) -> Any:
    """Six digits; what is not a number has no place in JSON and becomes null."""
    if not isinstance(value, float):
        return value
    return float(f"{value:.6g}") if math.isfinite(value) else None
