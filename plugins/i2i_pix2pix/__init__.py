"""pix2pix: paired translation.

Isola, Zhu, Zhou and Efros, "Image-to-Image Translation with Conditional Adversarial Networks", 2017.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor

import i2i
from i2i.losses import penalty_weight
from i2i.nets import joined
from i2i_pix2pix.importing import DiscriminatorImporter, GeneratorImporter


@dataclass(frozen=True, kw_only=True)
class Pix2Pix(i2i.Strategy):
    """Paired translation: look real next to the input, and stay close to the target."""

    generator: i2i.Generator = i2i.Ref("unet", norm="batch", dropout=0.5)
    discriminator: i2i.Discriminator = i2i.Ref("patch", norm="batch")
    gan: i2i.Loss = i2i.Ref("vanilla")
    pixel: i2i.Loss = i2i.Ref("l1")
    pixel_weight: Annotated[float, Field(ge=0, description="weight of the distance to the target")] = 100.0
    latent: Annotated[
        int, Field(ge=0, description="random numbers that the generator is given with the picture")
    ] = 0

    recipe: ClassVar[Mapping[str, Any]] = {
        "data": {"name": "paired", "size": 256, "flip": True},
        "optimizers": {"default": {"name": "adam", "lr": 2e-4, "betas": (0.5, 0.999)}},
        "schedule": {"name": "linear", "constant": 100, "decay": 100},
        "train": {"epochs": 200, "batch": 1, "init": {"name": "normal", "gain": 0.02}},
    }
    example: ClassVar[Mapping[str, Any]] = {"data": {"root": "data/facades", "direction": "b-to-a"}}
    demo: ClassVar[Mapping[str, Any]] = {
        "strategy": {"generator": {"width": 32}, "discriminator": {"width": 32, "layers": 2}},
        "data": {"name": "demo", "layout": "paired", "size": 64, "workers": 0},
        "train": {
            "steps": 1500,
            "log_every": 25,
            "sample_every": 250,
            "validate_every": 250,
            "checkpoint_every": 250,
        },
    }
    # The paper translates with dropout on and with the batch statistics of the one picture (section 3.4).
    inference: ClassVar[i2i.Inference] = i2i.Inference(dropout=True, statistics="picture")

    def wants(self) -> tuple[str, ...]:
        return ("a", "b")

    def takes(self, controls: Mapping[str, Any]) -> tuple[str, ...]:
        return ("a",)

    def makes(self, controls: Mapping[str, Any]) -> str:
        return "b"

    def build(self, make: i2i.Make, data: i2i.DataFacts) -> Mapping[str, Any]:
        a, b = data.channels["a"], data.channels["b"]
        noise = {"latent": self.latent} if self.latent else {}
        return {
            "G": make(self.generator, in_channels=a, out_channels=b, **noise),
            "D": make(self.discriminator, in_channels=a + b),
            "gan": make(self.gan),
            "pixel": make(self.pixel),
        }

    def phases(self) -> Sequence[i2i.Phase]:
        # Half of the discriminator's objective slows it down relative to the generator (section 3.3).
        judge = {"real": 0.5, "fake": 0.5}
        if penalty := penalty_weight(self.gan):
            judge["penalty"] = 0.5 * penalty
        return [
            i2i.Phase("discriminator", self.discriminator_terms, {"D": judge}),
            i2i.Phase("generator", self.generator_terms, {"G": {"gan": 1.0, "pixel": self.pixel_weight}}),
        ]

    def prepare(self, net: i2i.Parts, x: i2i.Batch) -> None:
        x.fake = self.translate(net, x)  # once; its graph serves the generator's phase

    def discriminator_terms(self, net: i2i.Parts, x: i2i.Batch) -> Mapping[str, Tensor]:
        fake, real = torch.cat([x.a, x.fake.detach()], 1), torch.cat([x.a, x.b], 1)
        fake_scores, real_scores = joined(net.D, fake, real)
        terms = {"fake": net.gan(fake_scores, "fake"), "real": net.gan(real_scores, "real")}
        if penalty_weight(self.gan):
            terms["penalty"] = net.gan.penalty(net.D, real, fake, x.random.uniform(real[:, 0, 0, 0]))
        return terms

    def generator_terms(self, net: i2i.Parts, x: i2i.Batch) -> Mapping[str, Tensor]:
        scores = net.D(torch.cat([x.a, x.fake], 1))
        return {"gan": net.gan(scores, "fool"), "pixel": net.pixel(x.fake, x.b)}

    def translate(self, net: i2i.Parts, x: i2i.Batch) -> Tensor:
        if self.latent:
            x.z = x.random.normal(x.a.new_empty(x.a.shape[0], self.latent)).to(x.a)
        translated: Tensor = net.G(x.a, x.z) if self.latent else net.G(x.a)
        return translated


@i2i.hookimpl
def i2i_register(registry: i2i.Registry) -> None:
    """Register the strategy, and the importers of the authors' weights."""
    registry.add("strategy", "pix2pix", Pix2Pix)
    registry.add("importer", "pix2pix.G", GeneratorImporter)
    registry.add("importer", "pix2pix.D", DiscriminatorImporter)
