"""What `i2i plugin new` writes is typed, keeps to the contract, installs, is found at once, and does its work."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scaffolded import tool, written
from trained import PERIODS, command

import i2i
import i2i.testing
from i2i.cli.scaffolding import KINDS
from i2i.nets import ResNet
from i2i.spec.spec import resolve

ROOT = Path(__file__).resolve().parents[1]
# What the importer of the template knows: their layers and ours.
LAYERS = (
    ("conv_in", "stem.conv"),
    ("down1", "down.0.conv"),
    ("down2", "down.1.conv"),
    ("up1", "up.0.conv"),
    ("up2", "up.1.conv"),
    ("conv_out", "head"),
)
BLOCK = (("first", "conv1"), ("second", "conv2"))


def test_the_code_is_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    modules = [written(tmp_path, f"my-{kind}", kind) for kind in KINDS]
    tests = [next((module.parent / "tests").glob("*.py")) for module in modules]
    monkeypatch.setenv("MYPYPATH", os.pathsep.join(str(module.parent) for module in modules))
    done = tool(
        ROOT, "mypy", *modules, *tests
    )  # the strict settings of i2i, and what mypy knows of it already
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("kind", KINDS)
def test_it_keeps_to_the_contract(kind: str, tmp_path: Path) -> None:
    module = written(tmp_path, "mine", kind)
    small = {}
    if kind == "data":
        for split in ("train", "test"):
            for field in ("a", "b"):
                arrays = tmp_path / "arrays" / split / field
                arrays.mkdir(parents=True)
                for number in range(4):
                    np.save(arrays / f"{number}.npy", np.random.default_rng(number).random((20, 24, 3)))
        small = {"data.mine": {"root": str(tmp_path / "arrays"), "size": 16}}
    i2i.testing.check(module, small=small)


# Installed


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All seven, built by their build backend and installed by pip into one folder, without a network."""
    home = tmp_path_factory.mktemp("home")
    folders = [written(home, f"new-{kind}", kind).parent for kind in KINDS]
    pip = ["pip", "install", "--no-deps", "--no-index", "--no-build-isolation", "--no-cache-dir", "--quiet"]
    done = tool(home, *pip, "--target", home / "installed", *folders)
    assert done.returncode == 0, done.stderr
    return home


def test_they_are_found_at_once(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(installed / "installed"))
    code = (
        "from i2i.cli.main import cli\n"
        "cli.main(['plugins'], standalone_mode=False)\n"
        "cli.main(['show', 'loss', 'new-loss'], standalone_mode=False)"
    )
    (installed / "look.py").write_text(code, encoding="utf-8")
    done = tool(installed, "look")
    assert done.returncode == 0, done.stderr
    for kind in KINDS:
        entry = rf"^new-{kind}  0\.1\.0  \(i2i_new_{kind}\)\n    .*{kind} 'new-{kind}"
        assert re.search(entry, done.stdout, re.MULTILINE)
    assert "broken" not in done.stdout
    assert "loss 'new-loss': A smooth L1" in done.stdout
    assert "epsilon (number; default 0.001)" in done.stdout


def test_the_tests_of_an_installed_one_pass(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(installed / "installed"))
    done = tool(installed / "metric-new-metric", "pytest", "-p", "no:cacheprovider", "-q")
    assert done.returncode == 0, done.stdout
    assert "4 passed" in done.stdout


def test_a_new_method_trains_and_translates(tmp_path: Path) -> None:
    plugin, run = written(tmp_path, "mine", "strategy"), tmp_path / "run"
    tables = {
        "strategy": {
            "name": "mine",
            "generator": {"width": 4, "blocks": 1},
            "discriminator": {"width": 4},
            "pixel": "l2",
        },
        "data": {"name": "demo", "layout": "paired", "size": 16, "workers": 0},
        "train": {**PERIODS, "steps": 2},
    }
    spec = tmp_path / "mine.toml"
    spec.write_text(resolve(tables, i2i.discover([plugin])).toml(), encoding="utf-8")
    done = command("--plugin", plugin, "run", spec, "--out", run)
    assert done.code == 0, done.err
    picture = tmp_path / "a.png"
    Image.new("RGB", (19, 22)).save(picture)
    done = command("--plugin", plugin, "translate", run, picture, "--out", tmp_path / "b.png")
    assert done.code == 0, done.err
    with Image.open(tmp_path / "b.png") as translated:
        assert translated.size == (19, 22)


