"""`i2i import`: what it prints, what it leaves, and how it refuses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sources import resnet, saved, unet
from trained import command


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    return saved(tmp_path / "latest_net_G_A.pth", resnet())


def test_weights_become_a_run_that_translates(weights: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    done = command("import", weights, "-o", run)
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[1].split()[:3] == ["latest_net_G_A.pth", "G_ab", "resnet"]
    assert lines[-2] == f"    i2i translate {run} my-pictures -o translated"
    Image.fromarray(np.zeros((20, 30, 3), np.uint8)).save(tmp_path / "a.png")
    done = command("translate", run, tmp_path / "a.png", "-o", tmp_path / "b.png", "--device", "cpu")
    assert done.code == 0, done.err
    with Image.open(tmp_path / "b.png") as image:
        assert image.size == (30, 20)
    done = command("translate", run, tmp_path / "a.png", "-o", tmp_path / "c.png", "-c", "back=true")
    assert "this run has no G_ba: it was imported without it" in done.out + done.err
    assert "Traceback" not in done.err


def test_it_takes_what_the_user_says(tmp_path: Path) -> None:
    path = saved(tmp_path / "edges2shoes.pth", unet("batch", 7))
    words = ["import", path, "--out", tmp_path / "run", "--as", "pix2pix", "--set", "data.size=256"]
    assert command(*words).code == 0
    assert "size = 256" in (tmp_path / "run/spec.toml").read_text(encoding="utf-8")


def test_an_existing_run_is_left_alone_and_the_new_place_is_told(weights: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    done = command("import", weights, "-o", run)
    assert done.code == 0
    assert done.out.splitlines()[0] == f"{run} exists; this run goes to {run}-2"
    assert f"    i2i translate {run}-2 my-pictures" in done.out
    assert not list(run.iterdir())


def test_what_cannot_be_told_is_asked(tmp_path: Path) -> None:
    path = saved(tmp_path / "horse2zebra.pth", resnet())
    done = command("import", path, "-o", tmp_path / "run")
    assert (done.code, done.out) == (1, "")
    assert "say which:\n    --as cyclegan.G_ab\n    --as cyclegan.G_ba\n" in done.err
    assert not (tmp_path / "run").exists()


def test_resume_says_how_to_go_on(weights: Path, tmp_path: Path) -> None:
    command("import", weights, "-o", tmp_path / "run")
    done = command("resume", tmp_path / "run")
    assert (done.code, done.out) == (1, "")
    assert "nothing to resume; start a new run from them: i2i run" in done.err


@pytest.mark.parametrize("words", [["import", "-o", "run"], ["import", "a.pth"]], ids=" ".join)
def test_a_wrong_command_line_ends_with_two(words: list[str]) -> None:
    assert command(*words).code == 2
