"""Plug-ins of strangers: installed beside ours, used by name; a broken one harms nobody."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from helpers import registry
from trained import command, run_tables, write_spec

import i2i
from i2i.core.errors import I2IError
from i2i.spec.plugins import discover

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


def wheel(folder: Path, name: str, version: str, text: str) -> Path:
    """A distribution with one module, as a build tool would pack it: a wheel is a zip, and needs no tool."""
    module, info = name.replace("-", "_"), f"{name.replace('-', '_')}-{version}.dist-info"
    files = {
        f"{module}.py": text,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nRequires-Dist: i2i-toolkit\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[i2i]\n{module.removeprefix('i2i_')} = {module}\n",
    }
    files[f"{info}/RECORD"] = "".join(
        f"{path},{digest(text)},{len(text.encode())}\n" for path, text in files.items()
    )
    path = folder / f"{module}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for inside, content in files.items():
            archive.writestr(inside, content)
    return path


def digest(text: str) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")


def installed(folder: Path, *wheels: Path) -> Path:
    """Wheels installed by pip into a folder of their own, without a network."""
    target = folder / "installed"
    pip = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--no-cache-dir", "--quiet"]
    subprocess.run([*pip, "--target", target, *wheels], check=True)
    return target


def i2i_with(target: Path, *words: object) -> subprocess.CompletedProcess[str]:
    """The command line in a process of its own, with a folder of installed packages."""
    code = "from i2i.cli.main import main; main()"
    environment: Mapping[str, str] = {**os.environ, "PYTHONPATH": str(target), "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, words)],
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


@pytest.fixture(scope="module")
def strangers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with strangers' packages: a loss, one that raises when it is imported, one with the same name."""
    folder = tmp_path_factory.mktemp("strangers")
    good = wheel(folder, "i2i-charbonnier", "1.2.3", CHARBONNIER)
    bad = wheel(folder, "i2i-explodes", "0.1", EXPLODES)
    same = wheel(folder, "i2i-smooth", "1.0", CHARBONNIER.replace("Charbonnier loss", "Another one"))
    return installed(folder, good, bad, same)


def test_an_installed_loss_is_used_by_name(strangers: Path, tmp_path: Path) -> None:
    tables = run_tables("pix2pix", steps=1)
    spec = write_spec(tmp_path / "pix.toml", tables)
    choose = "strategy.pixel={ name = 'charbonnier', epsilon = 0.01 }"
    done = i2i_with(strangers, "run", spec, "--set", choose, "--out", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    assert 'name = "charbonnier"\nepsilon = 0.01' in (tmp_path / "run/spec.toml").read_text(encoding="utf-8")
    facts = json.loads((tmp_path / "run/environment.json").read_text(encoding="utf-8"))
    assert facts["versions"]["i2i_charbonnier"] == "1.2.3"


def test_plug_ins_are_listed_and_broken_ones_with_their_reason(strangers: Path) -> None:
    done = i2i_with(strangers, "plugins")
    assert done.returncode == 0, done.stderr
    assert "charbonnier  1.2.3  (i2i_charbonnier)\n    loss 'charbonnier'\n" in done.stdout
    assert "explodes  0.1  (i2i_explodes)\n    broken: RuntimeError: no such luck (" in done.stdout
    assert "i2i_explodes.py, line 3)" in done.stdout
    assert "pix2pix  " in done.stdout
    assert (
        "smooth  1.0  (i2i_smooth)\n    broken: loss 'charbonnier' is offered by both i2i_charbonnier and i2i_smooth; "
        "one of them has to be renamed" in done.stdout
    )


def test_an_unknown_name_might_be_in_the_broken_plug_in(strangers: Path, tmp_path: Path) -> None:
    spec = write_spec(tmp_path / "pix.toml", run_tables("pix2pix"))
    done = i2i_with(strangers, "check", spec, "--set", "strategy.pixel=charboniere")
    assert done.returncode == 1
    first, second, third, fourth = done.stderr.splitlines()
    assert first == "  --set strategy.pixel: there is no loss 'charboniere'"
    assert second.startswith(
        "    did you mean 'charbonnier'? known: bounded-logistic, charbonnier, hinge, huber, l1"
    )
    assert third.startswith("    plug-in 'explodes' failed to load: RuntimeError: no such luck (")
    assert fourth.startswith("    plug-in 'smooth' failed to load: loss 'charbonnier' is offered by both ")


# Plug-ins in files.


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


def test_a_file_that_has_changed_is_not_the_one_of_the_run(charbonnier: Path, tmp_path: Path) -> None:
    spec, run = write_spec(tmp_path / "pix.toml", run_tables("pix2pix", steps=1)), tmp_path / "run"
    assert command("--plugin", charbonnier, "run", spec, "--out", run).code == 0
    charbonnier.write_text(CHARBONNIER.replace("1e-3", "1e-2"), encoding="utf-8")
    done = command("--plugin", charbonnier, "resume", run)
    assert done.code == 1
    assert f"and {charbonnier} has changed since: i2i --plugin" in done.err


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
