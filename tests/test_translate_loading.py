"""Loading a trained model: from any checkpoint, with the right weights, or with a sentence that says why not."""

from __future__ import annotations

import dataclasses
import json
import shutil
import warnings
from pathlib import Path

import pytest
import torch
from helpers import registry
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor
from trained import command

import i2i
from i2i.core.data import DataFacts
from i2i.core.errors import I2IError, I2IWarning
from i2i.core.registry import Package
from i2i.engine import checksums
from i2i.translate import loading
from i2i.translate.loading import load
from i2i.translate.model import Model
from i2i.translate.sharing.packed import pack


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
    with pytest.raises(I2IError) as error:
        loaded(folder)
    assert str(error.value) == (
        f"{folder} is damaged (G.safetensors does not have the checksum it was written with)"
    )


@pytest.fixture
def torn_run(paired_run: Path, tmp_path: Path) -> Path:
    """A run whose newest checkpoint is damaged."""
    run = shutil.copytree(paired_run, tmp_path / "torn")
    (run / "checkpoints/step-000004/G.safetensors").unlink()
    (run / "checkpoints/best").write_text("step-000004", encoding="utf-8")
    return run


@pytest.mark.parametrize("which", ["", "@latest"])
def test_a_run_uses_its_newest_whole_checkpoint_and_says_so(torn_run: Path, which: str) -> None:
    with pytest.warns(I2IWarning) as told:
        model = loaded(f"{torn_run}{which}")
    assert [str(warning.message) for warning in told] == [
        "step-000004 is damaged (G.safetensors is missing); this uses step-000002"
    ]
    assert same(model, weights(torn_run / "checkpoints/step-000002", "G.ema"))


def test_the_command_line_says_it_on_one_line(torn_run: Path, tmp_path: Path) -> None:
    Image.new("RGB", (64, 64)).save(tmp_path / "a.png")
    with warnings.catch_warnings():
        warnings.simplefilter("default")  # in tests warnings are errors
        done = command("translate", torn_run, tmp_path / "a.png", "-o", tmp_path / "b.png", "--device", "cpu")
    assert done.code == 0
    assert done.err == "step-000004 is damaged (G.safetensors is missing); this uses step-000002\n"


@pytest.mark.parametrize("which", ["4", "best"])
def test_a_damaged_checkpoint_that_was_asked_for_names_the_whole_ones(torn_run: Path, which: str) -> None:
    with pytest.raises(I2IError) as error:
        loaded(f"{torn_run}@{which}")
    assert str(error.value) == (
        f"{torn_run / 'checkpoints/step-000004'} is damaged (G.safetensors is missing); "
        f"whole checkpoints of {torn_run}: 2"
    )


@pytest.mark.parametrize("pointer", ["../../outside", "", "step-000002/../../x"])
def test_a_pointer_leads_nowhere_else(torn_run: Path, pointer: str) -> None:
    (torn_run / "checkpoints/best").write_text(pointer, encoding="utf-8")
    with pytest.raises(I2IError, match="has no checkpoint 'best'"):
        loaded(f"{torn_run}@best")


@pytest.mark.parametrize("which", ["../step-000002", "²", "-1", "step-000002", "latest/../best"])
def test_only_steps_latest_and_best_can_be_named(torn_run: Path, which: str) -> None:
    with pytest.raises(I2IError, match=r"has no checkpoint|neither a run folder"):
        loaded(f"{torn_run}@{which}")


@pytest.mark.parametrize("data", [None, {}, [], {"channels": 3}])
def test_facts_that_are_none_are_refused(paired_run: Path, tmp_path: Path, data: object) -> None:
    folder = shutil.copytree(paired_run / "checkpoints/step-000004", tmp_path / "other")
    state = json.loads((folder / "state.json").read_text(encoding="utf-8"))
    (folder / "state.json").write_text(json.dumps({**state, "data": data}), encoding="utf-8")
    with pytest.raises(I2IError, match=r"its state\.json does not hold the facts of the data"):
        loaded(sealed(folder))


def sealed(folder: Path) -> Path:
    """The folder with the checksums of its files as they are."""
    (folder / checksums.FILE).write_text(checksums.text_of(folder), encoding="utf-8")
    return folder


