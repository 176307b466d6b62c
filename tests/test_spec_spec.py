"""A spec is its file: every default is written back, and what was written reads as the same spec."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from helpers import registry, tiny_tables

import i2i
from i2i.core.errors import I2IError, Problem, SpecError
from i2i.spec.spec import Spec, located, override, read, resolve

RICH: dict[str, Any] = {
    "strategy": {
        "name": "cyclegan",
        "generator": {"name": "resnet", "width": 8, "blocks": 2, "upsample": "resize"},
        "gan": "wgan-gp",
        "cycle": {"name": "huber", "delta": 0.5},
    },
    "data": {"name": "demo", "size": 32, "workers": 0},
    "optimizers": {"default": {"lr": 1e-3, "betas": [0.0, 0.9]}, "D_a": {"name": "sgd", "momentum": 0.5}},
    "train": {
        "steps": 100,
        "ema": {"G_ab": 0.99, "G_ba": 0.9},
        "clip": 1.5,
        "init": {"gain": 0.1},
        "init_from": "earlier",
        "batch": 4,
        "accumulate": 2,
    },
    "validate": {"data": {"name": "demo", "split": "test", "size": 32}, "patience": 3, "direction": "max"},
    "terms": {
        "edges": {
            "loss": {"name": "sobel", "scale": 2},
            "of": ["fake_b", "a"],
            "phase": "generators",
            "weight": 5.0,
            "minimised_by": ["G_ab"],
        },
        "slow": {
            "loss": "l2",
            "of": ["fake_a", "b"],
            "phase": "generators",
            "weight": {"schedule": "linear", "from": 0, "to": 5, "steps": 10},
            "minimised_by": ["G_ba", "G_ab"],
        },
    },
    "loggers": [{"name": "tensorboard", "folder": "events"}, "tensorboard"],
}
EVERY = [
    {"strategy": "pix2pix", "data": {"root": "x"}},
    {"strategy": "cyclegan", "data": {"root": "x"}},
    tiny_tables("pix2pix"),
    tiny_tables("cyclegan"),
    RICH,
]


@pytest.mark.parametrize(
    "tables", EVERY, ids=["pix2pix", "cyclegan", "tiny pix2pix", "tiny cyclegan", "rich"]
)
def test_what_was_written_reads_as_the_same_spec(tables: dict[str, Any], tmp_path: Path) -> None:
    spec = resolve(tables, registry())
    file = tmp_path / "spec.toml"
    file.write_text(spec.toml(), encoding="utf-8")
    for again in (file, str(file), spec.toml(), spec, spec.tables(), tomllib.loads(spec.toml())):
        assert resolve(again, registry()) == spec
    assert resolve(file, registry()).toml() == spec.toml()


def test_every_default_is_written() -> None:
    written = tomllib.loads(resolve({"strategy": "cyclegan", "data": {"root": "x"}}, registry()).toml())
    assert written["strategy"]["generator"] == {
        "name": "resnet",
        "width": 64,
        "blocks": 9,
        "norm": "instance",
        "dropout": 0.0,
        "upsample": "transposed",
    }
    assert written["strategy"]["identity_weight"] == 5.0
    assert written["data"]["load_size"] == 286
    assert written["data"]["workers"] == 2
    assert written["schedule"] == {"name": "linear", "constant": 100, "decay": 100}
    assert written["train"]["checkpoint_every"] == 1000


def test_options_are_written_in_the_order_of_the_dataclass() -> None:
    text = resolve({"strategy": "pix2pix", "data": {"root": "x"}}, registry()).toml()
    marks = ["[strategy]", "[strategy.generator]", "[strategy.discriminator]", "[strategy.gan]"]
    marks += ["[data]", "[optimizers.default]", "[schedule]", "[train]", "[validate]"]
    places = [text.index(mark) for mark in marks]
    assert places == sorted(places)


def test_paths_are_written_absolute(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('strategy = "pix2pix"\n[data]\nroot = "pictures"\n', encoding="utf-8")
    root = Path(tomllib.loads(resolve(file, registry()).toml())["data"]["root"])
    assert root.is_absolute()
    assert root == tmp_path.resolve() / "pictures"


def test_a_spec_in_python_may_use_references_and_paths(tmp_path: Path) -> None:
    tables = {
        "strategy": i2i.Ref("pix2pix", generator=i2i.Ref("resnet", width=8)),
        "data": {"root": tmp_path},
    }
    spec = resolve(tables, registry())
    assert spec.strategy.options["generator"].options["width"] == 8
    assert spec.data.options["root"] == tmp_path


def test_a_spec_does_not_change() -> None:
    spec = resolve(tiny_tables("pix2pix"), registry())
    with pytest.raises(ValueError, match="frozen"):
        spec.workers = 3
    with pytest.raises(AttributeError, match="make a new one"):
        spec.strategy.name = "cyclegan"  # type: ignore[misc]


def test_resolving_changes_nothing_that_was_given() -> None:
    tables = tiny_tables("pix2pix")
    before = repr(tables)
    resolve(tables, registry(), ["train.steps=3", "strategy.generator=resnet"])
    assert repr(tables) == before


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("train.steps=7", 7),
        ("train.steps = 7", 7),
        ("train.steps=1_000", 1000),
        ("train.clip=1e-3", 1e-3),
        ("train.compile=true", True),
        ("train.device=cuda:1", "cuda:1"),
        ('train.device="cuda:1"', "cuda:1"),
        ("train.device=", ""),
        ("train.device=a=b", "a=b"),
        ("train.ema={ G = 0.9 }", {"G": 0.9}),
        ("train.ema.G=0.9", 0.9),
        ("optimizers.default.betas=[0.5, 0.9]", [0.5, 0.9]),
    ],
)
def test_values_of_set_are_toml_and_bare_words_strings(setting: str, value: object) -> None:
    tables: dict[str, Any] = {}
    override(tables, [setting])
    for key in setting.partition("=")[0].strip().split("."):
        tables = tables[key]
    assert tables == value


def test_a_component_named_without_a_table_becomes_one() -> None:
    tables: dict[str, Any] = {"strategy": "pix2pix"}
    override(tables, ["strategy.generator.width=8"])
    assert tables == {"strategy": {"name": "pix2pix", "generator": {"width": 8}}}


@pytest.mark.parametrize("setting", ["train.steps", "=3", ".steps=3", "train.=3", "train..steps=3"])
def test_a_setting_needs_a_key_and_a_value(setting: str) -> None:
    with pytest.raises(I2IError) as error:
        override({}, [setting])
    assert str(error.value) == f"--set {setting}: write KEY=VALUE, for example --set train.steps=1000"


def test_a_setting_inside_a_value_is_refused() -> None:
    with pytest.raises(I2IError) as error:
        override({"data": {"size": 3}}, ["data.size.x=1"])
    assert str(error.value) == "--set data.size.x=1: size holds a value, not a table"


def test_a_missing_file_names_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "horses.toml").write_text("", encoding="utf-8")
    with pytest.raises(I2IError) as error:
        resolve(tmp_path / "horse.toml", registry())
    assert str(error.value) == (
        f"{tmp_path / 'horse.toml'}: there is no such spec file\n    did you mean 'horses.toml'? known: horses.toml"
    )


def test_a_folder_is_no_spec(tmp_path: Path) -> None:
    (tmp_path / "spec.toml").write_text("", encoding="utf-8")
    with pytest.raises(I2IError) as error:
        resolve(tmp_path, registry())
    assert str(error.value) == (
        f"{tmp_path}: this is a folder; name the spec file\n    did you mean '{tmp_path / 'spec.toml'}'?"
    )


@pytest.mark.parametrize("text", ["[strategy\n", "strategy = \n", "a = = 1", "x = 1\nx = 2\n"])
def test_what_is_not_toml_says_where(text: str, tmp_path: Path) -> None:
    file = tmp_path / "bad.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(I2IError, match=r"bad\.toml: this is not TOML: .*line [12]"):
        resolve(file, registry())


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "bad.toml"
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(I2IError, match="it cannot be read"):
        read(file)


def test_problems_stand_in_the_order_of_the_file() -> None:
    text = "[train]\nsteps = 0\n\n[data]\nnam = 1\n"
    error = SpecError([Problem("data.nam", "one"), Problem("train.steps", "two"), Problem("terms", "three")])
    assert str(located(error, text)) == "  line 2: train.steps: two\n  line 5: data.nam: one\n  terms: three"


def test_a_setting_is_the_place_of_its_own_problem() -> None:
    error = located(SpecError([Problem("train.steps", "wrong")]), "[train]\nsteps = 0\n", ["train.steps=0"])
    assert str(error) == "  --set train.steps: wrong"


def test_a_sentence_about_a_key_is_given_its_place(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("[data]\nroot = 'x'\n", encoding="utf-8")
    error = located(I2IError("data.root: there is no folder 'x'\n    did you mean 'y'?"), file)
    assert str(error) == "  mine.toml:2: data.root: there is no folder 'x'\n    did you mean 'y'?"
    other = I2IError("generator 'unet' cannot be used here")
    assert located(other, file) is other


def test_a_spec_says_what_it_is() -> None:
    assert set(Spec.model_fields) >= {"strategy", "data", "optimizers", "schedule", "train", "terms"}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("x = " + "[" * 5000, "spec: its lists or tables are nested too deeply; a spec needs few levels"),
        ("x = " + "9" * 5000, "spec: this is not TOML: "),
    ],
)
def test_toml_that_the_reader_cannot_take_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(I2IError) as caught:
        read(text)
    assert str(caught.value).startswith(sentence)


def test_a_setting_that_is_no_toml_is_a_string() -> None:
    tables: dict[str, Any] = {}
    override(tables, [f"a.{name}={text}" for name, text in (("deep", "[" * 5000), ("long", "9" * 5000))])
    assert tables == {"a": {"deep": "[" * 5000, "long": "9" * 5000}}


def test_averages_that_a_spec_does_without_stay_away_when_it_is_read_again() -> None:
    spec = resolve({"strategy": "stylegan", "data": "demo", "train": {"ema": {}}}, registry())
    assert registry().get("strategy", "stylegan").factory.recipe["train"]["ema"]
    assert spec.train.ema == {} == resolve(spec.toml(), registry()).train.ema


@pytest.mark.parametrize("key", ["train.validate_every", "validate.every"])
def test_either_key_of_the_judgements_can_be_set_over_a_complete_spec(key: str) -> None:
    complete = resolve(tiny_tables("pix2pix", train={"validate_every": 250}), registry()).toml()
    spec = resolve(complete, registry(), [f"{key}=10"])
    assert (spec.train.validate_every, spec.validation.every) == (10, 10)
