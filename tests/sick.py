"""A method that is ill in the way an option says, with networks that never change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from helpers import registry
from torch import Tensor, nn

import i2i
from i2i.core.schema import Ref

WORDS = {
    "won": (
        "the discriminator has won: it was right about 100.0% of the pictures, real and generated, for 200 steps, and "
        "the generator learns little from it; lower its learning rate, smooth its labels (target = 0.9), take another "
        "adversarial loss or a gradient penalty (R1), or augment the data more"
    ),
    "collapse": (
        "the results have collapsed: what is made of different samples ('output') differs by 0.0% of what real "
        "pictures differ; go back to an earlier checkpoint (train.init_from) with lower learning rates or another "
        "adversarial loss, or weigh the terms higher that tie a result to its sample"
    ),
    "inverted": (
        "the colours are inverted: the grey values of inputs and results ('output') correlate by -1.00, light where "
        "the input is dark; this rarely heals: start again with another train.seed, or weigh the terms higher that tie "
        "the colours of a result to its input; nothing is wrong if the true results are negatives"
    ),
    "copies": (
        "the generator only copies: results ('output') differ from their inputs by 0.0% of the range of values; weigh "
        "the terms lower that hold a result to its input, or the adversarial one higher"
    ),
}


class Noise:
    """Pictures of random numbers, with nothing held out.

    The true translation of a picture is another one.
    """

    facts = i2i.DataFacts(
        fields=("a", "b"),
        image_size=8,
        channels={"a": 3, "b": 3},
        value_range=dict.fromkeys("ab", (0.0, 255.0)),
        truth={"a": "b"},
    )

    def __len__(self) -> int:
        return 4

    def load(self, index: int, rng: torch.Generator) -> dict[str, Tensor]:
        mine = torch.Generator().manual_seed(index)
        return {name: torch.randint(256, (3, 8, 8), generator=mine, dtype=torch.uint8) for name in "ab"}

    def name(self, index: int) -> str:
        return str(index)

    def held_out(self) -> None:
        return None


class Still(nn.Module):
    """A network of one weight, which nothing moves."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weight


@dataclass(frozen=True, kw_only=True)
class Sick(i2i.Strategy):
    """A method that is ill."""

    ill: Literal["no", "collapse", "inverted", "copies"] = "no"
    won: bool = False
    gan: i2i.Loss = Ref("lsgan")

    def wants(self) -> tuple[str, ...]:
        return ("a", "b")

    def takes(self, controls: Mapping[str, Any]) -> tuple[str, ...]:
        return ("a",)

    def build(self, make: i2i.Make, data: i2i.DataFacts) -> Mapping[str, Any]:
        return {"G": Still(), "D": Still(), "gan": make(self.gan)}

    def phases(self) -> Sequence[i2i.Phase]:
        row = {"real": 1.0, "fake": 1.0}
        return [i2i.Phase("networks", self.judge, {"G": row, "D": row})]

    def judge(self, net: i2i.Parts, x: i2i.Batch) -> dict[str, Tensor]:
        """The terms of the only phase."""
        margin = 9.0 if self.won else -9.0
        still = 0 * net.D(net.G(x.a))
        return {"real": net.gan(still + 0.5 + margin, "real"), "fake": net.gan(still + 0.5 - margin, "fake")}

    def translate(self, net: i2i.Parts, x: i2i.Batch) -> Tensor:
        made: Tensor = net.G(x.a)
        return {"collapse": 0 * made, "inverted": -made, "copies": made}.get(self.ill, 0.5 * made - 0.4)


def ward() -> i2i.Registry:
    """What is installed, and the method."""
    components = i2i.Registry(versions=registry().versions)
    components.merge(registry())
    components.add("strategy", "sick", Sick)
    components.add("data", "noise", Noise)
    return components


def sick_tables(ill: str = "no", **train: Any) -> dict[str, Any]:
    """A run that is long enough for the watch to be sure; the discriminator wins where something is wrong."""
    periods = {"log_every": 50, "sample_every": 50, "checkpoint_every": 425, "validate_every": 1000}
    return {
        "strategy": {"name": "sick", "ill": ill, "won": ill != "no"},
        "data": {"name": "noise", "workers": 0},
        "optimizers": {"default": {"name": "sgd", "lr": 0.1}},
        "train": {"steps": 450, "device": "cpu", **periods, **train},
    }
