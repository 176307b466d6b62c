"""Small tables as plain text."""

from __future__ import annotations

from collections.abc import Sequence


def table(rows: Sequence[Sequence[str]], right: int = 0) -> str:
    """Rows in columns of equal width, the last `right` of them against the right edge."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    left = len(widths) - right
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column < left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )
