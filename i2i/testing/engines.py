"""Engines in fp64, and all their tensors."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from i2i.engine.loop import Engine


def in_double(engine: Engine) -> Engine:
    """The engine in fp64."""
    for module in (*engine.net.modules().values(), *engine.ema.values()):
        module.double()
    return engine


def double(fields: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A batch in fp64; whole numbers stay."""
    return {name: t.double() if t.is_floating_point() else t for name, t in fields.items()}


def weights(engine: Engine) -> dict[str, Tensor]:
    """All weights and state of the parts: "G.down.0.weight", "pool_a.images"."""
    modules = engine.net.modules().items()
    return {f"{part}.{key}": t.clone() for part, module in modules for key, t in module.state_dict().items()}


def everything(engine: Engine) -> dict[str, Tensor]:
    """All tensors of a checkpoint: weights, pools, optimizers, averages."""
    files, _ = engine.state()
    return {
        f"{file}:{key}": tensor.clone() for file, entries in files.items() for key, tensor in entries.items()
    }
