"""A stranger's plug-in without a fault: `test_testing_faults.py` plants some."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

import i2i
from i2i import losses, nets


def charbonnier(fake: Tensor, real: Tensor, *, epsilon: Annotated[float, Field(gt=0, le=1)] = 1e-3) -> Tensor:
    """A smooth L1 whose gradient never vanishes."""
    return ((fake - real).square() + epsilon**2).sqrt().mean()


class Shallow(nn.Module):
    """Two convolutions: from pictures to pictures."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        width: Annotated[int, Field(ge=1)] = 16,
        slope: Annotated[float, Field(ge=0, lt=1)] = 0.2,
    ) -> None:
        super().__init__()
        self.first = nn.Conv2d(in_channels, width, 3, padding=1)
        self.last = nn.Conv2d(width, out_channels, 3, padding=1)
        self.slope = slope

    def forward(self, image: Tensor) -> Tensor:
        hidden = nn.functional.leaky_relu(self.first(image), self.slope)
        made: Tensor = self.last(hidden).tanh()
        return made


@dataclass(frozen=True, kw_only=True)
class Paired(i2i.Strategy):
    """A generator and a discriminator on pairs."""

    recipe: ClassVar[Mapping[str, Any]] = {"data": {"name": "paired"}, "train": {"epochs": 10, "batch": 1}}

    generator: i2i.Generator = i2i.Ref("shallow")
    discriminator: i2i.Discriminator = i2i.Ref("patch", norm="instance")
    gan: i2i.Loss = i2i.Ref("lsgan")
    pixel: i2i.Loss = i2i.Ref("charbonnier")
    pixel_weight: Annotated[float, Field(ge=0)] = 10.0
    noise: Annotated[float, Field(ge=0, le=1)] = 0.1

    def wants(self) -> tuple[str, ...]:
        return ("a", "b")

    def takes(self, controls: Mapping[str, Any]) -> tuple[str, ...]:
        return ("a",)

    def build(self, make: i2i.Make, data: i2i.DataFacts) -> Mapping[str, Any]:
        a, b = data.channels["a"], data.channels["b"]
        return {
            "G": make(self.generator, in_channels=a, out_channels=b),
            "D": make(self.discriminator, in_channels=b),
            "pool": nets.ImagePool(2),
            "gan": make(self.gan),
            "pixel": make(self.pixel),
        }

    def phases(self) -> list[i2i.Phase]:
        both = {"gan": 1.0, "pixel": self.pixel_weight}
        judged = {"real": 0.5, "fake": 0.5}
        if penalty := self.penalty():
            judged["penalty"] = penalty
        return [
            i2i.Phase("generator", self.generator_terms, {"G": both}),
            i2i.Phase("discriminator", self.discriminator_terms, {"D": judged}),
        ]

    def penalty(self) -> float:
        """The weight of the penalty that the adversarial loss asks for."""
        return losses.penalty_weight(self.gan)

    def generator_terms(self, net: i2i.Parts, x: i2i.Batch) -> dict[str, Tensor]:
        x.fake = net.G(x.a + self.noise * x.random.normal(x.a))
        return {"gan": net.gan(net.D(x.fake), "fool"), "pixel": net.pixel(x.fake, x.b)}

    def discriminator_terms(self, net: i2i.Parts, x: i2i.Batch) -> dict[str, Tensor]:
        earlier = x.together(net.pool, x.fake.detach())
        terms = {"real": net.gan(net.D(x.b), "real"), "fake": net.gan(net.D(earlier), "fake")}
        if self.penalty():
            share = x.random.uniform(x.a[:, 0, 0, 0])
            terms["penalty"] = net.gan.penalty(net.D, x.b, earlier, share)
        return terms

    def translate(
        self, net: i2i.Parts, x: i2i.Batch, *, strength: Annotated[float, Field(ge=0, le=1)] = 1.0
    ) -> Tensor:
        made: Tensor = net.G(x.a)
        return x.a + strength * (made - x.a)


class Ramps:
    """Grey ramps and their negatives, made on the spot."""

    def __init__(self, *, size: Annotated[int, Field(ge=8, le=64)] = 32, count: int = 6) -> None:
        self.size, self.count = size, count
        ends = {"a": (0.0, 255.0), "b": (0.0, 255.0)}
        self.facts = i2i.DataFacts(
            fields=("a", "b"), image_size=size, channels={"a": 1, "b": 1}, value_range=ends
        )

    def __len__(self) -> int:
        return self.count

    def load(self, index: int, rng: torch.Generator) -> dict[str, Tensor]:
        level = torch.randint(0, 100, (), generator=rng).item() + index
        a = torch.linspace(level, 255, self.size).expand(1, self.size, self.size).byte()
        return {"a": a, "b": 255 - a}

    def name(self, index: int) -> str:
        return f"ramp-{index}"

    def held_out(self) -> None:
        return None


class Sharpness:
    """How much steeper the edges of results are than those of their truths."""

    higher_is_better = True

    def __init__(self) -> None:
        self.total, self.count = 0.0, 0

    def update(self, result: Tensor, truth: Tensor) -> None:
        edges = [picture.diff(dim=3).abs().mean((1, 2, 3)) for picture in (result, truth)]
        self.total += float((edges[0] / edges[1].clamp(min=1e-6)).sum())
        self.count += len(result)

    def compute(self) -> float:
        return self.total / max(1, self.count)


class Halving:
    """Halves the learning rate every so many epochs."""

    def __init__(self, *, every: Annotated[int, Field(ge=1)] = 10) -> None:
        self.every = every

    def __call__(self, step: int, steps_per_epoch: int) -> float:
        return float(0.5 ** min(60, step // steps_per_epoch // self.every))


class Lines:
    """Numbers of a run as lines of text."""

    def __init__(self, *, file: str = "lines.txt") -> None:
        self.file = file

    def open(self, folder: Path) -> None:
        self.path = folder / self.file

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        with self.path.open("a", encoding="utf-8") as lines:
            lines.write(f"{step} {dict(values)}\n")

    def picture(self, step: int, name: str, picture: Tensor) -> None:
        """Pictures are left out."""

    def close(self) -> None:
        """Every line is written already."""


@i2i.hookimpl
def i2i_register(registry: i2i.Registry) -> None:
    """Register one component of each kind."""
    registry.add("loss", "charbonnier", charbonnier)
    registry.add("generator", "shallow", Shallow)
    registry.add("strategy", "paired-gan", Paired)
    registry.add("data", "ramps", Ramps)
    registry.add("metric", "sharpness", Sharpness)
    registry.add("schedule", "halving", Halving)
    registry.add("logger", "lines", Lines)
