"""Which line of a TOML file a key stands on."""

from __future__ import annotations

import re

_HEADER = re.compile(r"^\s*\[\[?([^\]]+)\]\]?")
_KEY = re.compile(r"^\s*([\w\-.\"']+)\s*=")


def key_lines(text: str) -> dict[str, int]:
    """Dotted keys and table names -> line, counted from 1. Inline tables count as their key's line."""
    lines: dict[str, int] = {}
    table, arrays = "", dict[str, int]()
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            table = _clean(header[1])
            if line.lstrip().startswith("[["):
                arrays[table] = arrays.get(table, -1) + 1
                table = f"{table}.{arrays[table]}"
            lines.setdefault(table, number)
        elif key := _KEY.match(line):
            lines.setdefault(f"{table}.{_clean(key[1])}".strip("."), number)
    return lines


def line_of(text: str, at: str) -> int | None:
    """The line of a dotted key, or of the nearest table around it; None if neither is in the file."""
    lines = key_lines(text)
    parts = at.split(".")
    while parts:
        if (line := lines.get(".".join(parts))) is not None:
            return line
        parts.pop()
    return None


def _clean(key: str) -> str:
    return ".".join(part.strip().strip("\"'") for part in key.split("."))
