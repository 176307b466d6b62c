"""Finding plug-ins; one that fails harms nobody else."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import Any

import pluggy

from i2i.core import hookspecs
from i2i.core.errors import I2IError, nearest
from i2i.core.extras import DISTRIBUTION
from i2i.core.registry import Registry
from i2i.spec import builtin
from i2i.spec.installed import installed, version_of
from i2i.spec.shield import PluginError, shielded


@dataclass(frozen=True)
class Plugin:
    """An installed plug-in: who ships it, and what is wrong with it, if anything."""

    name: str
    module: str
    version: str
    problem: str = ""


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
    found.plugins.append(_register(found, "i2i", builtin, version_of(DISTRIBUTION)))
    for entry, version in installed():
        found.plugins.append(_load(found, entry, version))
    for file in files:
        found.plugins.append(_load_file(found, file))
        found.files[str(file)] = file_hash(file)
    found.broken.update({p.name: p.problem for p in found.plugins if p.problem})
    found.versions.update({p.module: p.version for p in found.plugins})
    return found


def _load(registry: Registry, entry: EntryPoint, version: str) -> Plugin:
    try:
        with shielded():
            return _register(registry, entry.name, entry.load(), version)
    except PluginError as error:
        return Plugin(entry.name, entry.value, version, str(error))


def _load_file(registry: Registry, file: Path) -> Plugin:
    if not file.is_file():
        hint = nearest(file.name, [p.name for p in file.parent.glob("*.py")]) if file.parent.is_dir() else ""
        raise I2IError(f"--plugin {file}: there is no such file\n    {hint}")
    name = f"i2i_plugin_{file.stem}_{hashlib.sha256(str(file.resolve()).encode()).hexdigest()[:8]}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise I2IError(f"--plugin {file}: this is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickled data workers look their module up there
    try:
        with shielded():
            spec.loader.exec_module(module)
            return _register(registry, file.stem, module, "file")
    except PluginError as error:
        sys.modules.pop(name, None)
        raise I2IError(f"--plugin {file}: it failed to load: {error}") from error.__cause__


def _register(registry: Registry, name: str, module: Any, version: str) -> Plugin:
    """Call one plug-in's hook into a registry of its own, and take that over if all went well."""
    manager = pluggy.PluginManager("i2i")
    manager.add_hookspecs(hookspecs)
    manager.register(module, name)
    manager.check_pending()
    if not manager.hook.i2i_register.get_hookimpls():
        raise I2IError("it has no function i2i_register marked with @i2i.hookimpl")
    scratch = Registry(_owner(module))
    manager.hook.i2i_register(registry=scratch)
    registry.merge(scratch)
    return Plugin(name, _owner(module), version)


def _owner(module: Any) -> str:
    return module.__name__ if isinstance(module, ModuleType) else type(module).__name__


def file_hash(file: Path) -> str:
    """What identifies a plug-in file."""
    return hashlib.sha256(file.read_bytes()).hexdigest()
