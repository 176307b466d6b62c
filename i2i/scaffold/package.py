"""A plug-in of one's own: a package that installs, passes its own test, and is found at once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from string import Template
from types import MappingProxyType

import i2i
from i2i.core.errors import I2IError, nearest
from i2i.core.extras import DISTRIBUTION
from i2i.core.registry import Registry
from i2i.core.words import quoted
from i2i.scaffold.names import Names, check_words, checked

# kind -> what such a plug-in is, in its texts; each has a folder of templates
TEMPLATES: Mapping[str, str] = MappingProxyType(
    {
        "loss": "a loss",
        "generator": "a generator",
        "strategy": "a method",
        "data": "a data set",
        "metric": "a metric",
        "logger": "a logger",
        "importer": "an importer of weights",
    }
)

NEUTRAL = Names("no-name-at-all")
"""A name that no template uses."""


@dataclass(frozen=True)
class NewPlugin:
    """A package that was written.

    Attributes:
        folder: where it is.
        files: what was written, relative to the folder.
        kind: of the component that it is about.
        component: its name in a spec.
    """

    folder: Path
    files: tuple[Path, ...]
    kind: str
    component: str

    def summary(self) -> str:
        """The files, and what to type next."""
        return "\n".join(
            [
                *(str(self.folder / file) for file in self.files),
                "next:",
                f"    pip install -e {quoted(f'{self.folder}[test]')}",
                f"    pytest {quoted(self.folder)}",
                f"    i2i show {self.kind} {self.component}",
            ]
        )


def new_plugin(name: str, kind: str, registry: Registry, out: Path | None = None) -> NewPlugin:
    """Write the package of a new plug-in.

    Args:
        name: of its component; the distribution is called `i2i-NAME`, its module `i2i_NAME`.
        kind: of its component, one of `TEMPLATES`.
        registry: what is installed, so that no name is given twice.
        out: the folder to write, by default `i2i-NAME` here.

    Raises:
        I2IError: no such kind, a name that cannot be used, or a folder that is there already.
    """
    if kind not in TEMPLATES:
        raise I2IError(f"there is no template of a '{kind}'\n    {nearest(kind, TEMPLATES)}")
    names, folder = checked(name), out or Path(f"i2i-{name}")
    neutral = _texts(NEUTRAL, kind)
    check_words(names, [text for file, text in neutral.items() if file.suffix == ".py"])
    written = _texts(names, kind)
    components = _registered(written[names.file])
    _refuse_second_owner(registry, components)
    if folder.exists():
        raise I2IError(f"{folder} is there already and is not overwritten; name another folder by --out")
    for file, text in written.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(text, encoding="utf-8", newline="\n")
    return NewPlugin(folder, tuple(written), *components[0])


def _registered(module: str) -> list[tuple[str, str]]:
    """Kind and name of every component that a plug-in registers, the one that it is about first."""
    return re.findall(r'registry\.add\("([^"]+)", "([^"]+)"', module)


def _refuse_second_owner(registry: Registry, components: Iterable[tuple[str, str]]) -> None:
    for kind, name in components:
        if registry.knows(kind, name):
            owner = registry.get(kind, name).owner
            raise I2IError(f"there is a {kind} '{name}' already, from {owner}; choose another name")


def _texts(names: Names, kind: str) -> dict[Path, str]:
    """Every file of the package, relative to its folder."""
    words = {
        "name": names.name,
        "module": names.module,
        "function": names.function,
        "type": names.type,
        "title": names.title,
        "kind": kind,
        "what": TEMPLATES[kind],
        "toolkit": _requirement(i2i.__version__),
    }
    usage = Template(_template(f"{kind}/usage")).substitute(words)
    templates = {
        Path("pyproject.toml"): "pyproject",
        names.file: f"{kind}/module",
        Path("tests", f"test_{names.function}.py"): f"{kind}/test",
        Path("README.md"): "readme",
    }
    return {
        file: Template(_template(template)).substitute(words, usage=usage)
        for file, template in templates.items()
    }


def _template(name: str) -> str:
    return files("i2i.scaffold").joinpath(*f"{name}.txt".split("/")).read_text(encoding="utf-8")


def _requirement(version: str) -> str:
    """What a plug-in written today needs: this minor version, or a later one of the same major version."""
    major, minor, *_ = version.split(".")
    return f"{DISTRIBUTION}>={major}.{minor},<{int(major) + 1}"
