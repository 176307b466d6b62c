"""Judging results against the truth."""

from __future__ import annotations

from torch import Tensor

from i2i.core.hookspecs import hookimpl
from i2i.core.registry import Registry


def l1(output: Tensor, truth: Tensor) -> float:
    """Mean absolute difference, on the scale of [-1, 1]."""
    return float((output - truth).abs().mean())


@hookimpl
def i2i_register(registry: Registry) -> None:
    """Register the metrics."""
    registry.add("metric", "l1", l1)