def test_weights_that_do_not_fit_are_refused(paired_run: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(paired_run / "checkpoints/step-000004", tmp_path / "other")
    text = (folder / "spec.toml").read_text(encoding="utf-8")
    (folder / "spec.toml").write_text(text.replace("width = 4", "width = 8", 1), encoding="utf-8")
    with pytest.raises(
        I2IError, match=r"other: the weights of G do not fit its spec\.toml: size .* \(and \d+ more\)$"
    ):
        loaded(sealed(folder))


def test_missing_weights_are_refused(paired_run: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(paired_run / "checkpoints/step-000004", tmp_path / "other")
    entries = weights(folder, "G.ema")
    entries.pop("down.0.conv.weight")
    save_file(entries, folder / "G.ema.safetensors")
    with pytest.raises(I2IError, match=r"of G do not fit its spec\.toml: Missing key\(s\) in state_dict"):
        loaded(sealed(folder))


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


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        (
            "a.pth",
            "this holds another project's weights; i2i import {file} -o RUN makes a run folder of them",
        ),
        (
            "a.CKPT",
            "this holds another project's weights; i2i import {file} -o RUN makes a run folder of them",
        ),
        ("a.onnx", "this was exported for other programs; i2i loads the run it was exported from, or a "),
        ("a.pt2", "this was exported for other programs; i2i loads the run it was exported from, or a "),
        (
            "a{0}.png",
            "this is no model; name a run folder, a checkpoint, a .safetensors that i2i packed, or hf://",
        ),
    ],
)
def test_a_file_that_is_no_model_says_what_to_do(tmp_path: Path, name: str, sentence: str) -> None:
    file = tmp_path / name
    file.write_bytes(b"?")
    with pytest.raises(I2IError) as error:
        loaded(file)
    assert str(error.value).startswith(f"{file}: {sentence.format(file=file)}")


def test_a_file_of_a_run_names_the_run(paired_run: Path) -> None:
    with pytest.raises(I2IError, match=r"spec\.toml is one file of a run; name its folder, .*run$"):
        loaded(paired_run / "spec.toml")


def test_a_packed_model_that_is_not_there_names_the_nearest(pix: Model, tmp_path: Path) -> None:
    pack(pix, tmp_path / "model.safetensors")
    with pytest.raises(I2IError, match=r"did you mean 'model\.safetensors'\? known: model\.safetensors$"):
        loaded(tmp_path / "modl.safetensors")
    with pytest.raises(I2IError, match=r"model\.safetensors holds one checkpoint; leave @best out$"):
        loaded(f"{tmp_path / 'model.safetensors'}@best")


def test_it_is_known_where_a_model_is_from(paired_run: Path, pix: Model, tmp_path: Path) -> None:
    assert (pix.origin.run, pix.origin.step, pix.origin.judges) == (paired_run.resolve(), 4, {"D"})
    assert loaded(f"{paired_run}@2").origin.step == 2
    alone = shutil.copytree(paired_run / "checkpoints/step-000004", tmp_path / "alone")
    assert loaded(alone).origin.run is None


def test_facts_are_the_same_after_they_were_json() -> None:
    facts = DataFacts(
        fields=("label_map", "image"),
        image_size=8,
        channels={"image": 3},
        value_range={"image": (0.0, 255.0)},
        maps={"label_map": 2},
        domains=("red", "blue"),
        exclusive=(("red", "blue"),),
        classes=("sea", "land"),
        palette=((0, 0, 200), (0, 100, 0)),
    )
    stored = json.loads(json.dumps(dataclasses.asdict(facts)))
    assert DataFacts(**loading._facts(stored)) == facts


def test_another_version_of_a_package_is_told_and_the_model_is_loaded(
    paired_run: Path, tmp_path: Path
) -> None:
    alone = shutil.copytree(paired_run / "checkpoints/step-000004", tmp_path / "alone")
    state = json.loads((alone / "state.json").read_text(encoding="utf-8"))
    state["packages"]["i2i-toolkit"]["version"] = "0.0.9"  # a model outlives versions of i2i
    state["packages"]["i2i-woven"] = {"version": "1.2", "components": []}
    (alone / "state.json").write_text(json.dumps(state), encoding="utf-8")
    (alone / checksums.FILE).write_text(checksums.text_of(alone), encoding="utf-8")
    here = i2i.discover()
    here.packages["i2i-woven"] = Package("2.0")
    with pytest.warns(I2IWarning) as said:
        load(alone, registry=here, device="cpu")
    (sentence,) = [str(warning.message) for warning in said]
    assert "was made with i2i-woven 1.2, and 2.0 is installed" in sentence
