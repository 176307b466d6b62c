"""Imports point down: a file imports from its own folder and from the floors below."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from reading import PACKAGE, PLUGINS, imports, package_of, python_files, short, tree, uses_of

import i2i

FLOORS = (
    ("core",),
    ("nets", "losses", "pictures"),
    ("metrics",),
    ("data",),
    ("engine",),
    ("spec",),
    ("translate",),
    ("report",),
    ("run",),
    ("speed",),
    ("importing",),
    ("serve", "testing", "scaffold"),
    ("cli",),
    ("__main__",),
)
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
# The list of exports: it names every floor and imports none.
EXPORTS = PACKAGE / "__init__.py"
PUBLIC_LIBRARIES = ("i2i", "i2i.nets", "i2i.losses")
# What only the engine may hold.
ENGINE_ONLY = ("torch.amp", "torch.cuda", "torch.distributed", "torch.optim")

FILES = [path for path in python_files(PACKAGE) if path != EXPORTS]
PLUGIN_FILES = python_files(PLUGINS)


def room_of(name: str) -> str:
    """The folder of i2i that a dotted name leads to; empty for what i2i itself says (`i2i.__version__`)."""
    _, _, rest = name.partition(".")
    first = rest.split(".")[0]
    home = next((home for home, names in i2i._HOMES.items() if first in names), "")
    return home.split(".")[1] if home else "" if first.startswith("__") else first


def reached(code: ast.AST, package: str) -> Iterator[tuple[int, str]]:
    """What a file takes from i2i or from a plug-in, and on which line."""
    for line, name in [*imports(code, package), *uses_of(code, "i2i")]:
        if name.startswith(("i2i.", "i2i_")):
            yield line, name


def upward(code: ast.AST, package: str, room: str) -> Iterator[str]:
    """The imports of a file in `room` that point up, sideways, or to a plug-in."""
    for line, name in reached(code, package):
        other = room_of(name) if name.startswith("i2i.") else name
        if other not in (room, "") and FLOOR.get(other, len(FLOORS)) >= FLOOR[room]:
            yield f"line {line}: {room} imports {name}"


def unfit_for_plugin(code: ast.AST, package: str) -> Iterator[str]:
    """The imports of a plug-in that reach behind the public libraries, or into another plug-in."""
    own = package.split(".")[0]
    for line, name in reached(code, package):
        home, _, last = name.rpartition(".")
        public = home in PUBLIC_LIBRARIES and (home != "i2i" or last in (*i2i.__all__, "nets", "losses"))
        if not public and name not in PUBLIC_LIBRARIES and name.split(".")[0] != own:
            yield f"line {line}: {own} imports {name}"


def of_engine(code: ast.AST, package: str) -> Iterator[str]:
    """The imports that only the engine may make."""
    names = [*imports(code, package), *uses_of(code, "torch")]
    return (f"line {line}: {name}" for line, name in names if name.startswith(ENGINE_ONLY))


def room_of_file(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", FILES, ids=short)
def test_imports_point_down(path: Path) -> None:
    assert room_of_file(path) in FLOOR, "this folder stands on no floor; write it into FLOORS"
    assert not list(upward(tree(path), package_of(path), room_of_file(path)))


@pytest.mark.parametrize("path", PLUGIN_FILES, ids=short)
def test_plugins_import_the_public_libraries_only(path: Path) -> None:
    code, package = tree(path), package_of(path, PLUGINS)
    assert not [*unfit_for_plugin(code, package), *of_engine(code, package)]


def test_one_file_imports_torch_distributed() -> None:
    users = {
        short(path)
        for path in FILES
        for _, name in [*imports(tree(path), package_of(path)), *uses_of(tree(path), "torch")]
        if name.startswith("torch.distributed")
    }
    assert users <= {"i2i/engine/parallel.py"}


@pytest.mark.parametrize(
    "line",
    [
        "from i2i.run import folder",
        "from i2i.losses import l1",
        "from i2i import Spec",
        "from i2i import engine",
        "import i2i.cli.main",
        "from ..engine import loop",
        "import i2i_cyclegan",
        "def late():\n    from i2i.engine.loop import Engine",
        "if TYPE_CHECKING:\n    from i2i.spec.spec import Spec",
        "import i2i\nload = i2i.load",
        "importlib.import_module('i2i.engine')",
        "from i2i.unknown import x",
    ],
)
def test_an_import_that_points_up_is_seen(line: str) -> None:
    assert list(upward(ast.parse(line), "i2i.nets", "nets"))


@pytest.mark.parametrize(
    "line",
    [
        "from i2i.core.errors import I2IError",
        "from i2i.nets.blocks import ConvBlock",
        "from i2i import Ref, nets",
        "from . import blocks",
        "import i2i\nversion = i2i.__version__",
        "import torch",
    ],
)
def test_an_import_that_points_down_passes(line: str) -> None:
    assert not list(upward(ast.parse(line), "i2i.nets", "nets"))


@pytest.mark.parametrize(
    "line",
    [
        "from i2i.engine import loop",
        "from i2i.core.strategy import Phase",
        "from i2i.nets.unet import UNet",
        "from i2i import engine",
        "import i2i\nnet = i2i.data",
        "from i2i_pix2pix import Pix2Pix",
        "import torch\nbest = torch.optim.Adam",
        "from torch.distributed import all_reduce",
    ],
)
def test_a_plugin_that_reaches_too_far_is_seen(line: str) -> None:
    code = ast.parse(line)
    assert [*unfit_for_plugin(code, "i2i_new"), *of_engine(code, "i2i_new")]


def test_a_plugin_may_use_the_public_libraries_and_itself() -> None:
    code = ast.parse(
        "import i2i\nfrom i2i import Ref, losses\nfrom i2i.nets import UNet\nfrom i2i.losses import l1\n"
        "from i2i_new.network import Network\nfrom . import network\nphase = i2i.Phase\nimport torch, timm"
    )
    assert not [*unfit_for_plugin(code, "i2i_new"), *of_engine(code, "i2i_new")]
