"""The toolkit names no method: what a method needs is a term, a phase or a part."""

import ast
import re
from collections.abc import Iterator

import pytest
from reading import PACKAGE, PLUGINS, python_files, short, tree

import i2i

# Strategies whose names are also words of the field, such as the losses that are called `gan`.
WORDS_OF_THE_FIELD = {"gan", "cgan", "cut", "spade", "bridge", "timm"}


def words(code: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and text of every name and every string of the code; documentation is not code."""
    prose = {id(node.value) for node in ast.walk(code) if isinstance(node, ast.Expr)}
    for node in ast.walk(code):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            yield node.lineno, node.value
        for field in ("id", "attr", "arg", "name", "asname", "module"):
            text = getattr(node, field, None)
            if isinstance(text, str):
                yield getattr(node, "lineno", 0), text


def plain(text: str) -> str:
    return re.sub(r"[-_ ]", "", text.lower())


def methods_named(code: ast.Module, methods: set[str]) -> Iterator[str]:
    """Where the code names a method."""
    for line, text in words(code):
        yield from (
            f"line {line}: {text!r} names {method}" for method in sorted(methods) if method in plain(text)
        )


def bundled_methods() -> set[str]:
    """The method families that we ship."""
    return {
        folder.name.removeprefix("i2i_") for folder in PLUGINS.iterdir() if (folder / "__init__.py").is_file()
    }


def registered_methods() -> set[str]:
    return {component.name for component in i2i.discover() if component.kind == "strategy"}


def test_i2i_names_no_method() -> None:
    methods = {plain(name) for name in bundled_methods() | registered_methods()} - WORDS_OF_THE_FIELD
    assert {"pix2pix", "cyclegan"} <= methods
    assert not [
        f"{short(p)}, {fault}" for p in python_files(PACKAGE) for fault in methods_named(tree(p), methods)
    ]


@pytest.mark.parametrize(
    "line",
    [
        "if strategy.name == 'pix2pix': pass",
        "class Pix2PixLoss: pass",
        "import i2i_pix2pix",
        "def f(pix2pix=1): pass",
    ],
)
def test_the_name_of_a_method_is_seen(line: str) -> None:
    assert list(methods_named(ast.parse(line), {"pix2pix"}))


def test_documentation_may_name_a_method() -> None:
    code = ast.parse("'''The U-Net of pix2pix.'''\nunet = 1  # as pix2pix has it")
    assert not list(methods_named(code, {"pix2pix"}))
