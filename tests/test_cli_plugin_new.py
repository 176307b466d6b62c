"""`i2i plugin new`: what it writes, what it says, and which names it refuses."""

from __future__ import annotations

import os
import shlex
import tomllib
from pathlib import Path

import pytest
from helpers import registry
from scaffolded import tool, written
from trained import command

import i2i
from i2i.cli.scaffolding import KINDS
from i2i.core.errors import I2IError
from i2i.core.registry import Registry
from i2i.core.words import quoted
from i2i.scaffold import TEMPLATES, new_plugin
from i2i.scaffold.names import MOST

SHORT, LONG = "zq", "an-extremely-long-name-x"
RULES = "E,F,W,I,N,B,UP,C4,SIM,PTH,RET,RUF,PLE,PLW"
# What the longest file of a kind may have.
LINES = {"loss": 15, "strategy": 120}


# What is written


def test_the_command_says_what_it_wrote_and_what_comes_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = command("plugin", "new", "edge-distance")
    assert (done.code, done.err) == (0, "")
    home = Path("i2i-edge-distance")
    files = ["pyproject.toml", "i2i_edge_distance.py", "tests/test_edge_distance.py", "README.md"]
    assert done.out.splitlines() == [
        *(str(home / file) for file in files),
        "next:",
        f"    pip install -e {quoted('i2i-edge-distance[test]')}",
        "    pytest i2i-edge-distance",
        "    i2i show loss edge-distance",
    ]
    assert sorted(path for path in home.rglob("*") if path.is_file()) == sorted(home / file for file in files)


def test_what_comes_next_can_be_typed_whatever_the_folder_is_called(tmp_path: Path) -> None:
    folder = tmp_path / "a'b $(echo c);d"
    lines = new_plugin("mine", "loss", registry(), folder).summary().splitlines()
    install, test = (line for line in lines if line.startswith(("    pip", "    pytest")))
    assert shlex.split(install, posix=os.name == "posix")[-1].strip('"') == f"{folder}[test]"
    assert shlex.split(test, posix=os.name == "posix")[-1].strip('"') == str(folder)


def test_the_kinds_are_those_of_the_templates() -> None:
    assert tuple(TEMPLATES) == KINDS


@pytest.mark.parametrize("kind", LINES)
def test_it_is_as_short_as_promised(kind: str, tmp_path: Path) -> None:
    module = written(tmp_path, "mine", kind)
    assert len(module.read_text(encoding="utf-8").splitlines()) <= LINES[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_a_plugin_asks_for_this_major_version(kind: str, tmp_path: Path) -> None:
    project = tomllib.loads((written(tmp_path, "mine", kind).parent / "pyproject.toml").read_text("utf-8"))
    major, minor, _ = i2i.__version__.split(".")
    assert project["project"]["dependencies"] == [f"i2i-toolkit>={major}.{minor},<{int(major) + 1}"]
    assert project["project"]["entry-points"]["i2i"] == {"mine": "i2i_mine"}


@pytest.mark.parametrize("name", [SHORT, LONG])
def test_the_code_is_clean_whatever_the_name(name: str, tmp_path: Path) -> None:
    assert len(LONG) == MOST
    for kind in KINDS:
        folder = written(tmp_path, name, kind).parent
        # RUF009: `i2i.Ref(…)` as a default is a value that nobody can change
        linted = tool(folder, "ruff", "check", "--no-cache", "--select", RULES, "--ignore", "RUF009")
        assert linted.returncode == 0, linted.stdout
        formatted = tool(folder, "ruff", "format", "--no-cache", "--diff")
        assert formatted.returncode == 0, formatted.stdout


# Names


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("MyLoss", "'MyLoss' cannot name a plug-in: use 2 to 24 lower-case letters"),
        ("MyLoss", "    for example 'my-loss'"),
        ("edge_loss", "    for example 'edge-loss'"),
        ("Größe 2", "    for example 'groe-2'"),
        ("2d", "    for example 'my-plugin'"),
        ("", "    for example 'my-plugin'"),
        ("../evil", "    for example 'evil'"),
        ("a--b", "    for example 'a-b'"),
        ("x" * 25, f"    for example '{'x' * 24}'"),
        ("i2i-edges", "the package is called i2i-NAME anyway; leave out 'i2i-'\n    for example 'edges'"),
        ("toolkit", "a package i2i-toolkit or a module i2i_toolkit is installed already"),
        ("cyclegan", "a package i2i-cyclegan or a module i2i_cyclegan is installed already"),
        ("sobel", "there is a loss 'sobel' already, from i2i.spec.builtin; choose another name"),
        ("lambda", "'lambda' cannot name this plug-in: 'lambda' means something else in its code"),
        ("tensor", "'Tensor' means something else in its code; choose another name, such as 'my-tensor'"),
        ("epsilon", "'epsilon' means something else in its code"),
        ("abs", "'abs' means something else in its code"),
        # of its test:
        (
            "distance",
            "'distance' means something else in its code; choose another name, such as 'my-distance'",
        ),
        ("picture", "'picture' means something else in its code"),
        ("pytest", "'pytest' means something else in its code"),
        ("torch", "'torch' means something else in its code"),
        (
            "test-loss",
            "pytest takes what begins with 'test' for a test; choose another name, such as 'my-test-loss'",
        ),
        ("t" + "est" * 7, f"such as 'my-t{'est' * 6}es'"),
    ],
)
def test_a_name_that_cannot_be_used_says_why(name: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(I2IError) as error:
        new_plugin(name, "loss", registry(), tmp_path / "out")
    assert said in str(error.value)
    assert not list(tmp_path.iterdir())


def test_a_name_that_only_the_prose_has_is_free(tmp_path: Path) -> None:
    assert written(tmp_path, "charbonnier", "loss").is_file()  # whose paper is cited


@pytest.mark.parametrize(("name", "kind"), [("resnet", "strategy"), ("gan", "importer"), ("psnr", "metric")])
def test_every_component_that_it_registers_must_be_new(name: str, kind: str, tmp_path: Path) -> None:
    with pytest.raises(I2IError, match=rf"there is a \w+ '{name}' already"):
        new_plugin(name, kind, registry(), tmp_path / "out")


def test_an_old_name_is_taken_too(tmp_path: Path) -> None:
    mine = registry_with_old_name()
    with pytest.raises(
        I2IError, match="there is a loss 'smooth' already, from i2i_woven; choose another name"
    ):
        new_plugin("smooth", "loss", mine, tmp_path / "out")
    assert not list(tmp_path.iterdir())


def registry_with_old_name() -> Registry:
    mine = Registry("i2i_woven")
    mine.add("loss", "woven", lambda fake, real: fake, former=i2i.Former(("smooth",), until="2.0"))
    return mine


def test_an_unknown_kind_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(I2IError, match="there is no template of a 'metrics'\n    did you mean 'metric'"):
        new_plugin("mine", "metrics", registry(), tmp_path / "out")


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    mine = tmp_path / "mine.txt"
    mine.write_text("mine", encoding="utf-8")
    for place in (tmp_path, mine):
        done = command("plugin", "new", "mine", "--out", place)
        assert (done.code, done.out) == (1, "")
        assert done.err == f"{place} is there already and is not overwritten; name another folder by --out\n"
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
