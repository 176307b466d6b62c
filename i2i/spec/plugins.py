"""Finding plug-ins; one that fails harms nobody else."""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import inspect
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pluggy

from i2i.core import hookspecs
from i2i.core.errors import I2IError, nearest
from i2i.core.registry import Registry
from i2i.spec import builtin

GROUP = "i2i"


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
    found.plugins.append(_register(found, "i2i", builtin, _version("i2i-toolkit")))
    for entry in sorted(
        importlib.metadata.entry_points(group=GROUP), key=lambda e: (not _bundled(e), e.name)
    ):
        found.plugins.append(_load(found, entry))
    for file in files:
        found.plugins.append(_load_file(found, file))
        found.files[str(file)] = file_hash(file)
    found.broken.update({p.name: p.problem for p in found.plugins if p.problem})
    found.versions.update({p.module: p.version for p in found.plugins})
    return found


def _load(registry: Registry, entry: importlib.metadata.EntryPoint) -> Plugin:
    version = entry.dist.version if entry.dist else "?"
    try:
        return _register(registry, entry.name, entry.load(), version)
    except (Exception, SystemExit) as error:
        return Plugin(entry.name, entry.value, version, _sentence(error))


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
        spec.loader.exec_module(module)
        return _register(registry, file.stem, module, "file")
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise I2IError(f"--plugin {file}: it failed to load: {_sentence(error)}") from error


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


def _sentence(error: BaseException) -> str:
    text = str(error) if isinstance(error, I2IError) else f"{type(error).__name__}: {error}"
    frames = (
        inspect.getinnerframes(error.__traceback__)
        if error.__traceback__ and not isinstance(error, (I2IError, SyntaxError))
        else []
    )
    return f"{text} ({frames[-1].filename}, line {frames[-1].lineno})" if frames else text


def _bundled(entry: importlib.metadata.EntryPoint) -> bool:
    return entry.dist is not None and entry.dist.name == "i2i-toolkit"


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return "?"


def file_hash(file: Path) -> str:
    """What identifies a plug-in file."""
    return hashlib.sha256(file.read_bytes()).hexdigest()
