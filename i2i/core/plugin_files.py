"""Plug-ins that are one Python file: they run as modules, and go to worker processes with their file."""

from __future__ import annotations

import importlib.util
import operator
import sys
from hashlib import sha256
from inspect import isclass, isfunction
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from types import ModuleType
from typing import Any

from i2i.core.errors import I2IError

PREFIX = "i2i_plugin_"


def module_name(file: Path) -> str:
    """What the module of a file is called: files of one name in two folders are two modules."""
    return f"{PREFIX}{file.stem}_{sha256(str(file.resolve()).encode()).hexdigest()[:8]}"


def run_file(file: Path, name: str) -> ModuleType:
    """Run a Python file as a module of this name.

    Raises:
        I2IError: it is no Python file.
    """
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise I2IError("this is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up there
    spec.loader.exec_module(module)
    return module


class WorkerPickler(ForkingPickler):
    """Writes objects for a worker process, which runs the files of the plug-ins that they are of.

    One that is spawned, as on macOS and Windows, begins without them.
    """

    def reducer_override(self, obj: Any) -> Any:
        """Classes and functions of a file by its path; everything else as usual."""
        name = str(obj.__module__) if isclass(obj) or isfunction(obj) else ""
        if not name.startswith(PREFIX) or name not in sys.modules or "<" in obj.__qualname__:
            return NotImplemented
        return _found_in, (name, str(sys.modules[name].__file__), obj.__qualname__)


def _found_in(name: str, file: str, qualname: str) -> Any:
    module = sys.modules.get(name) or run_file(Path(file), name)
    return operator.attrgetter(qualname)(module)
