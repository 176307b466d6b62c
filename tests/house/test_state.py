"""No hidden state: what changes is passed as a value, and what is stored can be read without running code."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from reading import PACKAGE, PLUGINS, imports, python_files, short, tree, uses_of

FILES = python_files(PACKAGE, PLUGINS)
CONSTANT = re.compile(r"_{0,2}[A-Z][A-Z0-9_]*|__all__")
CONTAINERS = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
MAKERS = {"list", "dict", "set", "bytearray", "deque", "defaultdict", "OrderedDict", "Counter"}
# One of these at the top of a module would be the registry of the whole process.
MANAGERS = {"Registry", "PluginManager"}
CHANGES = {
    "append",
    "extend",
    "insert",
    "remove",
    "pop",
    "popitem",
    "clear",
    "update",
    "setdefault",
    "add",
    "discard",
}
MAY_READ_ENVIRONMENT = ("i2i/cli/", "i2i/engine/parallel.py")
ENVIRONMENT = {"os.environ", "os.environb", "os.getenv", "os.putenv", "os.unsetenv"}
RUNS_CODE = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}
TORCH_PICKLES = {"torch.load", "torch.save", "torch.serialization"}
# Other projects' weights are pickles; this file reads them, and nothing else in them.
MAY_LOAD_WEIGHTS = "i2i/importing/weights.py"
WEIGHTS_ALONE = {"weights_only": True, "map_location": "cpu"}


def module_level(code: ast.Module) -> Iterator[ast.stmt]:
    """The statements that run on import, those under `if`, `try`, `with` and `for` included."""
    waiting: list[ast.AST] = list(code.body)
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.expr)):
            continue
        if isinstance(node, ast.stmt):
            yield node
        waiting += ast.iter_child_nodes(node)


def assigned(code: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """Every name given a value on import, and the value."""
    for node in module_level(code):
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        value = getattr(node, "value", None)
        for target in targets:
            if isinstance(target, ast.Name) and isinstance(value, ast.expr):
                yield target.id, value


def called(value: ast.expr) -> str:
    function = value.func if isinstance(value, ast.Call) else None
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def mutable_values(code: ast.Module) -> Iterator[str]:
    """Module-level containers that do not look like constants, and managers under any name."""
    for name, value in assigned(code):
        container = isinstance(value, CONTAINERS) or called(value) in MAKERS
        if called(value) in MANAGERS or (container and not CONSTANT.fullmatch(name)):
            yield f"line {value.lineno}: {name} is state of the module"


def changed_constants(code: ast.Module) -> Iterator[str]:
    """Module-level constants that some code in the file changes."""
    constants = {name for name, _ in assigned(code) if CONSTANT.fullmatch(name)}
    for node in ast.walk(code):
        changed = None
        if isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load):
            changed = node.value
        elif (
            isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CHANGES
        ):
            changed = node.func.value
        elif isinstance(node, ast.AugAssign):
            changed = node.target
        if isinstance(changed, ast.Name) and changed.id in constants:
            yield f"line {node.lineno}: {changed.id} is changed"


def global_names(code: ast.Module) -> Iterator[str]:
    for node in ast.walk(code):
        if isinstance(node, ast.Global):
            yield f"line {node.lineno}: global {', '.join(node.names)}"


def environment_reads(code: ast.Module) -> Iterator[str]:
    for line, name in [*imports(code, ""), *uses_of(code, "os")]:
        if name in ENVIRONMENT:
            yield f"line {line}: {name}"


def pickles(code: ast.Module) -> Iterator[str]:
    """Storing or reading in a form that runs code when it is read."""
    for line, name in [*imports(code, ""), *uses_of(code, "torch")]:
        if name.split(".")[0] in RUNS_CODE or name in TORCH_PICKLES:
            yield f"line {line}: {name}"
    for node in ast.walk(code):
        if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
            yield f"line {node.value.lineno}: allow_pickle"


@pytest.mark.parametrize("path", FILES, ids=short)
def test_no_state_in_modules(path: Path) -> None:
    code = tree(path)
    assert not [*mutable_values(code), *changed_constants(code), *global_names(code)]


@pytest.mark.parametrize("path", FILES, ids=short)
def test_the_environment_is_read_in_two_places(path: Path) -> None:
    assert short(path).startswith(MAY_READ_ENVIRONMENT) or not list(environment_reads(tree(path)))


def loads(code: ast.Module) -> Iterator[dict[str, object]]:
    """The literal keywords of every call of `torch.load`; `...` stands for what is no literal."""
    for node in ast.walk(code):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load":
            yield {
                k.arg or "**": k.value.value if isinstance(k.value, ast.Constant) else ...
                for k in node.keywords
            }


@pytest.mark.parametrize("path", FILES, ids=short)
def test_nothing_is_pickled(path: Path) -> None:
    found = list(pickles(tree(path)))
    if short(path) == MAY_LOAD_WEIGHTS:
        assert [line.partition(": ")[2] for line in found] == ["torch.load"]
        assert list(loads(tree(path))) == [WEIGHTS_ALONE]
    else:
        assert not found


@pytest.mark.parametrize(
    "line",
    [
        "seen = []",
        "seen: dict[str, int] = {}",
        "_cache = set()",
        "if True:\n    cache = collections.defaultdict(list)",
        "REGISTRY = Registry('i2i')",
        "NAMES = {}\ndef keep(n):\n    NAMES[n] = 1",
        "NAMES = []\ndef keep(n):\n    NAMES.append(n)",
        "def count():\n    global total",
    ],
)
def test_state_in_a_module_is_seen(line: str) -> None:
    code = ast.parse(line)
    assert [*mutable_values(code), *changed_constants(code), *global_names(code)]


def test_constants_and_local_values_pass() -> None:
    code = ast.parse(
        "NAMES = ['a']\n_HOMES = {}\n__all__ = []\npair = (1, 2)\ndef f():\n    seen = []\n    seen.append(1)"
    )
    assert not [*mutable_values(code), *changed_constants(code), *global_names(code)]


@pytest.mark.parametrize(
    "line", ["import os\nos.environ['A']", "from os import getenv", "import os\nos.getenv('A')"]
)
def test_a_read_of_the_environment_is_seen(line: str) -> None:
    assert list(environment_reads(ast.parse(line)))


@pytest.mark.parametrize(
    "line",
    [
        "import pickle",
        "import torch\ntorch.load(f)",
        "from torch import save",
        "np.load(f, allow_pickle=True)",
    ],
)
def test_a_pickle_is_seen(line: str) -> None:
    assert list(pickles(ast.parse(line)))


@pytest.mark.parametrize(
    "line",
    [
        "torch.load(f)",
        "torch.load(f, map_location='cpu', weights_only=False)",
        "torch.load(f, map_location='cpu', weights_only=safe)",
        "torch.load(f, map_location='cpu', **options)",
        "torch.load(f, map_location='cpu', weights_only=True, pickle_module=p)",
    ],
)
def test_a_load_that_may_run_code_is_seen(line: str) -> None:
    assert list(loads(ast.parse(line))) != [WEIGHTS_ALONE]
