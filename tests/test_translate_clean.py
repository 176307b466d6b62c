"""A spec for others: every place of the machine is left out of it, and nothing else."""

from pathlib import Path

import pytest
from helpers import registry, strategies, tiny_spec, tiny_tables

import i2i
from i2i.spec.spec import resolve
from i2i.translate.sharing.clean import PLACE, cleaned, without_folder


@pytest.mark.parametrize("name", strategies())
def test_a_spec_without_places_stays_as_it_is(name: str) -> None:
    spec = tiny_spec(name)
    assert cleaned(spec) == spec
    assert resolve(cleaned(spec).toml(), registry()).tables() == spec.tables()


def test_paths_of_every_depth_are_left_out(tmp_path: Path) -> None:
    tables = tiny_tables("pix2pix", data={"name": "paired", "root": str(tmp_path / "jane" / "faces")})
    tables["data"] = {k: v for k, v in tables["data"].items() if k in ("name", "root", "size")}
    tables["terms"] = {
        "look": {
            "loss": {"name": "vgg19", "weights": str(tmp_path / "jane" / "vgg.safetensors")},
            "of": ["fake_b", "b"],
            "phase": "generator",
            "minimised_by": ["G"],
        }
    }
    tables["train"]["init_from"] = str(tmp_path / "jane" / "run")
    tables["loggers"] = [{"name": "tensorboard"}]
    spec = cleaned(resolve(tables, registry()))
    assert "jane" in resolve(tables, registry()).toml()
    assert "jane" not in spec.toml()
    assert spec.data.options["root"] == Path(PLACE)
    assert spec.terms["look"].loss.options["weights"] == Path(PLACE)
    assert (spec.train.init_from, spec.loggers) == (None, ())


@pytest.mark.parametrize(
    "place", ["/data/x", r"C:\data\x", r"\\server\share\x", "~/x", "~jane/x", "s3://bucket/{0..9}.tar"]
)
def test_texts_that_are_places_are_left_out(place: str) -> None:
    spec = tiny_spec("gan").model_copy(update={"data": i2i.Ref("mine", a=place, b=("trainB", place))})
    assert cleaned(spec).data.options == {"a": PLACE, "b": ("trainB", PLACE)}


@pytest.mark.parametrize("text", ["trainA", "a/b", "sum", "a:b", ""])
def test_other_texts_stay(text: str) -> None:
    spec = tiny_spec("gan").model_copy(update={"data": i2i.Ref("mine", a=text)})
    assert cleaned(spec).data.options["a"] == text


def test_the_name_of_a_file_of_any_system() -> None:
    assert [without_folder(path) for path in ("/a/b.py", r"C:\a\b.py", "b.py")] == ["b.py"] * 3
