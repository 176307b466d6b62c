"""Finding plug-ins; one that fails harms nobody else."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import Any

import pluggy
from packaging.utils import canonicalize_name

import i2i
from i2i.core import hookspecs
from i2i.core.errors import I2IError, nearest
from i2i.core.extras import DISTRIBUTION
from i2i.core.plugin_files import module_name, run_file
from i2i.core.registry import Package, Registry
from i2i.spec import builtin
from i2i.spec.installed import installed, unmet
from i2i.spec.shield import PluginError, shielded


@dataclass(frozen=True)
class Plugin:
    """An installed plug-in.

    Attributes:
        name: of its entry point, or of its file.
        module: what is imported.
        version: of its package; `file` for a file.
        package: what it is installed with; empty for a file.
        problem: why it cannot be used; empty if it can.
        incompatible: it was not imported, because it asks for another version of i2i.
    """

    name: str
    module: str
    version: str
    package: str = ""
    problem: str = ""
    incompatible: bool = False


@dataclass
class Discovery(Registry):
    """A registry filled by all plug-ins that were found; `broken` says why some are not in it."""

    plugins: list[Plugin] = field(default_factory=list)


def discover(files: Iterable[Path] = ()) -> Discovery:
    """Find every plug-in: our own components, installed packages, then plug-in files, in this order.

    Args:
        files: Python files that hold a plug-in each (`i2i --plugin FILE`).

    Raises:
        I2IError: one of the files cannot be loaded. An installed plug-in that fails is only listed.
    """
    found = Discovery("i2i")
    found.plugins.append(register(found, "i2i", builtin, i2i.__version__, DISTRIBUTION))
    for entry, version in installed():
        found.plugins.append(_load(found, entry, version))
    for file in files:
        found.plugins.append(_load_file(found, file))
        found.files[str(file)] = file_hash(file)
    found.broken.update({p.name: p.problem for p in found.plugins if p.problem})
    found.versions.update({p.module: p.version for p in found.plugins})
    found.packages.update({p.package: _package(p, found.plugins) for p in found.plugins if p.package})
    return found


def _package(plugin: Plugin, plugins: Iterable[Plugin]) -> Package:
    """The package of a plug-in, with what is wrong with any of those it holds."""
    problems = [p.problem for p in plugins if p.package == plugin.package and p.problem]
    return Package(plugin.version, "; ".join(problems))


def _load(registry: Registry, entry: EntryPoint, version: str) -> Plugin:
    package = canonicalize_name(entry.dist.name or "") if entry.dist else ""
    try:
        with shielded():
            asked = unmet(entry.dist, i2i.__version__) if entry.dist and package != DISTRIBUTION else ""
            if asked:
                problem = f"it needs {asked}, and this is {i2i.__version__}: {_together(package)}"
                return Plugin(entry.name, entry.value, version, package, problem, incompatible=True)
            return register(registry, entry.name, entry.load(), version, package)
    except PluginError as error:
        return Plugin(entry.name, entry.value, version, package, str(error))


def _together(package: str) -> str:
    """How versions of a plug-in and of i2i that belong together are found."""
    return f"pip install --upgrade {package} {DISTRIBUTION}"


def _load_file(registry: Registry, file: Path) -> Plugin:
    if not file.is_file():
        hint = nearest(file.name, [p.name for p in file.parent.glob("*.py")]) if file.parent.is_dir() else ""
        raise I2IError(f"--plugin {file}: there is no such file\n    {hint}")
    name = module_name(file)
    try:
        with shielded():
            module = run_file(file, name)
            return register(registry, file.stem, module, "file", "")
    except PluginError as error:
        sys.modules.pop(name, None)
        raise I2IError(f"--plugin {file}: it failed to load: {error}") from error.__cause__


def register(registry: Registry, name: str, module: Any, version: str, package: str) -> Plugin:
    """Call one plug-in's hook into a registry of its own, and take that over if all went well.

    Raises:
        I2IError: it has no such hook, or what it registers is refused.
    """
    manager = pluggy.PluginManager("i2i")
    manager.add_hookspecs(hookspecs)
    manager.register(module, name)
    manager.check_pending()
    if not manager.hook.i2i_register.get_hookimpls():
        raise I2IError("it has no function i2i_register marked with @i2i.hookimpl")
    scratch = Registry(owner_of(module), package)
    manager.hook.i2i_register(registry=scratch)
    registry.merge(scratch)
    return Plugin(name, owner_of(module), version, package)


def owner_of(plugin: Any) -> str:
    """Whose components those of a plug-in are: its module's, or `module:Class` of an object or a class."""
    if isinstance(plugin, ModuleType):
        return plugin.__name__
    whose = plugin if isinstance(plugin, type) else type(plugin)
    return f"{whose.__module__}:{whose.__qualname__}"


def file_hash(file: Path) -> str:
    """What identifies a plug-in file."""
    return hashlib.sha256(file.read_bytes()).hexdigest()
