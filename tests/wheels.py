"""Distributions of strangers, made by hand and installed by pip into an environment of their own, beside i2i."""

from __future__ import annotations

import base64
import hashlib
import os
import subprocess
import sys
import venv
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path

from trained import Done


@dataclass(frozen=True)
class Environment:
    """A virtual environment that sees i2i, and whatever is installed into it."""

    folder: Path

    @classmethod
    def fresh(cls, folder: Path) -> Environment:
        """A new one, without anything but what this Python has."""
        venv.create(folder, system_site_packages=True, with_pip=False)
        made = cls(folder)
        # An environment made from another one sees the packages of the Python below, not those of the other.
        here = distribution("i2i-toolkit").locate_file("")
        seen = f"import site; site.addsitedir({str(here)!r})\n"
        (made.packages / "beside.pth").write_text(seen, encoding="utf-8")
        return made

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

    @property
    def packages(self) -> Path:
        """Where pip puts what it installs."""
        (found,) = self.folder.glob("Lib/site-packages" if os.name == "nt" else "lib/python*/site-packages")
        return found

    def install(self, *wheels: Path) -> None:
        """Install wheels, without a network."""
        pip = [sys.executable, "-m", "pip", "--python", self.python, "install", "--quiet"]
        subprocess.run([*pip, "--no-deps", "--no-index", "--no-cache-dir", *wheels], check=True)

    def run(self, *words: object) -> Done:
        """Run its Python: a command line of i2i as `run("-m", "i2i", "check", …)`."""
        done = subprocess.run(
            [self.python, *map(str, words)],
            env={**os.environ, "PYTHONIOENCODING": "utf-8"},
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)


def wheel(folder: Path, name: str, version: str, text: str, asks: Sequence[str] = ("i2i-toolkit",)) -> Path:
    """A distribution with one module, as a build tool would pack it: a wheel is a zip, and needs no tool."""
    module, info = name.replace("-", "_"), f"{name.replace('-', '_')}-{version}.dist-info"
    requires = "".join(f"Requires-Dist: {line}\n" for line in asks)
    files = {
        f"{module}.py": text,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{requires}",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[i2i]\n{module.removeprefix('i2i_')} = {module}\n",
    }
    files[f"{info}/RECORD"] = "".join(
        f"{path},{_digest(text)},{len(text.encode())}\n" for path, text in files.items()
    )
    path = folder / f"{module}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for inside, content in files.items():
            archive.writestr(inside, content)
    return path


def _digest(text: str) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
