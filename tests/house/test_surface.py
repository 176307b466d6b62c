"""What plug-ins may rely on: it is written down, and typed as they see it."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from reading import PACKAGE, ROOT, short

from i2i.core import deprecated
from i2i.scaffold import TEMPLATES, new_plugin
from i2i.spec.plugins import discover

PAGE = ROOT / "docs" / "compatibility.md"
PUBLIC = ("i2i", "i2i.losses", "i2i.nets", "i2i.testing")


def written(module: str) -> list[str]:
    """The names that the page lists below the heading of a module."""
    (section,) = re.findall(
        rf"^### `{re.escape(module)}`\n(.*?)(?=^#|\Z)", PAGE.read_text(encoding="utf-8"), re.M | re.S
    )
    return re.findall(r"`(\w+)`", section)


def offered(module: str) -> list[str]:
    names: list[str] = importlib.import_module(module).__all__
    return names


@pytest.mark.parametrize("module", PUBLIC)
def test_no_public_name_is_lost(module: str) -> None:
    lost = [name for name in written(module) if name not in offered(module)]
    known = [name for name in lost if f"{module}.{name}" in deprecated.PUBLIC]
    assert not lost, (
        f"{', '.join(lost)} of {module} is public, and gone: put it back, or name what it is called now in "
        f"i2i/core/deprecated.py, move it to the old names in {short(PAGE)} and say so in CHANGELOG.md"
        + f" (renamed already: {', '.join(known)})"
        * bool(known)
    )


@pytest.mark.parametrize("module", PUBLIC)
def test_every_public_name_is_written_down(module: str) -> None:
    new = sorted({*offered(module)} - {*written(module)})
    assert not new, f"{', '.join(new)} of {module} is public from now on: write it down in {short(PAGE)}"


@pytest.mark.parametrize("module", PUBLIC)
def test_every_public_name_is_there(module: str) -> None:
    assert not [name for name in offered(module) if not hasattr(importlib.import_module(module), name)]


def test_every_old_name_is_written_down() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert all(f"| `{old}` | `{new.now}` | {new.until} |" in page for old, new in deprecated.PUBLIC.items())


def test_types_are_shipped() -> None:
    assert (PACKAGE / "py.typed").is_file()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert not {"exclude", "only-include"} & {*project["tool"]["hatch"]["build"]["targets"]["wheel"]}


def test_a_plug_in_that_uses_all_of_it_passes_strict_mypy(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """As its author would check it: against the installed package, without a setting of ours."""
    every = tmp_path / "every_name.py"
    names = [f"{module}.{name}" for module in PUBLIC for name in offered(module)]
    lines = [*(f"import {module}" for module in PUBLIC), *(f"print({name})" for name in names)]
    every.write_text('"""Uses every public name."""\n\n' + "\n".join(lines) + "\n", encoding="utf-8")
    registry = discover()
    modules = []
    for kind in TEMPLATES:
        new = new_plugin(f"typed-{kind}", kind, registry, tmp_path / kind)
        modules += [new.folder / file for file in new.files if file.suffix == ".py" and file.parent == Path()]
    cache = request.config.cache.mkdir("mypy-strangers")  # type: ignore[union-attr]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", f"--cache-dir={cache}", every, *modules],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout + done.stderr
