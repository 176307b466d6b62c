"""Random numbers of wanted samples, and the way from one sample to another."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import torch
from pydantic import Field
from torch import Tensor

import i2i

Limits = tuple[float, float]
Distribution = Literal["normal", "uniform"] | Limits
Noise = Annotated[
    Distribution,
    Field(description="of the random numbers: normal, uniform (from -1 to 1), or the limits of uniform ones"),
]
Latent = Annotated[int, Field(ge=1, description="random numbers that a picture is made of")]
Mix = Annotated[float, Field(ge=0, le=1)]
Steps = Annotated[int, Field(ge=2)] | None


def draw(draws: i2i.Draws, noise: Distribution, like: Tensor) -> Tensor:
    """Random numbers (N, latent) in the shape and type of `like`."""
    if noise == "normal":
        return draws.normal(like).to(like)
    low, high = (-1.0, 1.0) if noise == "uniform" else noise
    return low + (high - low) * draws.uniform(like).to(like)


def wanted(x: i2i.Batch, noise: Distribution, latent: int, mix: float) -> Tensor:
    """The random numbers of the samples of `x.seed`, as far on the way to others of their own as `mix` says."""
    like = x.seed.new_empty(x.seed.shape[0], latent, dtype=torch.float32)
    z = draw(x.random, noise, like)
    return torch.lerp(z, draw(x.random, noise, like), mix) if mix else z


def random_labels(draws: i2i.Draws, labels: int, like: Tensor) -> Tensor:
    """A label (N,) for each entry of `like` (N,), every one as likely."""
    return (draws.uniform(like) * labels).long()


def check_limits(noise: Distribution) -> None:
    """Refuse limits between which there is nothing.

    Raises:
        I2IError: the first is not the lower one, or one is not finite.
    """
    if not isinstance(noise, tuple):
        return
    low, high = noise
    if not math.isfinite(high - low):
        raise i2i.I2IError(
            f"strategy.noise: there are no even numbers between {low:g} and {high:g}; give two finite limits"
        )
    if low == high:
        raise i2i.I2IError(
            f"strategy.noise: there is nothing between {low:g} and {high:g}; give two different limits, the lower one "
            "first"
        )
    if low > high:
        raise i2i.I2IError(
            f"strategy.noise: the lower limit comes first, got {low:g} and {high:g}; exchange them"
        )


def steps_between(controls: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The results that `interpolate` asks for: from the samples (0%) to others (100%) in equal steps.

    Raises:
        ValueError: `mix` is given as well.
    """
    count = controls.get("interpolate")
    if not count:
        return {"output": dict(controls)}
    if controls.get("mix"):
        raise ValueError("mix: interpolate shows the whole way between two samples; give one of them")
    way = [step / (count - 1) for step in range(count)]
    digits = max(0, len(str(count - 2)) - 2)  # as many as tell them apart
    return {f"{part:.{digits}%}": {**controls, "interpolate": None, "mix": part} for part in way}
