"""Names of earlier days: an old one works for the documented time, and says what it is called now."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from packaging.version import InvalidVersion, Version

from i2i.core.errors import I2IError, I2IWarning, Problem, SpecError, nearest
from i2i.core.extras import DISTRIBUTION


@dataclass(frozen=True)
class Renamed:
    """What a public name is called now, and the first version of i2i that does not know the old one any more."""

    now: str
    until: str


# As in: "i2i.losses.smooth_l1": Renamed("i2i.losses.huber", until="0.3")
PUBLIC: Mapping[str, Renamed] = MappingProxyType({})


@dataclass(frozen=True)
class Former:
    """What a component was called.

    Attributes:
        names: its own old names.
        options: the old names of options, each with the new one.
        until: the first version of its package that does not know them any more.
    """

    names: Sequence[str] = ()
    options: Mapping[str, str] = field(default_factory=dict)
    until: str = ""

    def check(self, component: str, name: str, options: Collection[str]) -> None:
        """Refuse old names that cannot stand for new ones: a mistake of the component's author.

        Raises:
            I2IError: there is one.
        """
        if isinstance(self.names, str):
            raise I2IError(f"{component}: write Former(names=('{self.names}',), …), with the comma")
        if (self.names or self.options) and not self.until:
            raise I2IError(
                f"{component}: its old names need an end: Former(…, until='the version without them')"
            )
        if self.until and not _is_version(self.until):
            raise I2IError(f"{component}: until='{self.until}' is no version, such as '2.0'")
        if name in self.names:
            raise I2IError(f"{component}: '{name}' cannot be an old name, it is called so now")
        for old, new in self.options.items():
            if new not in options:
                hint = nearest(new, options)
                raise I2IError(
                    f"{component}: '{old}' is the old name of '{new}', which is no option\n    {hint}"
                )
            if old in options:
                raise I2IError(f"{component}: '{old}' cannot be an old name, an option is called so now")

    def up_to_date(self, given: Mapping[str, Any], at: str, component: str, package: str) -> dict[str, Any]:
        """Options by the names they have now; who writes old ones is told.

        Raises:
            SpecError: an option is given by two names.
        """
        for old, new in self.options.items():
            names = [key for key in given if self.options.get(key, key) == new]
            if old in names and len(names) > 1:
                both = f"'{new}' is given by two names, '{names[0]}' and '{names[1]}'; keep '{new}'"
                raise SpecError([Problem(f"{at}.{old}", both)])
            if old in names:
                tell(f"{at}: option '{old}' of {component}", f"'{new}'", package, self.until)
        return {self.options.get(key, key): value for key, value in given.items()}


def public(module: str, name: str, known: str = "") -> Any:
    """What the old name of something public stands for; for the `__getattr__` of a module.

    Args:
        module: the module that was asked.
        name: what it was asked for.
        known: what it has, for the message.

    Raises:
        AttributeError: it never had such a name, or does not have it any more.
    """
    old = f"{module}.{name}"
    if old not in PUBLIC:
        raise AttributeError(f"{module} has no '{name}'" + f"; it has {known}" * bool(known))
    renamed = PUBLIC[old]
    warnings.warn(_sentence(old, renamed.now, DISTRIBUTION, renamed.until), FutureWarning, stacklevel=3)
    home, _, last = renamed.now.rpartition(".")
    return getattr(importlib.import_module(home), last)


def tell(old: str, now: str, package: str, until: str) -> None:
    """Say that a spec uses an old name."""
    warnings.warn(_sentence(old, now, package, until), I2IWarning, stacklevel=2)


def _is_version(text: str) -> bool:
    try:
        return bool(Version(text))
    except InvalidVersion:
        return False


def _sentence(old: str, now: str, package: str, until: str) -> str:
    return f"{old} is now called {now}; the old name works until {package} {until}"
