"""The kinds that `stranger.py` leaves out, and data with a part that is held out; without a fault."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

import i2i


class Steepest(torch.optim.Optimizer):
    """Gradient descent that remembers where it came from."""

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        *,
        lr: Annotated[float, Field(gt=0, le=1)] = 0.1,
        parts: Annotated[int, Field(ge=1, le=8)] = 1,
    ) -> None:
        super().__init__(parameters, {"lr": lr / parts})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for weight in group["params"]:
                memory = self.state[weight].setdefault("memory", torch.zeros_like(weight))
                memory.mul_(0.9).add_(weight.grad)
                weight.sub_(memory, alpha=group["lr"])


class Noise:
    """Noise between -1 and 1, drawn on the spot; every third picture is held out."""

    def __init__(
        self, *, cells: Annotated[int, Field(ge=1, le=16)] = 4, part: Literal["train", "test"] = "train"
    ) -> None:
        self.cells, self.part = cells, part
        self.facts = i2i.DataFacts(
            fields=("a", "level"),
            image_size=16,
            channels={"a": 1},
            value_range={"a": (-1.0, 1.0)},
            stored={"a": "float32"},
            labels={"level": 4},
        )

    def __len__(self) -> int:
        return 3 if self.part == "test" else 6

    def load(self, index: int, rng: torch.Generator) -> dict[str, Tensor]:
        drawn = rng if self.part == "train" else torch.Generator().manual_seed(index)
        grid = torch.rand(1, self.cells, self.cells, generator=drawn) * 2 - 1
        a = nn.functional.interpolate(grid[None], 16)[0]
        return {"a": a, "level": torch.tensor(index % 4)}

    def name(self, index: int) -> str:
        return f"{self.part}-{index}"

    def held_out(self) -> Noise | None:
        return Noise(cells=self.cells, part="test") if self.part == "train" else None


class Spread:
    """How far results lie from their truths, on average and at most."""

    higher_is_better = False

    def __init__(self) -> None:
        self.total, self.most, self.count = 0.0, 0.0, 0

    def update(self, result: Tensor, truth: Tensor) -> None:
        gaps = (result - truth).abs().mean((1, 2, 3))
        self.total += float(gaps.sum())
        self.most = max(self.most, float(gaps.max()))
        self.count += len(result)

    def compute(self) -> dict[str, float]:
        return {"mean": self.total / max(1, self.count), "most": self.most}


@dataclass(frozen=True, kw_only=True)
class Plain(i2i.Strategy):
    """Regression, which the importer fills."""

    generator: i2i.Generator = i2i.Ref("resnet")
    pixel: i2i.Loss = i2i.Ref("l1")

    recipe: ClassVar[Mapping[str, Any]] = {"data": {"name": "paired"}, "train": {"epochs": 1, "batch": 1}}

    def wants(self) -> tuple[str, ...]:
        return ("a", "b")

    def takes(self, controls: Mapping[str, Any]) -> tuple[str, ...]:
        return ("a",)

    def build(self, make: i2i.Make, data: i2i.DataFacts) -> Mapping[str, Any]:
        a, b = data.channels["a"], data.channels["b"]
        return {"G": make(self.generator, in_channels=a, out_channels=b), "pixel": make(self.pixel)}

    def phases(self) -> list[i2i.Phase]:
        return [i2i.Phase("generator", self.terms, {"G": {"pixel": 1.0}})]

    def terms(self, net: i2i.Parts, x: i2i.Batch) -> dict[str, Tensor]:
        return {"pixel": net.pixel(net.G(x.a), x.b)}

    def translate(self, net: i2i.Parts, x: i2i.Batch) -> Tensor:
        made: Tensor = net.G(x.a)
        return made


class GeneratorImporter:
    """The stem of a generator that another project saved."""

    def __init__(self, *, depth: Annotated[int, Field(ge=1, le=3)] = 1) -> None:
        self.width = 12 // depth

    def detect(self, keys: Iterable[str], shapes: Mapping[str, tuple[int, ...]]) -> i2i.Match | None:
        if "their_stem.weight" not in shapes:
            return None
        return i2i.Match(
            keys={"their_stem.weight": "stem.conv.weight"},
            options={"generator": {"name": "resnet", "width": self.width}},
        )


@i2i.hookimpl
def i2i_register(registry: i2i.Registry) -> None:
    """Register one component of each kind."""
    registry.add("optimizer", "steepest", Steepest)
    registry.add("data", "noise", Noise)
    registry.add("metric", "spread", Spread)
    registry.add("strategy", "plain-regression", Plain)
    registry.add("importer", "plain-regression.G", GeneratorImporter)
