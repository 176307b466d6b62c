"""Translating many files, as a user sees it: lists, patterns, jobs that go on, and what is said in the end."""

from __future__ import annotations

import io
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from many import many
from PIL import Image

import i2i.translate.jobs as jobs
from i2i.core.errors import I2IError
from i2i.run.translation import SHOWN, grid_shown, translate_shown
from i2i.translate.journal import FILE


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("a.png", "b.png", "deep/c.png"):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((8, 12, 4), len(name), np.uint8)).convert("RGB").save(path)
    return tmp_path / "in"


Shown = Callable[..., tuple[int, list[str]]]


@pytest.fixture
def shown(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Shown:
    def translate(*inputs: Path, kind: str = "", **controls: Any) -> tuple[int, list[str]]:
        code = translate_shown(many(), inputs, tmp_path / "out", {"noise": 0.0, **controls}, kind)
        return code, capsys.readouterr().out.splitlines()

    return translate


def names(out: Path) -> list[str]:
    return sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())


def test_nothing_is_printed_but_the_last_line(shown: Shown, tree: Path, tmp_path: Path) -> None:
    code, (line,) = shown(tree)
    assert code == 0
    assert re.fullmatch(r"3 pictures translated \((fp32|bf16), [\d.e+]+ images/s\): .*out", line)


def test_a_list_stands_for_its_files(
    shown: Shown, tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = io.TextIOWrapper(io.BytesIO(f"# some\n{tree / 'deep'}\n\n{tree / 'a.png'}\n".encode()))
    monkeypatch.setattr(sys, "stdin", listed)
    assert shown(tree / "b.png", Path("-"))[0] == 0
    assert names(tmp_path / "out") == ["a.png", "b.png", "c.png"]


def test_a_pattern_keeps_its_folders(shown: Shown, tree: Path, tmp_path: Path) -> None:
    assert shown(tree / "**/[bc].png")[0] == 0
    assert names(tmp_path / "out") == ["b.png", "deep/c.png"]


def test_a_job_that_goes_on_says_so(
    shown: Shown,
    tree: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write, left = jobs.write_result, iter([True, True])

    def stop(*given: Any) -> Path:
        if not next(left, False):
            raise KeyboardInterrupt
        return write(*given)

    monkeypatch.setattr(jobs, "write_result", stop)
    with pytest.raises(KeyboardInterrupt):
        shown(tree, batch=1)
    assert capsys.readouterr().out == "the same command goes on from here\n"
    monkeypatch.setattr(jobs, "write_result", write)
    code, lines = shown(tree)
    assert (code, lines[0]) == (0, "2 of 3 pictures were done already; going on")
    assert lines[1].startswith("1 picture translated")


def test_all_failures_are_told_in_the_end(shown: Shown, tree: Path, tmp_path: Path) -> None:
    for number in range(SHOWN + 5):
        (tree / f"broken{number}.png").write_bytes(b"nothing")
    code, lines = shown(tree)
    assert code == 1
    assert lines[0].startswith("3 pictures translated") and len(lines) == 1 + SHOWN
    assert lines[-1].endswith(f" and 5 more; all of them: {tmp_path / 'out' / FILE}")
    assert all("broken" in line for line in lines[1:])


def test_lost_transparency_is_told(shown: Shown, tree: Path) -> None:
    with Image.open(tree / "a.png") as image:
        image.convert("RGBA").save(tree / "a.png")
    assert shown(tree, kind="jpg")[1][1:] == ["1 result lost its transparency: .jpg files have none"]
    shutil.copy(tree / "a.png", tree / "d.png")
    assert shown(tree, kind="jpg")[1][1:] == ["2 results lost their transparency: .jpg files have none"]


def test_a_grid_has_no_other_kind(tree: Path, tmp_path: Path) -> None:
    with pytest.raises(I2IError, match="--type png: a grid is one picture, whose name says what kind it is"):
        grid_shown(many(), [tree], tmp_path / "grid.png", {}, "png")
