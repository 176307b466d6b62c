"""The card of a model: true, whole, and with nothing in it that is nobody's business."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import pytest
import yaml
from helpers import registry
from test_translate_packed import untrained

from i2i.translate.loading import load
from i2i.translate.model import Model
from i2i.translate.sharing.card import card, last_numbers, newest_sample, paper
from i2i.translate.sharing.packed import pack


@pytest.fixture(scope="module")
def model(paired_run: Path) -> Model:
    return load(paired_run, registry=registry(), device="cpu")


def header(text: str) -> dict[str, object]:
    found: dict[str, object] = yaml.safe_load(text.split("---\n")[1])
    return found


def test_the_header_is_what_the_hub_sorts_by(model: Model) -> None:
    assert header(card(model, "me/maps")) == {
        "library_name": "i2i",
        "pipeline_tag": "image-to-image",
        "tags": ["i2i", "pix2pix"],
    }
    assert header(card(untrained("gan"), "me/faces"))["pipeline_tag"] == "unconditional-image-generation"


def test_it_says_what_the_model_is_and_how_to_use_it(model: Model) -> None:
    text = card(model, "me/maps", "sample.png")
    for line in (
        "# maps",
        "**pix2pix**: Paired translation: look real next to the input, and stay close to the target.",
        "![Samples of the training](sample.png)",
        'Isola, Zhu, Zhou and Efros, "Image-to-Image Translation with Conditional Adversarial Networks", 2017.',
        "i2i translate hf://me/maps my-pictures -o translated",
        'model = i2i.load("hf://me/maps")',
        "- `a`: RGB, values 0 to 255",
        "| steps | 4 |",
    ):
        assert f"{line}\n" in text
    assert "Controls" not in text
    assert "plug-in" not in text


def test_methods_without_input_are_sampled() -> None:
    text = card(untrained("dcgan"), "me/faces")
    assert "i2i sample hf://me/faces -o samples.png" in text
    assert 'model.sample(16, out="samples.png")' in text
    assert "my-pictures" not in text


def test_controls_and_domains_are_listed() -> None:
    text = card(untrained("stargan"), "me/shapes")
    assert "| `domain` |" in text
    assert "- domains: red, yellow, violet, large, striped" in text
    assert "| `back` | boolean | False |" in card(untrained("cyclegan"), "me/shapes")


def test_classes_of_maps_are_counted() -> None:
    text = card(untrained("spade"), "me/scenes")
    assert "- `label_map`: maps; number of classes: " in text
    assert "classs" not in text


def test_the_last_numbers_are_those_of_the_step(model: Model, paired_run: Path) -> None:
    numbers = last_numbers(model.origin)
    lines = [json.loads(line) for line in (paired_run / "metrics.jsonl").read_text("utf-8").splitlines()]
    wanted = [line["validate/l1"] for line in lines if "validate/l1" in line]
    assert numbers["validate/l1"] == wanted[-1]
    earlier = last_numbers(dataclasses.replace(model.origin, state={"step": 2}))
    assert earlier["validate/l1"] == wanted[0] != wanted[-1]
    assert f"| l1 on held-out pictures | {wanted[-1]:.4g} |" in card(model, "me/maps")


def test_the_sample_is_the_newest_at_that_step(model: Model) -> None:
    newest, older = newest_sample(model.origin), dataclasses.replace(model.origin, state={"step": 3})
    assert newest and newest.name == "step-000004.png"
    assert (found := newest_sample(older)) and found.name == "step-000002.png"
    assert newest_sample(dataclasses.replace(model.origin, state={"step": 1})) is None


def test_a_packed_model_has_a_card_without_measurements(model: Model, tmp_path: Path) -> None:
    packed = load(pack(model, tmp_path / "model.safetensors"), registry=registry(), device="cpu")
    assert newest_sample(packed.origin) is None
    assert "## Measured" not in card(packed, "me/maps")


def test_a_torn_log_harms_no_card(model: Model, paired_run: Path, tmp_path: Path) -> None:
    run = shutil.copytree(paired_run, tmp_path / "run")
    with (run / "metrics.jsonl").open("a", encoding="utf-8") as file:
        file.write('[1]\n{"step": 4, "validate/l1": nu')
    torn = load(run, registry=registry(), device="cpu")
    assert last_numbers(torn.origin) == last_numbers(model.origin)


def test_foreign_plugins_are_named(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    state = {**model.origin.state, "plugin_files": {"/home/jane/mine.py": "0f"}}
    state["packages"] = {**state["packages"], "i2i-woven": {"version": "1.2", "components": ["loss woven"]}}
    monkeypatch.setattr(model, "origin", dataclasses.replace(model.origin, state=state))
    text = card(model, "me/maps")
    assert "It needs the plug-in i2i-woven 1.2: `pip install i2i-woven==1.2`" in text
    assert "It needs the plug-in file `mine.py`: `i2i --plugin mine.py …`." in text
    assert "jane" not in text


def test_no_place_of_this_machine_is_told(model: Model, paired_run: Path) -> None:
    assert str(paired_run.parent) not in card(model, "me/maps")
    assert str(Path.home()) not in card(model, "me/maps")


@pytest.mark.parametrize("name", ["gan", "vaegan", "spade"])
def test_every_method_has_its_paper(name: str) -> None:
    assert any("20" in text for text in paper(untrained(name).strategy))
