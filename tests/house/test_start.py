"""A quick start: i2i and its command line say who they are without waiting for torch."""

import ast
import subprocess
import sys

import pytest
from reading import PACKAGE, ROOT, tree

import i2i

SAY_WHETHER_TORCH_CAME = "\nprint('torch came' if 'torch' in sys.modules else 'torch stayed away')"


# What neither a check nor an eager run needs; torch's compiler alone takes as long to import as torch.
HEAVY = (
    "torch._dynamo",
    "sympy",
    "torch._inductor",
    "torchvision",
    "timm",
    "onnx",
    "av",
    "rasterio",
    "gradio",
    "torchmetrics",
    "plotly",
    "wandb",
    "mlflow",
)
DEMO = str(ROOT / "examples" / "cyclegan-demo.toml")
SAY_WHAT_CAME = f"\nprint('came:', [name for name in {HEAVY!r} if name in sys.modules])"


def run_python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def declared_for_types() -> set[tuple[str, str]]:
    """Home and name of every export that type checkers are told."""
    blocks = [node for node in tree(PACKAGE / "__init__.py").body if isinstance(node, ast.If)]
    (block,) = [
        node for node in blocks if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    ]
    return {
        (str(line.module), alias.asname or alias.name)
        for line in block.body
        if isinstance(line, ast.ImportFrom) and line.module != "i2i"  # whole folders
        for alias in line.names
    }


def test_import_leaves_torch_alone() -> None:
    assert "torch stayed away" in run_python(
        "import sys, i2i; i2i.__version__; dir(i2i)" + SAY_WHETHER_TORCH_CAME
    )


def test_help_leaves_torch_alone() -> None:
    told = run_python(
        "import sys\n"
        "from i2i.cli.main import main\n"
        "sys.argv = ['i2i', '--help']\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code, end.code"
        + SAY_WHETHER_TORCH_CAME
    )
    assert "Usage" in told
    assert "torch stayed away" in told


def test_a_check_imports_no_compiler() -> None:
    told = run_python(f"import sys, i2i\ni2i.check({DEMO!r}, fast=True)" + SAY_WHAT_CAME)
    assert told.splitlines()[-1] == "came: []"


def test_a_first_step_imports_no_compiler() -> None:
    told = run_python(
        "import sys, tempfile, i2i\n"
        "with tempfile.TemporaryDirectory() as folder:\n"
        f"    run = i2i.build({DEMO!r}, out=folder + '/run', settings=['train.steps=2'])\n"
        "    next(steps := run.steps())\n"
        "    steps.close()" + SAY_WHAT_CAME
    )
    assert told.splitlines()[-1] == "came: []"


@pytest.mark.parametrize("name", i2i.__all__)
def test_every_export_is_there(name: str) -> None:
    assert getattr(i2i, name) is not None


def test_exports_and_types_agree() -> None:
    assert declared_for_types() == {(home, name) for home, names in i2i._HOMES.items() for name in names}


def test_no_export_has_two_homes() -> None:
    assert len(i2i.__all__) == len(set(i2i.__all__))


@pytest.mark.parametrize("library", ["nets", "losses", "data"])
def test_libraries_are_reached_by_attribute(library: str) -> None:
    assert getattr(i2i, library).__name__ == f"i2i.{library}"


def test_an_unknown_name_lists_what_is_there() -> None:
    with pytest.raises(AttributeError, match=r"i2i has no 'registry'; it has .*Registry"):
        i2i.registry  # noqa: B018
