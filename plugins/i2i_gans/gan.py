"""The first GAN.

Goodfellow et al., "Generative Adversarial Networks", 2014.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor

import i2i
from i2i.losses import Scores, penalty_weight
from i2i_gans.orders import Order, ordered
from i2i_gans.recipes import on_demo, published
from i2i_gans.sampling import Latent, Mix, Noise, Steps, check_limits, draw, steps_between, wanted


@dataclass(frozen=True, kw_only=True)
class GAN(i2i.Strategy):
    """Pictures from random numbers: a generator, and a discriminator that tells them from real ones."""

    generator: i2i.Generator = i2i.Ref("mlp")
    discriminator: i2i.Discriminator = i2i.Ref("mlp")
    gan: i2i.Loss = i2i.Ref("vanilla")
    latent: Latent = 100
    noise: Noise = "normal"
    order: Order = "generator-first"

    judging: ClassVar[float] = 0.5  # weight of the terms that the discriminator minimises
    recipe: ClassVar[Mapping[str, Any]] = published(28, 200, "default")
    example: ClassVar[Mapping[str, Any]] = {"data": {"root": "data/mnist"}}
    demo: ClassVar[Mapping[str, Any]] = on_demo(
        {
            "generator": {"widths": [256, 512, 1024], "norm": "none"},
            "discriminator": {"widths": [1024, 512, 256], "dropout": 0.3},
        },
        steps=4000,
    )

    def wants(self) -> tuple[str, ...]:
        return ("image",)

    def takes(self, controls: Mapping[str, Any]) -> tuple[str, ...]:
        return ("seed",)

    def build(self, make: i2i.Make, data: i2i.DataFacts) -> Mapping[str, Any]:
        check_limits(self.noise)
        channels = data.channels["image"]
        return {
            "G": make(self.generator, latent=self.latent, out_channels=channels),
            "D": make(self.discriminator, in_channels=channels),
            "gan": make(self.gan),
        }

    def phases(self) -> Sequence[i2i.Phase]:
        judge = {"real": self.judging, "fake": self.judging}
        if penalty := penalty_weight(self.gan):
            judge["penalty"] = self.judging * penalty
        return ordered(
            self.order,
            i2i.Phase("generator", self.generator_terms, {"G": {"gan": 1.0}}),
            i2i.Phase("discriminator", self.discriminator_terms, {"D": judge}),
            self.both_terms,
        )

    def prepare(self, net: i2i.Parts, x: i2i.Batch) -> None:
        x.z = draw(x.random, self.noise, x.image.new_empty(len(x.image), self.latent))
        x.fake = net.G(x.z)

    def generator_terms(self, net: i2i.Parts, x: i2i.Batch) -> Mapping[str, Tensor]:
        return {"gan": net.gan(net.D(x.fake), "fool")}

    def discriminator_terms(self, net: i2i.Parts, x: i2i.Batch) -> Mapping[str, Tensor]:
        real = net.D(x.image)
        return self._judged(net, x, real, net.D(x.fake.detach()))

    def both_terms(self, net: i2i.Parts, x: i2i.Batch) -> Mapping[str, Tensor]:
        real, fake = net.D(x.image), net.D(x.fake)  # one pass, one mask of dropout for both networks
        return {"gan": net.gan(fake, "fool"), **self._judged(net, x, real, fake)}

    def _judged(self, net: i2i.Parts, x: i2i.Batch, real: Scores, fake: Scores) -> dict[str, Tensor]:
        """What the discriminator minimises, from its scores of real pictures and of fakes."""
        terms = {"real": net.gan(real, "real"), "fake": net.gan(fake, "fake")}
        if penalty_weight(self.gan):
            alpha = x.random.uniform(x.image[:, 0, 0, 0])
            terms["penalty"] = net.gan.penalty(net.D, x.image, x.fake, alpha)
        return terms

    def captions(self, net: i2i.Parts, controls: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
        """The samples, or `interpolate` steps from each to another one."""
        return steps_between(controls)

    def translate(self, net: i2i.Parts, x: i2i.Batch, *, mix: Mix = 0.0, interpolate: Steps = None) -> Tensor:
        """Make pictures.

        Args:
            net: the parts.
            x: holds `seed`, the numbers of the samples.
            mix: how far to go from each sample (0) to another one (1).
            interpolate: so many results, in equal steps from the one to the other.
        """
        made: Tensor = net.G(wanted(x, self.noise, self.latent, mix))
        return made
