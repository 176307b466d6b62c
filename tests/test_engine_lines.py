"""Files of one JSON object a line: a torn last line harms nobody."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from i2i.engine import lines
from i2i.engine.disk import DiskError


def test_lines_are_appended_and_numbers_shortened(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    lines.append(path, {"step": 1, "x": 1 / 3, "bad": math.nan, "worse": -math.inf})
    lines.append(path, {"step": 2, "x": 123456789.0})
    first, second = lines.read(path)
    assert (first["step"], first["x"], first["bad"], first["worse"]) == (1, 0.333333, None, None)
    assert second["x"] == 123457000.0
    assert first["time"] <= second["time"]


@pytest.mark.parametrize("torn", [b'{"step": 3, "x', b"{", b"\0\0\0", b'{"step": 3}'])
def test_a_torn_line_is_left_out_and_cut_off(tmp_path: Path, torn: bytes) -> None:
    path = tmp_path / "metrics.jsonl"
    lines.append(path, {"step": 1})
    whole = path.read_bytes()
    path.write_bytes(whole + torn)
    assert [line["step"] for line in lines.read(path)] == [1]
    lines.cut_torn_end(path)
    assert path.read_bytes() == whole
    lines.append(path, {"step": 2})
    assert [line["step"] for line in lines.read(path)] == [1, 2]


def test_nothing_but_a_torn_line(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b'{"st')
    lines.cut_torn_end(path)
    assert path.read_bytes() == b"" and list(lines.read(path)) == []


def test_no_file_is_no_line(tmp_path: Path) -> None:
    lines.cut_torn_end(tmp_path / "metrics.jsonl")
    assert list(lines.read(tmp_path / "metrics.jsonl")) == [] and not list(tmp_path.iterdir())


def test_a_folder_that_is_gone_is_told(tmp_path: Path) -> None:
    with pytest.raises(DiskError, match="the folder is gone"):
        lines.append(tmp_path / "gone" / "metrics.jsonl", {"step": 1})


@pytest.mark.parametrize("strange", [b"no JSON", b"\0\0\0", b"\xff", b"[1]"])
def test_a_strange_line_is_left_out(tmp_path: Path, strange: bytes) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b'{"step": 1}\n' + strange + b'\n{"step": 2}\n')
    assert [line["step"] for line in lines.read(path)] == [1, 2]
