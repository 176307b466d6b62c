"""Distributions of strangers, installed by pip into a fresh environment beside i2i, and used as anybody would."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import tomlkit
from trained import run_tables
from wheels import Environment, wheel

CHARBONNIER = '''\
"""Charbonnier loss for i2i."""

import i2i


def charbonnier(fake, real, *, epsilon: float = 1e-3):
    """A smooth L1 whose gradient never vanishes."""
    return ((fake - real).square() + epsilon**2).sqrt().mean()


@i2i.hookimpl
def i2i_register(registry):
    registry.add("loss", "charbonnier", charbonnier)
'''
METHOD = '''\
"""Regression: paired translation by one network and one distance."""

from dataclasses import dataclass

import i2i
import torch
from i2i import nets


@dataclass(frozen=True, kw_only=True)
class Regression(i2i.Strategy):
    """Stay close to the target, and nothing else."""

    generator: i2i.Generator = i2i.Ref("unet", width=4, norm="instance")
    pixel: i2i.Loss = i2i.Ref("l1")

    def wants(self):
        return ("a", "b")

    def takes(self, controls):
        return ("a",)

    def makes(self, controls):
        return "b"

    def build(self, make, data):
        channels = data.channels
        return {
            "G": make(self.generator, in_channels=channels["a"], out_channels=channels["b"]),
            "pixel": make(self.pixel),
        }

    def phases(self):
        return [i2i.Phase("painting", self.painting, {"G": {"pixel": 1.0}})]

    def painting(self, net, x):
        return {"pixel": net.pixel(self.translate(net, x), x.b)}

    def translate(self, net, x):
        return net.G(x.a)


@i2i.hookimpl
def i2i_register(registry):
    registry.add("strategy", "regression", Regression)
'''
EXPLODES = '"""Breaks."""\n\nraise RuntimeError("no such luck")\n'
NEXT = '"""Of another time."""\n\nimport pathlib\n\npathlib.Path(__file__).with_name("imported").touch()\n'

LOSS_RUN = {"pixel": {"name": "charbonnier", "epsilon": 0.01}}


@pytest.fixture(scope="module")
def beside(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment with five packages: a loss, a method, and three that cannot be used."""
    folder = tmp_path_factory.mktemp("strangers")
    made = Environment.fresh(folder / "environment")
    made.install(
        wheel(folder, "i2i-charbonnier", "1.2.3", CHARBONNIER, ["i2i-toolkit>=0.1,<1"]),
        wheel(folder, "i2i-regression", "0.4", METHOD),
        wheel(folder, "i2i-explodes", "0.1", EXPLODES),
        wheel(folder, "i2i-smooth", "1.0", CHARBONNIER.replace("Charbonnier loss", "Another one")),
        wheel(folder, "i2i-next", "3.0", NEXT, ["i2i-toolkit<10,>=9", "torch"]),
    )
    return made


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A spec of the stranger's method, with the other stranger's loss."""
    tables = run_tables("pix2pix", steps=2)
    tables["strategy"] = {"name": "regression", **LOSS_RUN}
    path = tmp_path_factory.mktemp("spec") / "regression.toml"
    path.write_text(tomlkit.dumps(tables), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def trained(beside: Environment, spec: Path) -> Path:
    """A run of it."""
    run = spec.parent / "run"
    done = beside.run("-m", "i2i", "run", spec, "--out", run)
    assert done.code == 0, done.err
    return run


def test_plug_ins_are_listed_and_what_cannot_be_used_with_its_reason(beside: Environment) -> None:
    done = beside.run("-m", "i2i", "plugins")
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    said = {line: lines[number + 1].strip() for number, line in enumerate(lines) if not line.startswith(" ")}
    assert said["charbonnier  1.2.3  (i2i_charbonnier)"] == "loss 'charbonnier'"
    assert said["regression  0.4  (i2i_regression)"] == "strategy 'regression'"
    assert said["pix2pix  0.1.0  (i2i_pix2pix)"].startswith("strategy 'pix2pix'")
    broken = said["explodes  0.1  (i2i_explodes)"]
    assert broken.startswith("broken: RuntimeError: no such luck (") and broken.endswith(
        "i2i_explodes.py, line 3)"
    )
    assert said["smooth  1.0  (i2i_smooth)"] == (
        "broken: loss 'charbonnier' is offered by both i2i_charbonnier and i2i_smooth; one of them has to be renamed, "
        "or uninstalled"
    )
    assert said["next  3.0  (i2i_next)"] == (
        "incompatible: it needs i2i-toolkit<10,>=9, and this is 0.1.0: pip install --upgrade i2i-next i2i-toolkit"
    )
    assert not (beside.packages / "imported").exists()


def test_a_check_tells_the_objective(beside: Environment, spec: Path) -> None:
    done = beside.run("-m", "i2i", "check", spec, "--fast")
    assert done.code == 0, done.err
    assert "phase painting, every step\n        G minimises pixel\n" in done.out


def test_a_run_tells_where_its_components_are_from(trained: Path) -> None:
    facts = json.loads((trained / "environment.json").read_text(encoding="utf-8"))
    assert facts["packages"]["i2i-charbonnier"] == {"version": "1.2.3", "components": ["loss charbonnier"]}
    assert facts["packages"]["i2i-regression"] == {"version": "0.4", "components": ["strategy regression"]}
    assert "generator unet" in facts["packages"]["i2i-toolkit"]["components"]
    state = json.loads((trained / "checkpoints/step-000002/state.json").read_text(encoding="utf-8"))
    assert state["packages"] == facts["packages"]
    assert 'name = "charbonnier"\nepsilon = 0.01' in (trained / "spec.toml").read_text(encoding="utf-8")


def test_the_method_translates(beside: Environment, trained: Path, tmp_path: Path) -> None:
    picture = next((trained / "samples").iterdir())
    done = beside.run("-m", "i2i", "translate", trained, picture, "-o", tmp_path / "out")
    assert done.code == 0, done.err
    assert len([*(tmp_path / "out").rglob("*.png")]) == 1


def test_the_library_trains_one_of_ours_with_the_loss(beside: Environment, tmp_path: Path) -> None:
    tables = run_tables("pix2pix", steps=1)
    tables["strategy"] |= LOSS_RUN
    code = f"import i2i\nprint(i2i.build({tables!r}, out={str(tmp_path / 'run')!r}).train())"
    done = beside.run("-c", code)
    assert done.code == 0, done.err
    assert done.out.strip() == str(tmp_path / "run")


def test_an_unknown_name_might_be_in_one_that_cannot_be_used(beside: Environment, spec: Path) -> None:
    done = beside.run("-m", "i2i", "check", spec, "--set", "strategy.pixel=charboniere")
    assert done.code == 1
    first, second, third, fourth, fifth = done.err.splitlines()
    assert first == "  --set strategy.pixel: there is no loss 'charboniere'"
    assert second.startswith("    did you mean 'charbonnier'? known: ")
    assert third.startswith("    plug-in 'explodes' failed to load: RuntimeError: no such luck (")
    assert fourth.startswith(
        "    plug-in 'next' failed to load: it needs i2i-toolkit<10,>=9, and this is 0.1.0: "
    )
    assert fifth.startswith("    plug-in 'smooth' failed to load: loss 'charbonnier' is offered by both ")


def test_without_the_packages_a_run_says_which(trained: Path, tmp_path: Path) -> None:
    alone, checkpoint = Environment.fresh(tmp_path / "alone"), trained / "checkpoints/step-000002"
    said = (
        "{0} was made with i2i-charbonnier 1.2.3 (loss 'charbonnier'), which is not installed: "
        "pip install i2i-charbonnier==1.2.3\n"
        "{0} was made with i2i-regression 0.4 (strategy 'regression'), which is not installed: "
        "pip install i2i-regression==0.4\n"
    )
    done = alone.run("-m", "i2i", "resume", trained)
    assert (done.code, done.err) == (1, said.format("this run"))
    picture = next((trained / "samples").iterdir())
    done = alone.run("-m", "i2i", "translate", checkpoint, picture, "-o", tmp_path / "out")
    assert (done.code, done.err) == (1, said.format(checkpoint))
