"""The verbs of the Makefile, and what CI runs."""

import re
import tomllib

import pytest
from reading import PLUGINS, ROOT

import i2i

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
VERBS = ("demo", "test", "test-all", "lint", "fix", "bench", "docs", "clean")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def commands(verb: str) -> list[str]:
    """What a verb of the Makefile runs, with the plain name of Python."""
    (recipe,) = re.findall(rf"^{verb}:.*\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)
    return [line.strip().removeprefix("$(BIN)/") for line in recipe.splitlines()]


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(verb: str) -> None:
    assert re.search(rf"^{verb}:.*  ## [A-Z].+", MAKEFILE, re.MULTILINE)
    assert re.search(rf"^\.PHONY:.* {verb}\b", MAKEFILE, re.MULTILINE)


def test_windows_runs_the_same_commands() -> None:
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    ran = re.findall(r"^ +run: (python .*)", workflow, re.MULTILINE)
    assert [command for command in ran if "pip" not in command] == [*commands("lint"), *commands("test")]


def test_every_plugin_is_shipped_and_announced() -> None:
    folders = {f"plugins/{folder.name}" for folder in PLUGINS.iterdir() if (folder / "__init__.py").is_file()}
    wheel = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert {package for package in wheel["packages"] if package != "i2i"} == folders
    announced = PROJECT["project"]["entry-points"]["i2i"].values()
    assert folders <= {f"plugins/{module.partition(':')[0]}" for module in announced}


def test_the_newest_change_is_of_this_version() -> None:
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (\d+\.\d+\.\d+)", changes, re.MULTILINE)[0] == i2i.__version__
