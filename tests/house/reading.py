"""Reading the repository's own files, for the tests of the house."""

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE, PLUGINS = ROOT / "i2i", ROOT / "plugins"


def python_files(*folders: Path) -> list[Path]:
    """Every Python file below the folders."""
    return sorted(file for folder in folders for file in folder.rglob("*.py"))


def short(path: Path) -> str:
    """A path as the repository names it, on every system."""
    return path.relative_to(ROOT).as_posix()


def tree(path: Path) -> ast.Module:
    """A file's syntax tree."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imports(code: ast.AST, package: str) -> Iterator[tuple[int, str]]:
    """Line and full dotted name of everything imported anywhere in a file of `package`."""
    for node in ast.walk(code):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            home = ".".join([*_above(package, node.level), *(node.module or "").split(".")]).strip(".")
            yield from ((node.lineno, f"{home}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call) and _last_name(node.func) in ("import_module", "__import__"):
            yield from ((node.lineno, a.value) for a in node.args[:1] if isinstance(a, ast.Constant))


def uses_of(code: ast.AST, name: str) -> Iterator[tuple[int, str]]:
    """Line and full dotted name of every attribute taken directly from `name`."""
    for node in ast.walk(code):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == name:
            yield node.lineno, f"{name}.{node.attr}"


def package_of(path: Path, source_root: Path = ROOT) -> str:
    """The dotted name of the folder that a file is in."""
    return ".".join(path.relative_to(source_root).parent.parts)


@cache
def repository_files() -> tuple[Path, ...]:
    """Every file that is, or could be, committed."""
    if not (ROOT / ".git").exists():
        pytest.skip("this is not a git checkout")
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(
        command, cwd=ROOT, check=True, capture_output=True, text=True, encoding="utf-8"
    ).stdout
    return tuple(ROOT / name for name in names.split("\0") if name and (ROOT / name).is_file())


def _above(package: str, level: int) -> list[str]:
    parts = package.split(".")
    return parts[: len(parts) - level + 1] if level else []


def _last_name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
