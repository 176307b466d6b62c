"""Jobs: many files, whatever becomes of one of them; the same job goes on where it was stopped."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import registry
from many import Kept, many
from PIL import Image
from torch import Tensor
from videos import draw_video, flat

from i2i.core.errors import I2IError, I2IWarning
from i2i.translate.jobs import Result, job
from i2i.translate.journal import FILE, LOCK, job_of, journal_in
from i2i.translate.loading import load
from i2i.translate.model import Model
from i2i.translate.request import NothingDrawnError

NAMES = ("a.png", "b.png", "deep/c.jpg", "deep/d.png")


def picture(path: Path, mode: str = "RGB", size: tuple[int, int] = (12, 8)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = (
        np.random.default_rng(len(str(path.name))).integers(0, 256, (size[1], size[0], 4)).astype(np.uint8)
    )
    Image.fromarray(noise).convert(mode).save(path)
    return path


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in NAMES:
        picture(tmp_path / "in" / name)
    return tmp_path / "in"


def written(out: Path) -> list[str]:
    return sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())


def done(model: Model, tree: Path, out: Path, kind: str = "", **controls: Any) -> tuple[int, list[Result]]:
    """How many files a job passed over, and what became of the others."""
    with job(model, [tree], out, model.request(controls), kind=kind) as work:
        return work.done, list(work.results())


def stopped(model: Model, tree: Path, out: Path, after: int, **controls: Any) -> None:
    """A job that Ctrl-C stops after so many files."""
    with pytest.raises(KeyboardInterrupt), job(model, [tree], out, model.request(controls)) as work:
        results = work.results()
        for _ in range(after):
            next(results)
        raise KeyboardInterrupt


def test_a_job_that_is_done_leaves_nothing_but_its_results(tree: Path, tmp_path: Path) -> None:
    passed, results = done(many(), tree, tmp_path / "out")
    assert (passed, [result.problem for result in results]) == (0, [""] * 4)
    assert written(tmp_path / "out") == sorted(NAMES)
    assert done(many(), tree, tmp_path / "out")[0] == 0  # it is done: the same job begins anew


def test_a_stopped_job_goes_on(tree: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    stopped(many(), tree, out, 2, batch=1)
    assert FILE in written(out) and LOCK not in written(out)
    before = {name: (out / name).stat().st_mtime_ns for name in written(out)[1:]}
    passed, results = done(many(), tree, out, batch=2)  # the batch changes nothing
    assert passed >= 2 and passed + len(results) == 4
    assert written(out) == sorted(NAMES)
    for result in results:
        before.pop(result.target.relative_to(out).as_posix(), None)
    assert all((out / name).stat().st_mtime_ns == time for name, time in before.items())


def test_what_was_killed_while_it_wrote_a_line_goes_on(tree: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    stopped(many(), tree, out, 4, batch=1)
    lines = (out / FILE).read_bytes().splitlines(keepends=True)
    (out / FILE).write_bytes(b"".join(lines[:-1]) + lines[-1][:20])
    assert done(many(), tree, out)[0] == 3


@pytest.mark.parametrize("controls", [{"seed": 1}, {"colour": "red"}, {"bits": 16}])
def test_other_controls_begin_anew(tree: Path, tmp_path: Path, controls: Mapping[str, Any]) -> None:
    stopped(many(), tree, tmp_path / "out", 3, batch=1)
    with job(many(), [tree], tmp_path / "out", many().request(controls), kind="png") as work:
        assert work.done == 0


def test_other_weights_begin_anew(tree: Path, tmp_path: Path) -> None:
    stopped(many(), tree, tmp_path / "out", 3, batch=1)
    other = many()
    other.net.G.weight.data += 0.5
    assert done(other, tree, tmp_path / "out")[0] == 0


def test_files_that_were_changed_are_translated_anew(tree: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    stopped(many(), tree, out, 4, batch=1)
    picture(tree / "a.png", size=(5, 5))
    (out / "b.png").unlink()
    os.utime(out / "deep/c.jpg", (0, 0))
    passed, results = done(many(), tree, out)
    assert passed == 1
    assert [result.source.name for result in results] == ["a.png", "b.png", "c.jpg"]


def test_a_failure_is_kept_and_tried_again(tree: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (tree / "broken.png").write_bytes(b"nothing")
    (tree / "empty.png").write_bytes(b"")
    picture(tree / "many.png", "L")
    results = done(many(), tree, out)[1]
    assert [result.source.name for result in results if result.problem] == ["broken.png", "empty.png"]
    assert FILE in written(out) and "broken.png" in (out / FILE).read_text(encoding="utf-8")
    for name in ("broken.png", "empty.png"):
        picture(tree / name)
    passed, results = done(many(), tree, out)
    assert (passed, [result.problem for result in results]) == (5, ["", ""])
    assert FILE not in written(out)


def test_a_job_in_which_nothing_can_be_done_leaves_nothing(tree: Path, tmp_path: Path) -> None:
    with pytest.raises(NothingDrawnError):
        done(many(), tree, tmp_path / "out", samples=2, noise=0.0)
    assert written(tmp_path / "out") == []


def test_two_jobs_do_not_share_a_folder(tree: Path, tmp_path: Path) -> None:
    out, model = tmp_path / "out", many()
    with (
        job(model, [tree], out, model.request({})),
        pytest.raises(I2IError, match="another i2i translate writes to this folder"),
    ):
        done(model, tree, out)
    assert len(done(model, tree, out)[1]) == 4
    with (
        journal_in(out, job_of(model, model.request({}))),
        job(model, [tree / "a.png"], out, model.request({})),
    ):
        pass  # one file needs no journal


def test_results_of_another_kind(tree: Path, tmp_path: Path) -> None:
    results = done(many(), tree, tmp_path / "out", kind="tif", bits=16)[1]
    assert [result.problem for result in results] == [""] * 4
    assert written(tmp_path / "out") == ["a.tif", "b.tif", "deep/c.tif", "deep/d.tif"]
    results = done(many(), tree, tmp_path / "jpg", kind="jpg", bits=16)[1]
    assert all(".jpg" in result.problem and "uint16" in result.problem for result in results)
    with pytest.raises(
        I2IError, match=r"--type pgn: there is no such kind of file\n    did you mean 'png'\?"
    ):
        done(many(), tree, tmp_path / "out", kind="pgn")


def test_transparency_that_is_lost_is_told(tree: Path, tmp_path: Path) -> None:
    picture(tree / "clear.png", "RGBA")
    results = {result.source.name: result for result in done(many(), tree, tmp_path / "out", kind="jpg")[1]}
    assert [name for name, result in results.items() if result.opaque] == ["clear.png"]
    assert not any(result.problem for result in results.values())
    results = {result.source.name: result for result in done(many(), tree, tmp_path / "png", kind="png")[1]}
    assert not results["clear.png"].opaque
    with pytest.warns(I2IWarning, match=r"x\.jpg: the result lost its transparency: \.jpg files have none"):
        many().translate(tree / "clear.png", out=tmp_path / "x.jpg")
    with Image.open(tmp_path / "png/clear.png") as made, Image.open(tree / "clear.png") as given:
        assert np.array_equal(np.array(made)[..., 3], np.array(given)[..., 3])


def test_a_picture_that_does_not_fit_is_told_and_the_rest_goes_on(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture(tree / "large.png", size=(400, 300))

    def short(self: Kept, x: Tensor) -> Tensor:
        if x.shape[-1] == 400:
            raise RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory")
        return x

    monkeypatch.setattr(Kept, "forward", short)
    problems = [result.problem for result in done(many(), tree, tmp_path / "out")[1] if result.problem]
    assert problems == [
        "large.png: there is not enough memory for a picture of 400×300 pixels; use --tile auto (in Python: "
        'tile="auto")'
    ]


def test_videos_are_part_of_a_job(tmp_path: Path) -> None:
    pytest.importorskip("av", reason="PyAV is not installed: pip install 'i2i-toolkit[video]'")
    for name in ("a.png", "z.png"):
        picture(tmp_path / "in" / name)
    draw_video(tmp_path / "in/clip.mp4", flat(99, 3))
    (tmp_path / "in/no.mp4").write_bytes(b"nothing")
    results = done(many(), tmp_path / "in", tmp_path / "out", kind="bmp")[1]
    assert [result.source.name for result in results if result.problem] == ["no.mp4"]
    assert written(tmp_path / "out")[1:] == ["a.bmp", "clip.mp4", "z.bmp"]
    assert done(many(), tmp_path / "in", tmp_path / "out", kind="bmp")[0] == 3


def test_results_are_those_of_single_pictures(tree: Path, tmp_path: Path, unpaired_run: Path) -> None:
    model = load(unpaired_run, registry=registry(), device="cpu")
    done(model, tree, tmp_path / "out")
    with Image.open(tmp_path / "out/b.png") as made:
        single = np.array(model.translate(tree / "b.png")).astype(int)
        assert np.abs(np.array(made) - single).max() <= 1  # kernels of other batches round otherwise
