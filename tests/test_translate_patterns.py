"""Patterns and lists of files: what a shell does not expand."""

from __future__ import annotations

from pathlib import Path

import pytest

from i2i.core.errors import I2IError
from i2i.translate.patterns import is_pattern, listed_paths, matching


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in (
        "a2.png",
        "a10.png",
        "sub/b.JPG",
        "sub/er/c.tif",
        "sub/notes.txt",
        ".hidden/d.png",
        "clip.mp4",
    ):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return tmp_path / "in"


def places(pattern: Path) -> list[str]:
    found = matching(pattern)
    assert all(file.is_file() for file, _ in found)
    return [place.as_posix() for _, place in found]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("*.png", ["a2.png", "a10.png"]),
        ("a?.png", ["a2.png"]),
        ("*", ["a2.png", "a10.png", "clip.mp4"]),
        ("**/*.[jJ]*", ["sub/b.JPG"]),
        ("**/*", ["a2.png", "a10.png", "clip.mp4", "sub/b.JPG", "sub/er/c.tif"]),
        ("s*/**", ["sub/b.JPG", "sub/er/c.tif"]),
    ],
)
def test_a_pattern_stands_for_pictures_and_videos(tree: Path, pattern: str, found: list[str]) -> None:
    assert is_pattern(tree / pattern)
    assert places(tree / pattern) == found


def test_the_tree_is_kept_below_the_part_without_wildcards(tree: Path) -> None:
    assert places(tree / "sub/**/*.tif") == ["er/c.tif"]


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        (
            "a*.jpg",
            "nothing matches this pattern\n    did you mean 'a2.png'? known: a10.png, a2.png, clip.mp4, sub",
        ),
        ("sub/*.txt", "this matches 1 file ('notes.txt'), and none is a picture or a video by its ending"),
        ("none/*.png", "there is no folder '{tree}/none'"),
    ],
)
def test_a_pattern_that_stands_for_nothing_is_refused(tree: Path, pattern: str, said: str) -> None:
    with pytest.raises(I2IError) as error:
        matching(tree / pattern)
    assert str(error.value).replace("\\", "/").endswith(said.format(tree=tree.as_posix()).replace("\\", "/"))


def test_links_that_lead_out_are_refused_and_circles_are_walked_once(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(b"")
    try:
        (tree / "sub/round").symlink_to(tree, target_is_directory=True)
    except OSError:
        pytest.skip("this system makes no links")
    assert len(places(tree / "**/*.png")) == 2
    (tree / "sub/link.png").symlink_to(tmp_path / "secret.png")
    with pytest.raises(I2IError, match=r"link\.png' is a link to a place outside"):
        matching(tree / "**/*.png")


def test_a_list_has_a_path_on_each_line() -> None:
    data = "\ufeff# of today\r\na b.png\r\n\n  \nsub/ü.png\n".encode()
    assert listed_paths(data) == [Path("a b.png"), Path("sub/ü.png")]
    assert listed_paths(b"one\ntwo.png\0# three.png\0") == [Path("one\ntwo.png"), Path("# three.png")]
    with pytest.raises(I2IError, match="the list on the standard input names no file"):
        listed_paths(b"# nothing\n\n")
