"""What the benchmarks of the step train: each method's published networks, and its plain loop."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from torch import Tensor, nn

from i2i.data.palettes import PARTS
from i2i.data.scenes import KINDS

sys.path.append(str(Path(__file__).parent.parent / "tests" / "reference"))

from loops import bicyclegan, cyclegan, gans, pix2pix, spade, stargan, stylegan, vaegan


class Textbook(Protocol):
    """A method as its authors' code trains it."""

    nets: dict[str, nn.Module]

    def step(self, x: Mapping[str, Tensor], draws: Any) -> Mapping[str, Tensor]:
        """One step on a batch: the value of every term, as `phase/term`."""
        ...


Nets = dict[str, nn.Module]


@dataclass(frozen=True)
class Method:
    """How a method is trained on the demo set.

    Attributes:
        data: options of the demo set.
        loop: the plain loop of networks, for pictures of a size.
        batch: the least that it takes.
        options: of the strategy at a size, where the published ones cannot be used.
    """

    data: Mapping[str, Any]
    loop: Callable[[Nets, int], Textbook]
    batch: int = 1
    options: Callable[[int], Mapping[str, Any]] = lambda size: {}


def _grown_up(size: int) -> dict[str, Any]:
    """StyleGAN at its last resolution, where it spends its time."""
    return {"start": size, "batches": [], "rates": []}


def _samples(loop: type[gans.Loop]) -> Method:
    """A method that makes pictures from random numbers; batch norm needs two of them."""
    return Method({"layout": "images"}, lambda nets, size: loop(nets, gans.adam, classes=len(KINDS)), batch=2)


METHODS = {
    "cyclegan": Method({"layout": "unpaired"}, lambda nets, size: cyclegan.Loop(nets)),
    "pix2pix": Method({"layout": "paired"}, lambda nets, size: pix2pix.Loop(nets)),
    "bicyclegan": Method(
        {"layout": "paired", "light": "any"}, lambda nets, size: bicyclegan.Loop(nets), batch=2
    ),
    "stargan": Method({"layout": "domains"}, lambda nets, size: stargan.Loop(nets, stargan.attributes)),
    "gan": _samples(gans.GeneratorFirst),
    "dcgan": _samples(gans.DiscriminatorFirst),
    "cgan": _samples(gans.Told),
    "acgan": _samples(gans.Telling),
    "vaegan": Method({"layout": "images"}, lambda nets, size: vaegan.Loop(nets), batch=2),
    # the perceptual loss needs weights that no benchmark brings
    "spade": Method(
        {"layout": "masks"},
        lambda nets, size: spade.Loop(nets, len(PARTS)),
        batch=2,
        options=lambda size: {"perceptual": "l1"},
    ),
    "stylegan": Method(
        {"layout": "images"},
        lambda nets, size: stylegan.Loop(nets, stylegan.Plan(size, size)),
        batch=4,
        options=_grown_up,
    ),
}
