"""Loading a trained model: from any checkpoint, with the right weights, or with a sentence that says why not."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from helpers import registry
from safetensors.torch import load_file, save_file
from torch import Tensor

import i2i
from i2i.core.errors import I2IError
from i2i.translate.loading import load
from i2i.translate.model import Model


@pytest.fixture(scope="module")
def cycle(unpaired_run: Path) -> Model:
    return loaded(unpaired_run)


@pytest.fixture(scope="module")
def pix(paired_run: Path) -> Model:
    return loaded(paired_run)


def floats(height: int, width: int) -> Tensor:
    return torch.rand(3, height, width, generator=torch.Generator().manual_seed(0))


def weights(folder: Path, name: str) -> dict[str, Tensor]:
    return load_file(folder / f"{name}.safetensors")


def same(model: Model, stored: dict[str, Tensor]) -> bool:
    state = model.net.G.state_dict()
    return state.keys() == stored.keys() and all(torch.equal(state[name], stored[name]) for name in state)


def loaded(path: object) -> Model:
    return load(str(path), registry=registry(), device="cpu")


def test_averaged_weights_are_used_where_they_exist(paired_run: Path, pix: Model) -> None:
    folder = paired_run / "checkpoints/step-000004"
    assert same(pix, weights(folder, "G.ema"))
    assert not same(pix, weights(folder, "G"))


def test_a_step_and_best_can_be_named(paired_run: Path) -> None:
    checkpoints = paired_run / "checkpoints"
    best = (checkpoints / "best").read_text(encoding="utf-8").strip()
    assert same(loaded(f"{paired_run}@4"), weights(checkpoints / "step-000004", "G.ema"))
    assert same(loaded(f"{paired_run}@2"), weights(checkpoints / "step-000002", "G.ema"))
    assert same(loaded(f"{paired_run}@000002"), weights(checkpoints / "step-000002", "G.ema"))
    assert same(loaded(f"{paired_run}@best"), weights(checkpoints / best, "G.ema"))
    assert same(loaded(f"{paired_run}@latest"), weights(checkpoints / "step-000004", "G.ema"))


def test_a_checkpoint_folder_stands_alone(paired_run: Path, tmp_path: Path, pix: Model) -> None:
    alone = shutil.copytree(paired_run / "checkpoints/step-000004", tmp_path / "alone")
    assert torch.equal(loaded(alone).translate(floats(64, 64)), pix.translate(floats(64, 64)))


def test_a_run_may_have_been_moved(unpaired_run: Path, tmp_path: Path, cycle: Model) -> None:
    moved = shutil.copytree(unpaired_run, tmp_path / "a@b run")
    for path in (moved, f"{moved}@latest"):
        assert torch.equal(loaded(path).translate(floats(16, 16)), cycle.translate(floats(16, 16)))


def test_a_missing_checkpoint_lists_what_there_is(paired_run: Path) -> None:
    with pytest.raises(I2IError) as error:
        loaded(f"{paired_run}@3")
    assert str(error.value) == f"{paired_run} has no checkpoint '3'; it has latest, best, 2, 4"
    with pytest.raises(I2IError, match="has no checkpoint 'bets'; it has latest, best, 2, 4"):
        loaded(f"{paired_run}@bets")


def test_a_missing_run_names_the_nearest(paired_run: Path) -> None:
    with pytest.raises(I2IError) as error:
        loaded(paired_run.with_name("rum"))
    assert str(error.value) == (
        f"{paired_run.with_name('rum')}: this is neither a run folder nor a checkpoint\n"
        "    did you mean 'run'? known: run"
    )


def test_a_folder_of_runs_names_those_inside(tmp_path: Path) -> None:
    (tmp_path / "runs/mine").mkdir(parents=True)
    with pytest.raises(I2IError) as error:
        loaded(tmp_path / "runs")
    assert str(error.value).endswith("neither a run folder nor a checkpoint\n    known: mine")


def test_a_damaged_checkpoint_is_refused(paired_run: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(paired_run / "checkpoints/step-000004", tmp_path / "damaged")
    (folder / "G.safetensors").write_bytes(b"nonsense")
    with pytest.raises(I2IError, match=r"damaged cannot be read \(.*\); use another checkpoint"):
        loaded(folder)


def test_weights_that_do_not_fit_are_refused(paired_run: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(paired_run / "checkpoints/step-000004", tmp_path / "other")
    text = (folder / "spec.toml").read_text(encoding="utf-8")
    (folder / "spec.toml").write_text(text.replace("width = 4", "width = 8", 1), encoding="utf-8")
    with pytest.raises(
        I2IError, match=r"other: the weights of G do not fit its spec\.toml: size .* \(and \d+ more\)$"
    ):
        loaded(folder)


def test_missing_weights_are_refused(paired_run: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(paired_run / "checkpoints/step-000004", tmp_path / "other")
    entries = weights(folder, "G.ema")
    entries.pop("down.0.conv.weight")
    save_file(entries, folder / "G.ema.safetensors")
    with pytest.raises(I2IError, match=r"of G do not fit its spec\.toml: Missing key\(s\) in state_dict"):
        loaded(folder)


def test_a_run_without_a_checkpoint_says_so(paired_run: Path, tmp_path: Path) -> None:
    shutil.copytree(paired_run, tmp_path / "run", ignore=shutil.ignore_patterns("step-*", "latest", "best"))
    with pytest.raises(I2IError, match="has no checkpoint 'latest'; it has none yet"):
        loaded(tmp_path / "run")


def test_a_device_that_is_not_here_is_refused(paired_run: Path) -> None:
    with pytest.raises(I2IError, match="there is no device 'gpu'"):
        load(paired_run, registry=registry(), device="gpu")


def test_the_facts_of_the_data_are_those_of_the_training(paired_run: Path, pix: Model) -> None:
    stored = json.loads((paired_run / "checkpoints/step-000004/state.json").read_text(encoding="utf-8"))[
        "data"
    ]
    assert pix.facts.channels == stored["channels"]
    assert pix.facts.value_range["a"] == (0.0, 255.0)
    assert i2i.load is load
