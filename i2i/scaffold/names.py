"""The name of a new plug-in, and everything that is called after it."""

from __future__ import annotations

import ast
import builtins
import importlib.util
import keyword
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from i2i.core.errors import I2IError

NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
LEAST, MOST = 2, 24
"""Characters of a name: longer ones would break the lines of the templates."""
PREFIX = "i2i-"
ALLOWED = f"{LEAST} to {MOST} lower-case letters, digits and single dashes, a letter first"


@dataclass(frozen=True)
class Names:
    """What is called after a plug-in.

    Attributes:
        name: what a spec writes: `edge-distance`.
    """

    name: str

    @property
    def distribution(self) -> str:
        """What pip installs: `i2i-edge-distance`."""
        return f"{PREFIX}{self.name}"

    @property
    def module(self) -> str:
        """What Python imports: `i2i_edge_distance`."""
        return self.distribution.replace("-", "_")

    @property
    def file(self) -> Path:
        """Where that is, in the package."""
        return Path(f"{self.module}.py")

    @property
    def function(self) -> str:
        """A function of that name: `edge_distance`."""
        return self.name.replace("-", "_")

    @property
    def type(self) -> str:
        """A class of that name: `EdgeDistance`."""
        return "".join(word.capitalize() for word in self.name.split("-"))

    @property
    def title(self) -> str:
        """The name in a text: `Edge distance`."""
        return self.name.replace("-", " ").capitalize()


def checked(given: str) -> Names:
    """The names of a new plug-in.

    Raises:
        I2IError: it is no name, or a package is called so already; the sentence says what would be one.
    """
    if not _fits(given) or given.startswith(PREFIX):
        raise I2IError(f"'{given}' cannot name a plug-in: {_fault(given)}\n    {_suggestion(given)}")
    names = Names(given)
    if _installed(names):
        raise I2IError(
            f"a package {names.distribution} or a module {names.module} is installed already; choose another name"
        )
    return names


def check_words(names: Names, code: Iterable[str]) -> None:
    """See that the code of a plug-in does not use its name for something else, the code of its test included.

    Raises:
        I2IError: it does, or Python or pytest does.
    """
    instead = f"choose another name, such as '{f'my-{names.name}'[:MOST].rstrip('-')}'"
    if names.function.startswith("test"):
        raise I2IError(
            f"'{names.name}' cannot name a plug-in: pytest takes what begins with 'test' for a test; {instead}"
        )
    words = {word for text in code for word in _words(text)}
    taken = {*keyword.kwlist, *keyword.softkwlist, *dir(builtins), *words}
    for word in (names.function, names.type):
        if word in taken:
            raise I2IError(
                f"'{names.name}' cannot name this plug-in: '{word}' means something else in its code; {instead}"
            )


def _words(code: str) -> Iterator[str]:
    """The names that a module imports, defines and uses; of a dotted one the first part."""
    for node in ast.walk(ast.parse(code)):
        for field in ("id", "arg", "name", "asname"):
            if isinstance(word := getattr(node, field, None), str):
                yield word.partition(".")[0]


def _fault(given: str) -> str:
    if given.startswith(PREFIX):
        return f"the package is called {PREFIX}NAME anyway; leave out '{PREFIX}'"
    return f"use {ALLOWED}"


def _suggestion(given: str) -> str:
    """The nearest name that is allowed, in a sentence; `MyLoss_2` is nearly `my-loss-2`."""
    plain = unicodedata.normalize("NFKD", given).encode("ascii", "ignore").decode()
    words = re.findall(r"[a-z0-9]+", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", plain).lower())
    name = re.sub(r"^(i2i-|[^a-z]+)+", "", "-".join(words))[:MOST].strip("-")
    return f"for example '{name if _fits(name) else 'my-plugin'}'"


def _fits(name: str) -> bool:
    return NAME.fullmatch(name) is not None and LEAST <= len(name) <= MOST


def _installed(names: Names) -> bool:
    if importlib.util.find_spec(names.module) is not None:
        return True
    try:
        return bool(version(names.distribution))
    except PackageNotFoundError:
        return False
