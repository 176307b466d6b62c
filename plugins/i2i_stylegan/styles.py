"""The styles of samples: which random numbers, and how those of several samples meet."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional as F

import i2i

LayerName = Literal["coarse", "middle", "fine"]
# The layers of a name (section 3.1): coarse up to 8x8, middle up to 32x32, fine from 64x64.
LAYERS: Mapping[str, slice] = MappingProxyType(
    {"coarse": slice(0, 4), "middle": slice(4, 8), "fine": slice(8, None)}
)
CUTOFF = 8


def drawn(
    net: i2i.Parts, x: i2i.Batch, like: Tensor, style_to: int | None, mix: float, space: str | None
) -> Tensor:
    """The styles (N, latent) of samples, or of what lies on the way to others.

    Args:
        net: the parts.
        x: the batch.
        like: (N, latent), in the type and on the device of the random numbers.
        style_to: number of the sample at the far end.
        mix: how far to go there.
        space: what is mixed, "z" or "w".
    """
    others = other_samples(x, style_to).normal(like) if mix else None
    # This moves the stream on: the others had to come first, and noise gets numbers of its own.
    z = x.random.normal(like)
    if others is not None and space == "z":
        z = between(z, others, mix)
    w: Tensor = net.G.mapping(z)
    if others is not None and space != "z":
        w = torch.lerp(w, net.G.mapping(others), mix)
    return w


def between(one: Tensor, other: Tensor, share: float) -> Tensor:
    """Random numbers (N, latent) on the way from one to the other, along the sphere: their length means nothing."""
    one, other = F.normalize(one), F.normalize(other)
    cosine = (one * other).sum(1, keepdim=True).clamp(-1, 1)
    across = F.normalize(other - cosine * one)
    angle = share * torch.acos(cosine)
    return one * angle.cos() + across * angle.sin()


def truncated(styles: Tensor, mean: Tensor, truncation: float, cutoff: int) -> Tensor:
    """Styles (N, layers, latent), those of the first `cutoff` layers pulled towards the mean (section 2)."""
    if truncation == 1:
        return styles
    coarse, rest = styles[:, :cutoff], styles[:, cutoff:]
    return torch.cat([mean + (coarse - mean) * truncation, rest], 1)


def rows(controls: Mapping[str, Any], layers: int) -> Mapping[str, Mapping[str, Any]]:
    """A row of samples for each setting that the controls ask for, by caption.

    Raises:
        ValueError: "control: sentence".
    """
    _check(controls, layers)
    if count := controls.get("interpolate"):
        way = [step / (count - 1) for step in range(count)]
        digits = max(0, len(str(count - 2)) - 2)  # as many as tell them apart
        return {f"{part:.{digits}%}": {**controls, "interpolate": None, "mix": part} for part in way}
    if (style := controls.get("style")) is None:
        return {"output": controls}
    numbers = dict.fromkeys([style] if isinstance(style, int) else style)
    name = controls.get("style_layers") or "coarse"
    own = {"own style": {**controls, "style": None, "style_layers": None}}
    return own | {f"{name} of {number}": {**controls, "style": number} for number in numbers}


def _check(controls: Mapping[str, Any], layers: int) -> None:
    """Refuse controls that contradict each other, or have no effect."""
    asked = {name for name, value in controls.items() if value is not None}
    moves = bool(controls.get("interpolate") or controls.get("mix"))
    if controls.get("interpolate") and controls.get("mix"):
        raise ValueError("mix: interpolate shows the whole way between two samples; give one of them")
    for control in ("style_to", "space"):
        if control in asked and not moves:
            raise ValueError(f"{control}: nothing leads anywhere; give interpolate = 5, or mix = 0.5")
    if "style" in asked and moves:
        raise ValueError(
            "style: it exchanges layers, mix and interpolate change all of them; give one of them"
        )
    if "style_layers" in asked and "style" not in asked:
        raise ValueError("style_layers: say with style = 2 which sample they are taken from")
    if "cutoff" in asked and controls.get("truncation", 1.0) == 1:
        raise ValueError("cutoff: nothing is truncated; give truncation = 0.7 too")
    name = controls.get("style_layers") or "coarse"
    if "style" in asked and LAYERS[name].start >= layers:
        known = [each for each, part in LAYERS.items() if part.start < layers]
        raise ValueError(
            f"style_layers: these pictures are too small for {name} layers; use {' or '.join(known)}"
        )


def other_samples(x: i2i.Batch, number: int | None) -> i2i.Draws:
    """The random numbers of another sample, counted from 1 as on a sheet; by default each sample's next."""
    samples = x.random.samples
    return x.random.of([sample + 1 for sample in samples] if number is None else [number - 1] * len(samples))


def one_of(style: int | tuple[int, ...]) -> int:
    """The number of the one sample that a picture takes styles from.

    Raises:
        ValueError: there are several; `rows` gives each a row.
    """
    numbers = (style,) if isinstance(style, int) else style
    if len(numbers) > 1:
        raise ValueError(f"style: a picture takes the style of one sample, not of {len(numbers)}")
    return numbers[0]