def test_weights_of_another_project_become_a_run(tmp_path: Path) -> None:
    plugin = written(tmp_path, "mine", "importer")
    network = ResNet(3, 3, width=4, blocks=2).state_dict()
    theirs = {f"body.{n}.{ours}.conv": f"res{n}.{name}" for n in (0, 1) for ours, name in BLOCK}
    theirs |= {ours: name for name, ours in LAYERS}
    weights = {f"{theirs[key.rpartition('.')[0]]}.{key.rpartition('.')[2]}": w for key, w in network.items()}
    torch.save(weights, tmp_path / "generator.pth")
    done = command("--plugin", plugin, "import", tmp_path / "generator.pth", "--out", tmp_path / "run")
    assert done.code == 0, done.err
    model = i2i.load(tmp_path / "run", registry=i2i.discover([plugin]))
    imported = model.net.G.state_dict()
    assert all(torch.equal(imported[key], network[key]) for key in network)


# What the documents say about them


@pytest.mark.parametrize(
    ("page", "kind", "name"),
    [("first-method", "strategy", "sketch"), ("first-network", "generator", "skipped")],
)
def test_a_page_shows_the_code_that_is_written(page: str, kind: str, name: str, tmp_path: Path) -> None:
    module = plain(written(tmp_path, name, kind).read_text(encoding="utf-8"))
    shown = re.findall(r"```python\n(.*?)```", document(page), re.DOTALL)
    assert len(shown) > 2
    for code in shown:
        assert plain(code) in module or code.startswith("i2i.testing.check"), code


@pytest.mark.parametrize(
    ("page", "kind", "name", "right", "wrong", "rule"),
    [
        ("first-loss", "loss", "charbonnier", ".mean()", ".sum()", "mean"),
        ("first-loss", "loss", "charbonnier", "epsilon**2", "1e-6", "options"),
        ("first-network", "generator", "skipped", "[fine, coarse]", "[fine, fine]", "reach"),
        ("first-network", "generator", "skipped", "range(blocks)", "range(4)", "options"),
        ("first-network", "generator", "skipped", "torch.tanh", "", "forward"),
        ("first-method", "strategy", "sketch", "self.pixel_weight}", "10.0}", "options"),
        ("first-method", "strategy", "sketch", "(x.fake, x.b)", "(x.fake, x.b) * len(x.a)", "accumulation"),
        ("first-method", "strategy", "sketch", ', "pixel": self.pixel_weight', "", "defaults"),
    ],
)
def test_a_page_shows_the_words_of_the_check(
    page: str, kind: str, name: str, right: str, wrong: str, rule: str, tmp_path: Path
) -> None:
    module = written(tmp_path, name, kind)
    text = module.read_text(encoding="utf-8")
    assert right in text
    module.write_text(text.replace(right, wrong), encoding="utf-8")
    (said,) = [
        sentence
        for check in i2i.testing.checks(module)
        if str(check) == f"{kind}.{name}: {rule}"
        for sentence in check.run()
    ]
    shown = re.findall(r"```text\n(.*?)\n```", document(page), re.DOTALL)
    assert any(said.endswith(sentence) for sentence in shown), said


def document(name: str) -> str:
    return (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")


def plain(code: str) -> str:
    """Code without its indentation, and without its blank lines, which a page sets in its own way."""
    return "\n".join(line.strip() for line in code.splitlines() if line.strip())
