"""Links that leave the data folder are refused with a sentence, whatever they stand in for."""

from __future__ import annotations

import os
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from data_helpers import NAMES, fill, listed, noise, save
from PIL import Image

from i2i.core.errors import I2IError
from i2i.data import Domains, Images, Masks, Paired, Unpaired
from i2i.pictures.finding import find_images
from i2i.pictures.images import decode

IDX = struct.pack(">HBBIII", 0, 8, 3, 4, 8, 8) + bytes(256)
LABELS = struct.pack(">HBBI", 0, 8, 1, 4) + bytes(range(4))


def unpaired(root: Path) -> None:
    fill(root / "trainA", NAMES)
    fill(root / "trainB", NAMES)


def halves(root: Path) -> None:
    fill(root / "train", NAMES)


def folders(root: Path) -> None:
    fill(root / "train" / "a", NAMES)
    fill(root / "train" / "b", NAMES)


def table(root: Path) -> None:
    fill(root, NAMES)
    (root / "train.csv").write_text("a,b,image,red\n1.png,2.png,1.png,1\n", encoding="utf-8")


def pictures(root: Path) -> None:
    fill(root, NAMES[1:])
    text = "image,red\n" + "".join(f"{name},1\n" for name in NAMES[1:])
    (root / "train.csv").write_text(text, encoding="utf-8")


def idx(root: Path) -> None:
    (root / "train-images-idx3-ubyte").write_bytes(IDX)
    (root / "train-labels-idx1-ubyte").write_bytes(LABELS)


def masks(root: Path) -> None:
    for folder in ("images", "labels", "instances"):
        save(root / folder / "1.png", noise(channels=1) // 200)
    (root / "classes.txt").write_text("sky\nroad\n", encoding="utf-8")


def domains(root: Path) -> None:
    fill(root / "train" / "x", NAMES)
    fill(root / "train" / "y", NAMES)


# What makes the data, who reads it, and what is moved out and replaced by a link.
CASES: tuple[tuple[Callable[[Path], object], Callable[..., Any], str], ...] = (
    (unpaired, Unpaired, "trainA"),
    (unpaired, Unpaired, "trainA/1.png"),
    (halves, Paired, "train"),
    (halves, Paired, "train/1.png"),
    (folders, Paired, "train/a"),
    (folders, Paired, "train/b/10.png"),
    (folders, Paired, "train"),
    (table, Paired, "train.csv"),
    (table, Paired, "1.png"),
    (pictures, Domains, "train.csv"),
    (pictures, Domains, "2.png"),
    (listed, Domains, "list_attr_x.txt"),
    (listed, Domains, "images"),
    (listed, Domains, "images/1.png"),
    (domains, Domains, "train"),
    (domains, Domains, "train/x"),
    (domains, Domains, "train/x/1.png"),
    (domains, Images, "train/x"),
    (halves, Images, "train"),
    (halves, Images, "train/10.png"),
    (idx, Images, "train-images-idx3-ubyte"),
    (idx, Images, "train-labels-idx1-ubyte"),
    (masks, Masks, "images"),
    (masks, Masks, "labels"),
    (masks, Masks, "instances"),
    (masks, Masks, "images/1.png"),
    (masks, Masks, "labels/1.png"),
    (masks, Masks, "instances/1.png"),
    (masks, Masks, "classes.txt"),
)


def link(path: Path, target: Path) -> None:
    try:
        path.symlink_to(target, target_is_directory=target.is_dir())
    except OSError as error:
        pytest.skip(f"links cannot be made here: {error}")


@pytest.mark.parametrize(("make", "kind", "name"), CASES, ids=lambda x: getattr(x, "__name__", x))
def test_a_link_that_leaves_the_data_is_refused(
    make: Callable[[Path], object], kind: Callable[..., Any], name: str, tmp_path: Path
) -> None:
    root = tmp_path / "root"
    root.mkdir()
    make(root)
    assert kind(root=root, size=8)
    (root / name).rename(tmp_path / "outside")
    link(root / name, tmp_path / "outside")
    with pytest.raises(I2IError, match="outside") as caught:
        kind(root=root, size=8)
    assert str(root / name) in str(caught.value) or f"'{Path(name).name}'" in str(caught.value)


@pytest.mark.parametrize("inside", [True, False])
def test_a_link_to_a_folder_below_is_said_to_be_left(inside: bool, tmp_path: Path) -> None:
    fill(tmp_path / "root" / "x", NAMES)
    fill(tmp_path / "else", NAMES)
    link(tmp_path / "root" / "more", tmp_path / "root" / "x" if inside else tmp_path / "else")
    with pytest.raises(
        I2IError, match="more' is a link to a folder, which is not followed; move the folder here"
    ):
        find_images(tmp_path / "root")


def test_the_data_folder_itself_may_be_a_link(tmp_path: Path) -> None:
    unpaired(tmp_path / "real")
    link(tmp_path / "root", tmp_path / "real")
    assert len(Unpaired(root=tmp_path / "root", size=8)) == len(NAMES)


def test_a_link_to_itself_leads_nowhere(tmp_path: Path) -> None:
    fill(tmp_path, NAMES)
    link(tmp_path / "11.png", tmp_path / "11.png")
    with pytest.raises(I2IError, match=r"11\.png' is a link to a place outside"):
        find_images(tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such pipes")
def test_a_pipe_is_no_picture_and_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "1.png")
    with pytest.raises(I2IError, match=r"1\.png' is no file; remove it"):
        decode(tmp_path / "1.png")
    os.mkfifo(tmp_path / "other.csv")
    fill(tmp_path, ["2.png"])
    (tmp_path / "1.png").unlink()
    (tmp_path / "train.csv").write_text("image,red\n2.png,1\n", encoding="utf-8")
    assert len(Domains(root=tmp_path)) == 1


@pytest.mark.parametrize("form", ["GIF", "EPS", "ICO", "PCX", "TGA"])
def test_only_known_formats_are_opened_whatever_they_are_called(form: str, tmp_path: Path) -> None:
    """Pillow would hand an EPS file to another program."""
    path = tmp_path / "x.png"
    Image.fromarray(noise(8, 8)).convert("RGBA" if form == "ICO" else "RGB").save(path, form)
    with pytest.raises(I2IError, match=r"x\.png' cannot be read: it is not an image; replace or remove it"):
        decode(path)
