"""New plug-ins, written for tests, and the tools that look at them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from helpers import registry

from i2i.scaffold import new_plugin
from i2i.scaffold.names import checked


def written(folder: Path, name: str, kind: str) -> Path:
    """The module of a new plug-in in a folder of its own."""
    made = new_plugin(name, kind, registry(), folder / f"{kind}-{name}")
    return made.folder / checked(name).file


def tool(folder: Path, *words: object) -> subprocess.CompletedProcess[str]:
    """A tool that Python runs, in a folder."""
    return subprocess.run(
        [sys.executable, "-m", *map(str, words)],
        cwd=folder,
        env={**os.environ, "PYTHONIOENCODING": "utf-8", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
