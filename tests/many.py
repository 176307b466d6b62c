"""A plug-in for tests of translation: a method with random results, results by name, and a picture as a control."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

import torch
from torch import Tensor, nn

import i2i
from i2i.core.schema import Ref
from i2i.translate.model import Model

FILE = Path(__file__)
SIZE = 16


class Kept(nn.Module):
    """One weight, 1 at first: pictures leave as they came."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weight


@dataclass(frozen=True, kw_only=True)
class Many(i2i.Strategy):
    """Adds noise, takes one colour alone, and covers the left half with a picture."""

    recipe: ClassVar[Mapping[str, Any]] = {
        "data": {"name": "demo", "layout": "paired", "size": SIZE, "workers": 0},
        "optimizers": {"default": {"name": "sgd", "lr": 1e-12}},  # the weight stays 1
        "schedule": {"name": "constant"},
        "train": {"steps": 1, "batch": 1, "device": "cpu"},
    }

    def wants(self) -> tuple[str, ...]:
        return ("a", "b")

    def takes(self, controls: Mapping[str, Any]) -> tuple[str, ...]:
        return ("a",)

    def build(self, make: i2i.Make, data: i2i.DataFacts) -> Mapping[str, Any]:
        return {"G": Kept(), "colours": ("red", "green", "blue")}

    def phases(self) -> Sequence[i2i.Phase]:
        return [i2i.Phase("generator", lambda net, x: {"pixel": net.G(x.a).mean()}, {"G": {"pixel": 1.0}})]

    def captions(self, net: i2i.Parts, controls: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
        colour = controls["colour"]
        if colour == "all":
            return {name: {**controls, "colour": name} for name in net.colours}
        if colour and colour not in net.colours:
            raise ValueError(f"colour: there is no '{colour}'\n{i2i.nearest(colour, net.colours)}")
        return {colour or "output": controls}

    def translate(
        self,
        net: i2i.Parts,
        x: i2i.Batch,
        *,
        colour: str = "",
        noise: float = 0.1,
        cover: Annotated[Path | None, i2i.PictureOf("b")] = None,
    ) -> Tensor:
        """Leave a picture as it is, but for what the controls say."""
        made: Tensor = net.G(x.a)
        if noise:
            made = made + noise * x.random.normal(made)
        if colour:
            alone = torch.arange(3).view(3, 1, 1) == net.colours.index(colour)
            made = torch.where(alone, made, -1.0)
        if cover is not None:
            made = made.clone()
            made[..., : SIZE // 2] = nn.functional.interpolate(x.cover, made.shape[-2:])[..., : SIZE // 2]
        return made.clamp(-1, 1)


def many(**channels: int) -> Model:
    """The method as a trained model; `b=1` for grey pictures of the field b."""
    counts = {"a": 3, "b": 3, **channels}
    facts = i2i.DataFacts(
        fields=("a", "b"), image_size=SIZE, channels=counts, value_range=dict.fromkeys(counts, (0.0, 255.0))
    )
    strategy = Many()
    net = i2i.Parts(strategy.build(None, facts))  # type: ignore[arg-type]
    spec = i2i.Spec(strategy=Ref("many"), data=Ref("demo"))
    return Model(spec, strategy, net, facts, torch.device("cpu"))


@i2i.hookimpl
def i2i_register(registry: i2i.Registry) -> None:
    registry.add("strategy", "many", Many)
