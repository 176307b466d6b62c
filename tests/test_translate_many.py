"""Many pictures in one call, and one model in many threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers import registry
from many import many
from PIL import Image

from i2i.core.errors import I2IError
from i2i.translate.journal import FILE
from i2i.translate.loading import load
from i2i.translate.model import Model


@pytest.fixture(scope="module")
def pix(paired_run: Path) -> Model:
    return load(paired_run, registry=registry(), device="cpu")


def pixels(seed: int, height: int = 8, width: int = 12) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.png", "deep/b.png"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels(len(name))).save(tmp_path / "in" / name)
    return tmp_path / "in"


def test_a_list_gives_a_list_of_the_same_kinds(folder: Path) -> None:
    model = many()
    given = [folder / "a.png", pixels(1), Image.fromarray(pixels(2, 5, 5)), torch.rand(2, 3, 8, 8), pixels(3)]
    made = model.translate(given, seed=4)
    assert [type(one) for one in made] == [Image.Image, np.ndarray, Image.Image, torch.Tensor, np.ndarray]
    for one, picture in zip(made, given, strict=True):
        assert np.array_equal(np.asarray(one), np.asarray(model.translate(picture, seed=4)))
    assert model.translate([]) == []
    assert [len(each) for each in model.translate((pixels(1), pixels(2)), samples=3)] == [3, 3]


def test_a_picture_of_a_list_that_fails_is_named() -> None:
    with pytest.raises(I2IError, match="picture 1 of the list: the picture has 2 channels"):
        many().translate([pixels(0), pixels(1)[..., :2]])


def test_a_folder_becomes_a_folder(folder: Path, tmp_path: Path) -> None:
    model, out = many(), tmp_path / "out"
    assert model.translate(folder, out=out) == [out / "a.png", out / "deep/b.png"]
    both = model.translate([folder / "a.png", folder / "deep/b.png"], out=tmp_path / "flat", samples=2)
    assert [[path.name for path in each] for each in both] == [["a-1.png", "a-2.png"], ["b-1.png", "b-2.png"]]
    (folder / "c.png").write_bytes(b"nothing")
    with pytest.raises(I2IError, match=r"1 picture could not be translated; the others are in .*\n.*c\.png"):
        model.translate(folder, out=out)
    assert (out / FILE).exists()


def test_what_cannot_go_together_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(I2IError, match="is a folder; name a picture, or the folder that its results go to"):
        many().translate(folder)
    with pytest.raises(I2IError, match="pictures in memory have no names for files"):
        many().translate([pixels(0)], out=tmp_path / "out")


def test_threads_with_their_own_controls_get_what_they_would_alone(pix: Model) -> None:
    picture = torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(0))  # its dropout draws numbers

    def translated(seed: int) -> torch.Tensor:
        made: torch.Tensor = pix.translate(picture, seed=seed, samples=1 + seed % 2)[-1]
        return made

    alone = [translated(seed) for seed in range(4)]
    assert not torch.equal(alone[0], alone[2])
    with ThreadPoolExecutor(4) as pool:
        for _ in range(3):
            assert all(map(torch.equal, pool.map(translated, range(4)), alone))
