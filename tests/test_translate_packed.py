"""A packed model: one file that translates as its run does, holds nothing private, and is refused if spoilt."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers import CONTROLS, registry, strategies, tiny_spec
from safetensors import safe_open
from safetensors.torch import load, load_file, save, save_file
from torch import Tensor
from trained import run_tables

import i2i
from i2i.core.errors import I2IError, I2IWarning
from i2i.core.registry import Registry
from i2i.spec.assemble import build_parts, build_source, build_strategy
from i2i.translate.loading import load as load_model
from i2i.translate.model import Model
from i2i.translate.origin import Opened, origin_of
from i2i.translate.sharing import packed
from i2i.translate.sharing.packed import pack


@pytest.fixture(scope="module")
def model(paired_run: Path) -> Model:
    return loaded(paired_run)


@pytest.fixture
def file(model: Model, tmp_path: Path) -> Path:
    return pack(model, tmp_path / "model.safetensors")


def loaded(path: Path, known: Registry | None = None) -> Model:
    return load_model(path, registry=known or registry(), device="cpu")


def picture(size: int = 64) -> Tensor:
    return torch.rand(3, size, size, generator=torch.Generator().manual_seed(0))


def about(file: Path) -> dict[str, Any]:
    with safe_open(file, "pt") as opened:
        found: dict[str, Any] = json.loads(opened.metadata()["i2i"])
    return found


def rewritten(file: Path, **changes: Any) -> Path:
    """The same file with other metadata."""
    save_file(load_file(file), file, {"i2i": json.dumps({**about(file), **changes})})
    return file


def untrained(name: str) -> Model:
    """A model with the weights that its networks drew."""
    spec = tiny_spec(name)
    facts = build_source(spec, registry()).facts
    net, _ = build_parts(spec, registry(), facts, losses_too=False)
    origin = origin_of(Opened(Path(), {}, {"step": 7}), net, registry())
    return Model(spec, build_strategy(spec, registry()), net, facts, torch.device("cpu"), origin)


def results(model: Model, **controls: Any) -> Any:
    if model.strategy.takes({})[0] == "seed":
        drawn = model.sample(2, **controls)
        rows = drawn.values() if isinstance(drawn, dict) else [drawn]
        return [torch.from_numpy(np.array(sample)) for row in rows for sample in row]
    field = model.strategy.takes(controls)[0]
    if field in model.facts.maps:
        return model.translate(torch.arange(64 * 64).reshape(1, 64, 64) % model.facts.maps[field], **controls)
    return model.translate(picture(model.facts.image_size), **controls)


def flat(found: Any) -> list[Tensor]:
    values = found.values() if isinstance(found, dict) else found if isinstance(found, list) else [found]
    return [tensor for value in values for tensor in ([value] if isinstance(value, Tensor) else flat(value))]


# A critic that says what a picture shows before it is changed.
ASKED = {"stargan": {"D"}}


@pytest.mark.parametrize("name", strategies())
def test_a_packed_model_of_any_method_gives_the_same_bits(name: str, tmp_path: Path) -> None:
    model = untrained(name)
    file = pack(model, tmp_path / "model.safetensors")
    names = {tensor.partition(".")[0] for tensor in load_file(file)}
    assert "G" in names or "G_ab" in names
    assert names - {"G", "E", "G_ab", "G_ba"} == ASKED.get(name, set())
    again = loaded(file)
    for controls in ({}, *changed(model)):
        one, other = flat(results(model, **controls)), flat(results(again, **controls))
        assert one and all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def changed(model: Model) -> Iterator[dict[str, Any]]:
    """Every control alone, with another value than its default."""
    for control, field in model.controls.options.model_fields.items():
        values = (True,) if field.annotation is bool else CONTROLS.get(control, ())[1:]
        if values:
            yield {control: values[0]}


def test_a_style_picture_is_read_by_the_packed_encoder(tmp_path: Path) -> None:
    model = untrained("bicyclegan")
    again = loaded(pack(model, tmp_path / "model.safetensors"))
    assert torch.equal(
        again.translate(picture(), style=picture()), model.translate(picture(), style=picture())
    )


def test_a_packed_run_translates_with_its_averaged_weights(model: Model, file: Path) -> None:
    again = loaded(file)
    assert torch.equal(again.translate(picture()), model.translate(picture()))
    assert (again.origin.step, again.facts) == (4, model.facts)
    with pytest.raises(I2IError, match="this run has no D: it was packed without it"):
        again.net.D  # noqa: B018


def test_equal_models_give_equal_files(model: Model, file: Path) -> None:
    assert packed.packed(model) == packed.packed(model) == packed.packed(loaded(file)) == file.read_bytes()


def test_image_pools_stay_at_home(unpaired_run: Path) -> None:
    model = loaded(unpaired_run)
    assert len(model.net.pool_a.images)
    assert not [name for name in load(packed.packed(model)) if "pool" in name]


def test_a_run_starts_from_a_packed_model(file: Path, tmp_path: Path) -> None:
    tables = run_tables("pix2pix", init_from=str(file), steps=1)
    tables["strategy"]["generator"] = {**tables["strategy"]["generator"], "norm": "batch"}
    run = i2i.build(tables, registry=registry(), out=tmp_path / "run")
    assert "G" in run.start
    key = "down.0.conv.weight"
    assert torch.equal(run.engine.net.G.state_dict()[key], load_file(file)[f"G.{key}"])


def test_no_place_of_this_machine_is_packed(model: Model, tmp_path: Path) -> None:
    home = tmp_path / "home" / "jane.doe"
    data = i2i.Ref.of("data", "paired", {"root": home / "patients", "a": "trainA", "table": f"{home}/t.csv"})
    train = model.spec.train.model_copy(update={"init_from": home / "other"})
    loggers = (i2i.Ref("tensorboard"),)
    spec = model.spec.model_copy(update={"data": data, "train": train, "loggers": loggers})
    private = Model(spec, model.strategy, model.net, model.facts, model.device)
    state = {**model.origin.state, "plugin_files": {f"{home}/mine.py": "0f"}, "watch": {"dir": str(home)}}
    private.origin = dataclasses.replace(model.origin, folder=home / "run", state=state)
    content = packed.packed(private)
    assert not [word for word in (b"jane", b"patients", str(tmp_path).encode()) if word in content]
    kept = about(pack(private, tmp_path / "model.safetensors"))
    assert 'root = "left-out"' in kept["spec"]
    assert 'a = "trainA"' in kept["spec"]
    assert "tensorboard" not in kept["spec"]
    assert kept["state"]["plugin_files"] == {"mine.py": "0f"}


def test_it_says_what_it_was_made_with(file: Path) -> None:
    state = about(file)["state"]
    assert sorted(state) == ["data", "packages", "plugin_files", "step", "versions"]
    assert state["versions"]["i2i"] == i2i.__version__
    assert state["versions"]["i2i_pix2pix"]


def test_a_name_that_is_none_is_refused(model: Model, tmp_path: Path) -> None:
    with pytest.raises(I2IError, match=r"model\.bin: a packed model ends in \.safetensors$"):
        pack(model, tmp_path / "model.bin")
    (tmp_path / "folder.safetensors").mkdir()
    with pytest.raises(I2IError, match=r"folder\.safetensors: this could not be written"):
        pack(model, tmp_path / "folder.safetensors")


def test_the_files_of_a_checkpoint_are_not_replaced(model: Model, paired_run: Path) -> None:
    weights = paired_run / "checkpoints/step-000004/G.safetensors"
    before = weights.read_bytes()
    with pytest.raises(I2IError, match="this folder is a checkpoint, whose files are sealed"):
        pack(model, weights)
    assert weights.read_bytes() == before


def test_one_file_of_a_checkpoint_names_its_folder(paired_run: Path) -> None:
    folder = paired_run / "checkpoints/step-000004"
    with pytest.raises(I2IError) as error:
        loaded(folder / "G.safetensors")
    assert str(error.value).endswith(f"is one file of a checkpoint; name the folder, {folder}")


def test_a_file_of_a_checkpoint_in_the_hands_of_others(paired_run: Path, tmp_path: Path) -> None:
    (tmp_path / "G.safetensors").write_bytes(
        (paired_run / "checkpoints/step-000004/G.safetensors").read_bytes()
    )
    with pytest.raises(I2IError, match="holds weights, but no word of i2i about the method they belong to"):
        loaded(tmp_path / "G.safetensors")


@pytest.mark.parametrize("length", [0, 5, 300, -1])
def test_a_truncated_file_is_refused(file: Path, length: int) -> None:
    file.write_bytes(file.read_bytes()[:length])
    with pytest.raises(I2IError, match=r"model\.safetensors is damaged, or no \.safetensors file: "):
        loaded(file)


def test_a_flipped_bit_is_seen(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[-7] ^= 1
    file.write_bytes(content)
    with pytest.raises(I2IError, match=r"is damaged \(it does not have the checksum it was written with\)$"):
        loaded(file)


def test_a_changed_spec_is_seen(file: Path) -> None:
    rewritten(file, spec=about(file)["spec"].replace("width = 4", "width = 8"))
    with pytest.raises(I2IError, match=r"is damaged \(it does not have the checksum"):
        loaded(file)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"format": 1, "spec": "", "state": {"step": "x"}}', "[" * 10**5]
)
def test_metadata_of_somebody_else_is_refused(file: Path, text: str) -> None:
    file.write_bytes(save(load_file(file), {"i2i": text}))
    with pytest.raises(I2IError, match=r"is damaged \(its metadata is not what i2i writes\)$"):
        loaded(file)


def test_a_newer_format_asks_for_a_newer_i2i(file: Path) -> None:
    with pytest.raises(I2IError) as error:
        loaded(rewritten(file, format=2))
    assert str(error.value) == (
        f"{file} is in format 2, and this i2i reads up to 1: pip install --upgrade i2i-toolkit"
    )


def test_facts_that_are_none_are_refused(file: Path) -> None:
    sealed(file, state={**about(file)["state"], "data": {"channels": 3}})
    with pytest.raises(I2IError, match="its metadata does not hold the facts of the data"):
        loaded(file)


def test_weights_that_do_not_fit_are_refused(file: Path) -> None:
    sealed(file, spec=about(file)["spec"].replace("width = 4", "width = 8", 1))
    with pytest.raises(I2IError, match=r"model\.safetensors: the weights of G do not fit its spec: size"):
        loaded(file)


def sealed(file: Path, **changes: Any) -> None:
    """Other metadata, with a checksum that is right."""
    kept = {**about(file), **changes}
    kept.pop("sha256")
    rewritten(file, **kept, sha256=packed._digest(load_file(file), kept))


def test_a_missing_plugin_is_named(file: Path) -> None:
    state = about(file)["state"]
    sealed(
        file,
        spec=about(file)["spec"].replace('name = "pix2pix"', 'name = "woven"'),
        state={**state, "versions": {**state["versions"], "i2i_woven": "1.2"}},
    )
    with pytest.raises(I2IError) as error:
        loaded(file)
    assert "there is no strategy 'woven'" in str(error.value)
    first = str(error.value).splitlines()[0]
    assert first == f"{file} needs plug-ins that are not installed here: i2i_woven 1.2"


WOVEN = {"i2i-woven": {"version": "1.2", "components": ["loss woven"]}}


def test_its_packages_are_kept_and_a_missing_one_is_named(file: Path) -> None:
    state = about(file)["state"]
    assert "strategy pix2pix" in state["packages"]["i2i-toolkit"]["components"]
    sealed(file, state={**state, "packages": state["packages"] | WOVEN})
    with pytest.raises(I2IError) as error:
        loaded(file)
    assert str(error.value) == (
        f"{file} was made with i2i-woven 1.2 (loss 'woven'), which is not installed: pip install i2i-woven==1.2"
    )


def test_a_component_that_another_package_offers_is_told(file: Path) -> None:
    packages = {"i2i-woven": {"version": "1.2", "components": ["loss l1"]}}
    sealed(file, state={**about(file)["state"], "packages": packages})
    with pytest.warns(
        I2IWarning, match=r"i2i-woven 1.2 \(loss 'l1'\), and here that comes from i2i-toolkit$"
    ):
        loaded(file)


def test_a_missing_plugin_file_is_named(file: Path) -> None:
    sealed(
        file,
        spec=about(file)["spec"].replace('name = "pix2pix"', 'name = "woven"'),
        state={**about(file)["state"], "plugin_files": {"woven.py": "0f"}},
    )
    with pytest.raises(I2IError, match=r"load them again: i2i --plugin woven\.py …$"):
        loaded(file)
