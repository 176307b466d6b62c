"""Plug-ins in files: used by name, recorded with the run, refused in a sentence where they cannot be used."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import pytest
from helpers import registry
from trained import command, run_tables, write_spec

import i2i
from i2i.core.errors import I2IError, I2IWarning
from i2i.spec.plugins import discover, register

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
EXPLODES = '"""Breaks."""\n\nraise RuntimeError("no such luck")\n'


@pytest.fixture
def charbonnier(tmp_path: Path) -> Path:
    file = tmp_path / "charbonnier.py"
    file.write_text(CHARBONNIER, encoding="utf-8")
    return file


def test_a_run_with_a_file_records_it_and_asks_for_it_again(charbonnier: Path, tmp_path: Path) -> None:
    spec, run = write_spec(tmp_path / "pix.toml", run_tables("pix2pix", steps=2)), tmp_path / "run"
    done = command("--plugin", charbonnier, "run", spec, "--set", "strategy.pixel=charbonnier", "--out", run)
    assert done.code == 0, done.err
    facts = json.loads((run / "environment.json").read_text(encoding="utf-8"))
    assert facts["plugin_files"] == {str(charbonnier): hashlib.sha256(CHARBONNIER.encode()).hexdigest()}

    done = command("resume", run)
    assert done.code == 1
    assert done.err == (
        f"this run was made with a plug-in file, and {charbonnier} is missing: "
        f"i2i --plugin {charbonnier} resume {run}\n"
    )
    assert command("--plugin", charbonnier, "resume", run).code == 0

    picture = next((run / "samples").iterdir())
    done = command("translate", run, picture, "-o", tmp_path / "out")
    assert done.code == 1
    assert "strategy.pixel: there is no loss 'charbonnier'" in done.err
    assert done.err.endswith(
        f"this run was made with plug-in files; load them again: i2i --plugin {charbonnier} …\n"
    )
    assert command("--plugin", charbonnier, "translate", run, picture, "-o", tmp_path / "out").code == 0


def test_a_file_that_has_changed_is_said_and_a_copy_elsewhere_is_the_same(
    charbonnier: Path, tmp_path: Path
) -> None:
    spec, run = write_spec(tmp_path / "pix.toml", run_tables("pix2pix", steps=1)), tmp_path / "run"
    assert command("--plugin", charbonnier, "run", spec, "--out", run).code == 0
    charbonnier.write_text(CHARBONNIER.replace("1e-3", "1e-2"), encoding="utf-8")
    with pytest.warns(I2IWarning) as said:
        i2i.Run.open(run, registry=discover([charbonnier]))
    sentence = f"{charbonnier} has changed since this run was made; it goes on with the file as it is now"
    assert [str(warning.message) for warning in said] == [sentence]
    copy = tmp_path / "elsewhere" / charbonnier.name
    copy.parent.mkdir()
    copy.write_text(CHARBONNIER, encoding="utf-8")
    i2i.Run.open(run, registry=discover([copy]))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (EXPLODES, "RuntimeError: no such luck ("),
        ("import i2i\nx = 1\n", "it has no function i2i_register marked with @i2i.hookimpl"),
        ("def broken(:\n", "SyntaxError: "),
        ("import sys\n\nsys.exit('enough')\n", "SystemExit: enough ("),
        (
            CHARBONNIER.replace("def i2i_register", "def i2i_registre"),
            "PluginValidationError: unknown hook 'i2i_registre' in plugin ",
        ),
        (
            CHARBONNIER.replace('"charbonnier", ', '"l1", '),
            "loss 'l1' is offered by both i2i.spec.builtin and i2i_plugin_mine_",
        ),
        (CHARBONNIER.replace('"loss"', '"los"'), "there is no kind 'los'\n    did you mean 'loss'?"),
        (
            CHARBONNIER.replace("*, epsilon: float = 1e-3", "**options").replace("epsilon", "1"),
            "loss 'charbonnier': charbonnier takes **options; name every option instead",
        ),
        (
            CHARBONNIER.replace("epsilon", "copy"),
            "loss 'charbonnier': charbonnier has an option called 'copy', a name that is taken; choose another",
        ),
        (
            CHARBONNIER.replace("epsilon: float = 1e-3", "epsilon: 'Flaot' = 1e-3"),
            "loss 'charbonnier': name 'Flaot' is not defined",
        ),
        (
            CHARBONNIER.replace("*, epsilon: float = 1e-3", "*, epsilon: type = float").replace(
                "epsilon**2", "1"
            ),
            "loss 'charbonnier': a spec cannot hold the option epsilon; use numbers, strings, lists, tables and paths",
        ),
    ],
)
def test_a_file_that_cannot_be_used_says_why(text: str, why: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(I2IError) as error:
        discover([file])
    assert str(error.value).startswith(f"--plugin {file}: it failed to load: {why}")
    assert "<frozen" not in str(error.value)
    assert not [name for name in sys.modules if name.startswith("i2i_plugin_mine_")]


def test_a_missing_file_names_the_nearest(charbonnier: Path) -> None:
    with pytest.raises(I2IError) as error:
        discover([charbonnier.with_name("charbonier.py")])
    assert str(error.value) == (
        f"--plugin {charbonnier.with_name('charbonier.py')}: there is no such file\n"
        "    did you mean 'charbonnier.py'? known: charbonnier.py"
    )


def test_what_is_no_python_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "mine.txt"
    file.write_text(CHARBONNIER, encoding="utf-8")
    with pytest.raises(I2IError, match="this is not a Python file"):
        discover([file])


def test_a_plug_in_that_fails_halfway_leaves_nothing_behind(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(CHARBONNIER + '    registry.add("loss", "charbonnier", charbonnier)\n', encoding="utf-8")
    whole = discover()
    before = {(c.kind, c.name) for c in whole}
    scratch = i2i.Registry("mine")
    scratch.add("loss", "new", lambda fake, real: fake)
    scratch.add("loss", "l1", lambda fake, real: fake)
    with pytest.raises(I2IError, match="loss 'l1' is offered by both"):
        whole.merge(scratch)
    assert {(c.kind, c.name) for c in whole} == before
    with pytest.raises(I2IError, match="it failed to load"):
        discover([file])


def test_every_discovery_makes_a_registry_of_its_own(charbonnier: Path) -> None:
    assert "charbonnier" in discover([charbonnier]).names("loss")
    assert "charbonnier" not in discover().names("loss")
    assert "charbonnier" not in registry().names("loss")


def test_a_method_in_a_file_may_extend_one_of_ours(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        "from dataclasses import dataclass\nimport i2i\nfrom i2i_cyclegan import CycleGAN\n\n\n"
        "@dataclass(frozen=True, kw_only=True)\nclass Half(CycleGAN):\n"
        '    """Half of it."""\n\n    cycle_weight: float = 5.0\n\n\n'
        '@i2i.hookimpl\ndef i2i_register(registry):\n    registry.add("strategy", "half", Half)\n',
        encoding="utf-8",
    )
    found = discover([file])
    run = i2i.build(
        {**run_tables("cyclegan"), "strategy": {"name": "half"}, "train": {"steps": 1}},
        registry=found,
    )
    assert "5·cycle_a" in run.describe()


def an_object(loss: str) -> type:
    """A class called Plugin, of whose objects each is a plug-in."""

    class Plugin:
        @i2i.hookimpl
        def i2i_register(self, registry: i2i.Registry) -> None:
            registry.add("loss", loss, lambda fake, real: fake)

    Plugin.__qualname__ = f"{loss.capitalize()}.Plugin"
    return Plugin


def test_two_objects_of_one_class_name_own_what_is_theirs() -> None:
    found = discover()
    for loss in ("warp", "weft"):
        made = register(found, loss, an_object(loss)(), "1.0", f"i2i-{loss}")
        assert made.module == f"{__name__}:{loss.capitalize()}.Plugin"
        assert [each.name for each in found if each.owner == made.module] == [loss]


def test_a_class_may_be_a_plug_in() -> None:
    class Plugin:
        @staticmethod
        @i2i.hookimpl
        def i2i_register(registry: i2i.Registry) -> None:
            registry.add("loss", "warp", lambda fake, real: fake)

    assert register(i2i.Registry(), "warp", Plugin, "1.0", "").module == f"{__name__}:{Plugin.__qualname__}"


def test_a_method_without_a_demo_is_shown_on_the_layout_of_its_data(tmp_path: Path) -> None:
    stranger = Path(__file__).parent / "stranger.py"
    done = command("--plugin", stranger, "new", "paired-gan", "--demo")
    assert done.code == 0
    assert 'name = "demo"' in done.out
    assert 'layout = "paired"' in done.out
    odd = tmp_path / "odd.py"
    text = stranger.read_text(encoding="utf-8").replace(
        '"data": {"name": "paired"}', '"data": {"name": "ramps"}'
    )
    odd.write_text(text, encoding="utf-8")
    done = command("--plugin", odd, "new", "paired-gan", "--demo")
    assert done.code == 1
    assert done.err.startswith("strategy 'paired-gan' has no demo; its class can give one: demo = {")
