"""The one hook of i2i."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from i2i.core.registry import Registry

hookspec = pluggy.HookspecMarker("i2i")
hookimpl = pluggy.HookimplMarker("i2i")


@hookspec
def i2i_register(registry: Registry) -> None:
    """Add this plug-in's components to the registry."""
