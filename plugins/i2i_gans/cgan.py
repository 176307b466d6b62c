"""The conditional GAN.

Mirza and Osindero, "Conditional Generative Adversarial Nets", 2014.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import torch
from torch import Tensor

import i2i
from i2i.losses import penalty_weight
from i2i_gans.classes import Classes
from i2i_gans.orders import Order, ordered
from i2i_gans.recipes import on_demo, published
from i2i_gans.sampling import (
    Latent,
    Mix,
    Noise,
    Steps,
    check_limits,
    draw,
    random_labels,
    steps_between,
    wanted,
)

SHOWN = 10  # columns of a sheet of samples


@dataclass(frozen=True, kw_only=True)
class CGAN(i2i.Strategy):
    """Pictures of a wanted class: generator and discriminator are both told which."""

    generator: i2i.Generator = i2i.Ref("label-mlp")
    discriminator: i2i.Discriminator = i2i.Ref("label-mlp")
    gan: i2i.Loss = i2i.Ref("lsgan")
    latent: Latent = 100
    noise: Noise = "normal"
    order: Order = "generator-first"

    recipe: ClassVar[Mapping[str, Any]] = published(32, 200, "default")
    example: ClassVar[Mapping[str, Any]] = {"data": {"root": "data/mnist"}}
    demo: ClassVar[Mapping[str, Any]] = on_demo(
        {
            "generator": {"name": "label-strided", "width": 24},
            "discriminator": {"name": "label-strided", "width": 24},
            "gan": "vanilla",
        },
        steps=2500,
    )

    def wants(self) -> tuple[str, ...]:
        return ("image", "label")

    def takes(self, controls: Mapping[str, Any]) -> tuple[str, ...]:
        return ("seed",)

    def build(self, make: i2i.Make, data: i2i.DataFacts) -> Mapping[str, Any]:
        check_limits(self.noise)
        channels, labels = data.channels["image"], data.labels["label"]
        return {
            "G": make(self.generator, latent=self.latent, out_channels=channels, labels=labels),
            "D": make(self.discriminator, in_channels=channels, labels=labels),
            "gan": make(self.gan),
            "classes": Classes.of(data),
        }

    def phases(self) -> Sequence[i2i.Phase]:
        judge = {"real": 0.5, "fake": 0.5}
        if penalty := penalty_weight(self.gan):
            judge["penalty"] = 0.5 * penalty
        return ordered(
            self.order,
            i2i.Phase("generator", self.generator_terms, {"G": {"gan": 1.0}}),
            i2i.Phase("discriminator", self.discriminator_terms, {"D": judge}),
            self.both_terms,
        )

    def prepare(self, net: i2i.Parts, x: i2i.Batch) -> None:
        x.z = draw(x.random, self.noise, x.image.new_empty(len(x.image), self.latent))
        x.target = random_labels(x.random, len(net.classes), x.image[:, 0, 0, 0])
        x.fake = net.G(x.z, x.target)

    def generator_terms(self, net: i2i.Parts, x: i2i.Batch) -> Mapping[str, Tensor]:
        return {"gan": net.gan(net.D(x.fake, x.target), "fool")}

    def discriminator_terms(self, net: i2i.Parts, x: i2i.Batch) -> Mapping[str, Tensor]:
        real = net.D(x.image, x.label)
        return self._judged(net, x, real, net.D(x.fake.detach(), x.target))

    def both_terms(self, net: i2i.Parts, x: i2i.Batch) -> Mapping[str, Tensor]:
        real, fake = net.D(x.image, x.label), net.D(x.fake, x.target)
        return {"gan": net.gan(fake, "fool"), **self._judged(net, x, real, fake)}

    def _judged(self, net: i2i.Parts, x: i2i.Batch, real: Any, fake: Any) -> dict[str, Tensor]:
        """What the discriminator minimises, from what it says of real pictures and of fakes."""
        terms = {"real": net.gan(real, "real"), "fake": net.gan(fake, "fake")}
        if penalty_weight(self.gan):
            alpha = x.random.uniform(x.image[:, 0, 0, 0])
            terms["penalty"] = net.gan.penalty(lambda image: net.D(image, x.target), x.image, x.fake, alpha)
        return terms

    def captions(self, net: i2i.Parts, controls: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
        """The samples of one class, or of every one; or `interpolate` steps within a class."""
        classes: Classes = net.classes
        label = controls.get("label")
        if label is not None:
            name = classes.names[classes.number(label)]
            steps = steps_between({**controls, "label": name})
            return steps if controls.get("interpolate") else {name: steps["output"]}
        if controls.get("interpolate"):
            raise ValueError(f"label: interpolate shows one class; say which, for example {classes.names[0]}")
        return {name: {**controls, "label": name} for name in classes.names}

    def translate(
        self,
        net: i2i.Parts,
        x: i2i.Batch,
        *,
        label: Annotated[str | int | None, i2i.NameOf("classes")] = None,
        mix: Mix = 0.0,
        interpolate: Steps = None,
    ) -> Tensor:
        """Make pictures of a class.

        Args:
            net: the parts.
            x: holds `seed`, the numbers of the samples.
            label: the class, by its name or its number; one at random for each sample if it is absent.
            mix: how far to go from each sample (0) to another one of its class (1).
            interpolate: so many results, in equal steps from the one to the other.

        Raises:
            ValueError: "label: sentence", there is no such class.
        """
        z = wanted(x, self.noise, self.latent, mix)
        if label is None:
            told = random_labels(x.random, len(net.classes), z[:, 0])
        else:
            told = torch.full_like(x.seed, net.classes.number(label))
        made: Tensor = net.G(z, told)
        return made

    def preview(self, net: i2i.Parts, x: i2i.Batch) -> Mapping[str, Tensor]:
        """A column for every class, or the first of many; a row holds the same random numbers."""
        z = wanted(x, self.noise, self.latent, 0.0)
        names = net.classes.names[:SHOWN]
        return {name: net.G(z, torch.full_like(x.seed, number)) for number, name in enumerate(names)}
