"""Checks that hold a plug-in to the contract of the bundled ones; the fixtures of `fixtures.py` come with pytest."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from i2i.core.deprecated import public

if TYPE_CHECKING:
    from i2i.testing.contract import Check as Check
    from i2i.testing.contract import ContractError as ContractError
    from i2i.testing.contract import check as check
    from i2i.testing.contract import checks as checks
    from i2i.testing.contract import rules as rules

__all__ = ["Check", "ContractError", "check", "checks", "rules"]


if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        """A public name; pytest imports this package at every start, and only who asks for one waits for torch."""
        if name in __all__:
            return getattr(importlib.import_module("i2i.testing.contract"), name)
        return public(__name__, name, ", ".join(__all__))
