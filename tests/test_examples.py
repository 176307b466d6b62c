"""The specs in examples/: the demos run, the published ones are complete."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers import registry
from trained import command

from i2i.spec.spec import resolve

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
METHODS = registry().names("strategy")


def test_every_method_has_both() -> None:
    names = {f"{name}{kind}.toml" for name in METHODS for kind in ("", "-demo")}
    assert {path.name for path in EXAMPLES.glob("*.toml")} == names


@pytest.mark.parametrize("name", METHODS)
def test_a_published_one_names_its_data(name: str) -> None:
    spec = resolve(EXAMPLES / f"{name}.toml", registry())
    assert spec.strategy.name == name
    assert spec.data.options["root"].is_relative_to(EXAMPLES / "data")


@pytest.mark.parametrize("name", METHODS)
def test_a_demo_runs(name: str, tmp_path: Path) -> None:
    # few steps and few scenes: everything else is as shipped
    few = ["train.steps=2", "data.count=10", "train.validate_every=2", "validate.every=2"]
    settings = [word for setting in few for word in ("--set", setting)]
    done = command("run", EXAMPLES / f"{name}-demo.toml", *settings, "--out", tmp_path / "run")
    assert done.code == 0, done.err
    assert (tmp_path / "run" / "samples" / "step-000002.png").is_file()
    assert (tmp_path / "run" / "checkpoints" / "latest").read_text(encoding="utf-8").strip() == "step-000002"
