"""Gradio, which draws the page: imported where a page is made."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from i2i.core.extras import needs

ASIDE: Mapping[str, Any] = MappingProxyType({"api_visibility": "private", "queue": False})
"""Of events that cost no time, and need not wait for the model."""


def gradio() -> Any:
    """The module.

    Raises:
        I2IError: it is not installed.
    """
    return needs("gradio", "serve", "for the web page")
