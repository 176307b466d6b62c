"""The numbers of a run as a table for spreadsheets and pandas."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated

from pydantic import Field
from torch import Tensor

from i2i.engine import disk
from i2i.run.loggers.inside import inside

STEP = "step"
Row = dict[str, str]


class Csv:
    """Writes one CSV file: a row for each step that was logged, a column for each number; no pictures.

    A column never changes its place: a number that is new adds one at the right, and the file is written anew. A step
    that comes again, after a resume or a rollback, replaces its row and those that followed.
    """

    def __init__(
        self, *, file: Annotated[str, Field(description="inside the run folder")] = "metrics.csv"
    ) -> None:
        self.file = file
        self._columns = [STEP]
        self._last: Row = {}
        self._at = 0  # where the last row begins

    def open(self, folder: Path) -> None:
        """Go on with the table of the run folder, or begin one.

        Raises:
            I2IError: the file lies outside the run folder.
        """
        self._path = inside(folder, "file", self.file)
        if self._path.is_file():
            self._rewrite(self._rows())

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Numbers of a step, in its row."""
        row = {name: _shown(value) for name, value in values.items()}
        same = self._last.get(STEP) == str(step)
        new = {**(self._last if same else {STEP: str(step)}), **row}
        if not same and step <= int(self._last.get(STEP, -1)):
            self._rewrite([*(old for old in self._rows() if int(old[STEP]) < step), new])
        elif not set(new) <= set(self._columns) or self._at == 0:
            self._rewrite([*(self._rows()[: -1 if same else None]), new])
        else:
            self._put(new, same)

    def picture(self, step: int, name: str, picture: Tensor) -> None:
        """Nothing: the pictures are in `samples`."""

    def close(self) -> None:
        """Nothing: everything is written."""

    def _put(self, row: Row, again: bool) -> None:
        """Add a row, or write the last one again."""
        with self._path.open("rb+") as file:
            self._at = self._at if again else file.seek(0, io.SEEK_END)
            file.seek(self._at)
            file.truncate()
            file.write(_lines(self._columns, [row]))
        self._last = row

    def _rows(self) -> list[Row]:
        """The rows so far; one that a killed process left torn is left out."""
        if not self._path.is_file():
            return []
        with self._path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        return [row for row in rows if None not in row and None not in row.values() and row[STEP].isdigit()]

    def _rewrite(self, rows: list[Row]) -> None:
        """Write the file anew, with a column for every number."""
        columns = [STEP, *self._columns, *(name for row in rows for name in row)]
        self._columns = list(dict.fromkeys(columns))
        head = [
            _lines(self._columns, [dict(zip(self._columns, self._columns))]),
            _lines(self._columns, rows[:-1]),
        ]
        disk.write_bytes(self._path, b"".join([*head, _lines(self._columns, rows[-1:])]))
        self._last, self._at = (rows[-1] if rows else {}), sum(map(len, head))


def _lines(columns: list[str], rows: Iterable[Row]) -> bytes:
    text = io.StringIO()
    csv.DictWriter(text, columns, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def _shown(value: float) -> str:
    """Six digits; empty for what is not finite, as null in `metrics.jsonl`."""
    return f"{value:.6g}" if math.isfinite(value) else ""
