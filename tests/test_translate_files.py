"""Files and folders: names and trees are kept, clashes are refused before anything is written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers import registry
from PIL import Image

from i2i.core.errors import I2IError
from i2i.translate.files import plan, translate_files
from i2i.translate.translator import load


def picture(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(len(path.name)).integers(0, 256, (20, 30, 3)).astype(np.uint8)
    Image.fromarray(noise).save(path)
    return path


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("a.png", "deep/b.jpg", "deep/er/c.png"):
        picture(tmp_path / "in" / name)
    (tmp_path / "in/notes.txt").write_text("no picture", encoding="utf-8")
    return tmp_path / "in"


def test_a_tree_is_kept(tree: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert plan([tree], out) == [
        (tree / name, out / name) for name in ("a.png", "deep/b.jpg", "deep/er/c.png")
    ]


def test_files_go_into_the_folder(tree: Path, tmp_path: Path) -> None:
    files = [tree / "a.png", tree / "deep/b.jpg"]
    assert [target for _, target in plan(files, tmp_path / "out")] == [
        tmp_path / "out/a.png",
        tmp_path / "out/b.jpg",
    ]


def test_one_file_may_be_named(tree: Path, tmp_path: Path) -> None:
    assert plan([tree / "a.png"], tmp_path / "new.jpg") == [(tree / "a.png", tmp_path / "new.jpg")]
    assert plan([tree / "a.png"], tmp_path / "new") == [(tree / "a.png", tmp_path / "new/a.png")]
    (tmp_path / "dots.in.name").mkdir()
    assert plan([tree / "a.png"], tmp_path / "dots.in.name")[0][1] == tmp_path / "dots.in.name/a.png"


def test_two_results_of_one_name_are_refused(tree: Path, tmp_path: Path) -> None:
    other = picture(tmp_path / "other/a.png")
    with pytest.raises(I2IError) as error:
        plan([tree, other], tmp_path / "out")
    assert str(error.value) == (
        f"{tree / 'a.png'} and {other} would both be written to {tmp_path / 'out/a.png'}; translate them one by one"
    )


def test_an_input_is_not_replaced(tree: Path) -> None:
    with pytest.raises(I2IError) as error:
        plan([tree], tree)
    assert str(error.value) == (
        f"{tree / 'a.png'} would be replaced by its own result; choose another output folder"
    )
    with pytest.raises(I2IError, match="would be replaced by its own result"):
        plan([tree / "a.png"], tree / "deep/../a.png")


def test_a_missing_input_names_the_nearest(tree: Path, tmp_path: Path) -> None:
    with pytest.raises(I2IError) as error:
        plan([tree / "aa.png"], tmp_path / "out")
    assert str(error.value) == (
        f"{tree / 'aa.png'}: there is no such file or folder\n    did you mean 'a.png'? known: a.png, deep"
    )


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(I2IError, match="holds no pictures"):
        plan([tmp_path / "empty"], tmp_path / "out")


def test_one_bad_file_does_not_stop_the_rest(tree: Path, tmp_path: Path, unpaired_run: Path) -> None:
    (tree / "deep/broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnonsense")
    model = load(unpaired_run, registry=registry(), device="cpu")
    results = list(translate_files(model, plan([tree], tmp_path / "out"), 0, {}))
    assert [result.source.name for result in results if result.problem] == ["broken.png"]
    assert "broken.png" in next(result.problem for result in results if result.problem)
    written = sorted(
        path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.*")
    )
    assert written == ["a.png", "deep/b.jpg", "deep/er/c.png"]
    with Image.open(tmp_path / "out/a.png") as made:
        assert np.array_equal(np.array(made), np.array(model.translate(tree / "a.png")))


def test_a_place_that_cannot_be_written_to_is_a_result_too(
    tree: Path, tmp_path: Path, unpaired_run: Path
) -> None:
    (tmp_path / "out").write_text("a file, not a folder", encoding="utf-8")
    model = load(unpaired_run, registry=registry(), device="cpu")
    pairs = [(tree / "a.png", tmp_path / "out/a.png"), (tree / "a.png", tmp_path / "new/a.xyz")]
    first, second = translate_files(model, pairs, 0, {})
    assert "the result could not be written (" in first.problem
    assert "the result could not be written (unknown file extension: .xyz)" in second.problem
