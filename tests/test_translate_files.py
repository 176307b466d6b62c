"""Files and folders: names and trees are kept, clashes are refused before anything is written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers import registry
from many import many
from PIL import Image

from i2i.core.errors import I2IError
from i2i.translate.files import found, plan
from i2i.translate.jobs import translate_files, translate_rows
from i2i.translate.loading import load
from i2i.translate.request import NothingDrawnError


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


def test_another_input_is_not_replaced(tree: Path) -> None:
    other = picture(tree / "deep/a.png")
    with pytest.raises(I2IError) as error:
        plan([tree], tree / "deep")
    assert str(error.value) == (
        f"{other} would be replaced by a result of {tree / 'a.png'}; choose another output folder"
    )


def test_several_results_have_names_that_clash_with_nothing(tree: Path, tmp_path: Path) -> None:
    assert plan([tree], tmp_path / "out", ["-1", "-2"]) == plan([tree], tmp_path / "out")
    assert plan([tree], tree, ["-1", "-2"])  # beside the inputs
    picture(tree / "a-2.png")
    with pytest.raises(I2IError, match=r"a-2\.png would be replaced by a result of .*a\.png; choose another"):
        plan([tree], tree, ["-1", "-2"])
    picture(tree / "a-red.png")
    with pytest.raises(
        I2IError, match=r"a-red\.png and .*a\.png would both be written to .*a-red-red\.png; translate"
    ):
        plan([tree], tmp_path / "out", ["-red-red", "-red"])


def test_pictures_are_found_with_their_place_in_a_folder(tree: Path) -> None:
    assert [place.as_posix() for _, place in found([tree / "deep", tree / "deep/b.jpg"])] == [
        "b.jpg",
        "er/c.png",
        "b.jpg",
    ]


def test_several_results_need_a_folder(tree: Path, tmp_path: Path) -> None:
    for inputs in ([tree], [tree / "a.png", tree / "deep/b.jpg"]):
        with pytest.raises(I2IError, match=r"x\.png: this names a picture, and the results of a folder"):
            plan(inputs, tmp_path / "x.png")
    (tmp_path / "x.png").mkdir()
    assert plan([tree], tmp_path / "x.png")


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
    results = list(translate_files(model, plan([tree], tmp_path / "out"), model.request({})))
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
    first, second = translate_files(model, pairs, model.request({}))
    assert "the result could not be written (" in first.problem
    assert "a.xyz: '.xyz' is no picture's ending; end it in .png, .jpg" in second.problem


def test_several_results_stand_beside_each_other(tree: Path, tmp_path: Path) -> None:
    model = many()
    request = model.request({"colour": "all"})
    pairs = plan([tree], tmp_path / "out", request.endings())
    results = list(translate_files(model, pairs, request))
    assert [(result.target, result.problem) for result in results] == [(target, "") for _, target in pairs]
    written = sorted(path.name for path in (tmp_path / "out").rglob("*.*"))
    assert written == sorted(
        f"{stem}-{colour}.{suffix}"
        for stem, suffix in (("a", "png"), ("b", "jpg"), ("c", "png"))
        for colour in ("red", "green", "blue")
    )


def test_rows_of_a_grid_hold_the_input_and_every_result(tree: Path) -> None:
    (tree / "deep/broken.png").write_bytes(b"nothing")
    model = many()
    rows = list(translate_rows(model, found([tree]), model.request({"samples": 2})))
    assert [row.name for row in rows] == ["a.png", "deep/b.jpg", "deep/broken.png", "deep/er/c.png"]
    assert [len(row.pictures) for row in rows] == [3, 3, 0, 3]
    assert [bool(row.problem) for row in rows] == [False, False, True, False]


def test_samples_that_are_all_the_same_stop_everything(tree: Path, tmp_path: Path) -> None:
    model = many()
    request = model.request({"samples": 2, "noise": 0.0})
    for results in (
        translate_files(model, plan([tree], tmp_path / "out"), request),
        translate_rows(model, found([tree]), request),
    ):
        with pytest.raises(NothingDrawnError):
            next(iter(results))
    assert not (tmp_path / "out").exists()
