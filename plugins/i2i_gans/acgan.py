"""ACGAN: the discriminator also names the class.

Odena, Olah and Shlens, "Conditional Image Synthesis with Auxiliary Classifier GANs", 2017.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

import i2i
from i2i.losses import penalty_weight, single
from i2i_gans.cgan import CGAN
from i2i_gans.classes import Classes
from i2i_gans.orders import ordered
from i2i_gans.recipes import on_demo, published
from i2i_gans.sampling import check_limits

Said = tuple[Tensor, Tensor]  # scores and logits


@dataclass(frozen=True, kw_only=True)
class ACGAN(CGAN):
    """Pictures of a wanted class: the discriminator is not told which, it says so."""

    generator: i2i.Generator = i2i.Ref("label-resizing")
    discriminator: i2i.Discriminator = i2i.Ref("class-conv")
    gan: i2i.Loss = i2i.Ref("vanilla")
    label_weight: Annotated[float, Field(ge=0, description="weight of being of the right class")] = 1.0

    recipe: ClassVar[Mapping[str, Any]] = published(32, 200, "normal")
    demo: ClassVar[Mapping[str, Any]] = on_demo({"generator": {"width": 32}}, steps=3000)

    def build(self, make: i2i.Make, data: i2i.DataFacts) -> Mapping[str, Any]:
        check_limits(self.noise)
        channels, labels = data.channels["image"], data.labels["label"]
        return {
            "G": make(self.generator, latent=self.latent, out_channels=channels, labels=labels),
            "D": make(self.discriminator, in_channels=channels, classes=labels),
            "gan": make(self.gan),
            "classes": Classes.of(data),
        }

    def phases(self) -> Sequence[i2i.Phase]:
        label = 0.5 * self.label_weight
        judge = {"real": 0.25, "label_real": 0.5 * label, "fake": 0.25, "label_fake": 0.5 * label}
        if penalty := penalty_weight(self.gan):
            judge["penalty"] = 0.25 * penalty
        return ordered(
            self.order,
            i2i.Phase("generator", self.generator_terms, {"G": {"gan": 0.5, "label": label}}),
            i2i.Phase("discriminator", self.discriminator_terms, {"D": judge}),
            self.both_terms,
        )

    def generator_terms(self, net: i2i.Parts, x: i2i.Batch) -> Mapping[str, Tensor]:
        return self._fooled(net, x, net.D(x.fake))

    def discriminator_terms(self, net: i2i.Parts, x: i2i.Batch) -> Mapping[str, Tensor]:
        real = net.D(x.image)
        return self._judged(net, x, real, net.D(x.fake.detach()))

    def both_terms(self, net: i2i.Parts, x: i2i.Batch) -> Mapping[str, Tensor]:
        real, fake = net.D(x.image), net.D(x.fake)
        return {**self._fooled(net, x, fake), **self._judged(net, x, real, fake)}

    def _fooled(self, net: i2i.Parts, x: i2i.Batch, fake: Said) -> dict[str, Tensor]:
        """What the generator minimises, from what the discriminator says of the fakes."""
        return {"gan": net.gan(fake[0], "fool"), "label": _mismatch(fake[1], x.target)}

    def _judged(self, net: i2i.Parts, x: i2i.Batch, real: Said, fake: Said) -> dict[str, Tensor]:
        """What the discriminator minimises, from what it says of real pictures and of fakes."""
        terms = {
            "real": net.gan(real[0], "real"),
            "label_real": _mismatch(real[1], x.label),
            "fake": net.gan(fake[0], "fake"),
            "label_fake": _mismatch(fake[1], x.target),
        }
        if penalty_weight(self.gan):
            alpha = x.random.uniform(x.image[:, 0, 0, 0])
            terms["penalty"] = net.gan.penalty(lambda image: net.D(image)[0], x.image, x.fake, alpha)
        return terms


def _mismatch(logits: Tensor, label: Tensor) -> Tensor:
    """Cross-entropy in fp32; the logits have no softmax yet."""
    return F.cross_entropy(single(logits), label)
