"""StarGAN: one generator for many domains.

Choi, Choi, Kim, Ha, Kim and Choo, "StarGAN: Unified Generative Adversarial Networks for Multi-Domain Image-to-Image
Translation", 2018.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

import i2i
from i2i.losses import penalty_weight
from i2i.nets import joined
from i2i_stargan.critic import DomainPatchGAN
from i2i_stargan.generator import DomainResNet
from i2i_stargan.importing import HAIR, PUBLISHED, CriticImporter, GeneratorImporter
from i2i_stargan.labels import Labels

Name = str | int  # a folder 2015 is the number 2015 on the command line
Names = Annotated[Name | tuple[Name, ...] | None, i2i.NameOf("domains")]


@dataclass(frozen=True, kw_only=True)
class StarGAN(i2i.Strategy):
    """One generator for many domains: it is told the wanted ones, and a critic says which it sees."""

    generator: i2i.Generator = i2i.Ref("domain-resnet")
    discriminator: i2i.Discriminator = i2i.Ref("domain-patch")
    gan: i2i.Loss = i2i.Ref("wgan-gp")
    domain_weight: Annotated[float, Field(ge=0, description="weight of being of the wanted domains")] = 1.0
    cycle: i2i.Loss = i2i.Ref("l1")
    cycle_weight: Annotated[float, Field(ge=0, description="weight of returning unchanged")] = 10.0
    n_critic: Annotated[int, Field(ge=1, description="steps of the critic for each of the generator")] = 5

    # The authors' code means to let the rate fall to zero over the second half, but takes away a hundred-thousandth of
    # it once in a thousand steps: it ends at 9.99e-5. This fall does the same.
    recipe: ClassVar[Mapping[str, Any]] = {
        "data": {"name": "domains", "size": 128, "flip": True},
        "optimizers": {"default": {"name": "adam", "lr": 1e-4, "betas": (0.5, 0.999)}},
        "schedule": {"name": "linear", "constant_steps": 100_000, "decay_steps": 100_000_000},
        "train": {"steps": 200_000, "batch": 16, "init": {"name": "default"}},
    }
    example: ClassVar[Mapping[str, Any]] = {
        "data": {
            "root": "data/celeba",
            "centre_crop": 178,
            "attributes": [*PUBLISHED],
            "exclusive": [[*HAIR]],
            "hold_out": 1999,
        }
    }
    # So short a run bears a higher rate, and as many steps of the generator as of the critic. Adam forgets sooner what
    # gradients used to be, as for WGAN-GP: one that grows suddenly would otherwise throw the networks off. Returning
    # counts less, since shapes must grow and shrink; averaged weights take out the noise of the last steps.
    demo: ClassVar[Mapping[str, Any]] = {
        "strategy": {
            "generator": {"width": 32, "blocks": 2},
            "discriminator": {"width": 48, "layers": 3},
            "cycle_weight": 3.0,
            "n_critic": 1,
        },
        "data": {
            "name": "demo",
            "layout": "domains",
            "count": 1000,
            "size": 32,
            "load_size": 32,
            "workers": 0,
        },
        "optimizers": {"default": {"lr": 1e-3, "betas": (0.5, 0.9)}},
        "schedule": {"constant_steps": 1750, "decay_steps": 750},
        "train": {
            "steps": 2500,
            "batch": 8,
            "ema": {"G": 0.995},
            "log_every": 25,
            "sample_every": 250,
            "validate_every": 250,
            "checkpoint_every": 250,
        },
    }

    def wants(self) -> tuple[str, ...]:
        return ("image", "domain", "target", "mask?")

    def takes(self, controls: Mapping[str, Any]) -> tuple[str, ...]:
        return ("image",)

    def build(self, make: i2i.Make, data: i2i.DataFacts) -> Mapping[str, Any]:
        if not data.domains:
            raise i2i.I2IError(
                "data: this method needs pictures with labels, but this data names no domain; give a folder for each "
                'domain or a table of attributes (data "domains"), or the demo set with layout = "domains"'
            )
        channels, count = data.channels["image"], len(data.domains)
        told = count + len(data.sets)
        return {
            "G": make(self.generator, in_channels=channels, out_channels=channels, domains=told),
            "D": make(self.discriminator, in_channels=channels, domains=count),
            "gan": make(self.gan),
            "cycle": make(self.cycle),
            "labels": Labels(data.domains, data.exclusive, data.sets, data.image_size),
        }

    def phases(self) -> Sequence[i2i.Phase]:
        judge = {"real": 1.0, "fake": 1.0, "domain": self.domain_weight}
        if penalty := penalty_weight(self.gan):
            judge["penalty"] = penalty
        make = {"gan": 1.0, "domain": self.domain_weight, "cycle": self.cycle_weight}
        return [
            i2i.Phase("critic", self.critic_terms, {"D": judge}),
            i2i.Phase("generator", self.generator_terms, {"G": make}, every=self.n_critic),
        ]

    def critic_terms(self, net: i2i.Parts, x: i2i.Batch) -> Mapping[str, Tensor]:
        labels, mask = net.labels, _mask(net, x)
        with torch.no_grad():
            fake = net.G(x.image, labels.told(x.target, mask))
        (scores, logits), (fake_scores, _) = joined(net.D, x.image, fake)
        terms = {
            "real": net.gan(scores, "real"),
            "fake": net.gan(fake_scores, "fake"),
            "domain": labels.mismatch(logits, x.domain, mask),
        }
        if penalty_weight(self.gan):
            alpha = x.random.uniform(x.image[:, 0, 0, 0])
            terms["penalty"] = net.gan.penalty(lambda image: net.D(image)[0], x.image, fake, alpha)
        return terms

    def generator_terms(self, net: i2i.Parts, x: i2i.Batch) -> Mapping[str, Tensor]:
        labels, mask = net.labels, _mask(net, x)
        x.fake = net.G(x.image, labels.told(x.target, mask))
        x.cycle = net.G(x.fake, labels.told(x.domain, mask))
        scores, logits = net.D(x.fake)
        return {
            "gan": net.gan(scores, "fool"),
            "domain": labels.mismatch(logits, x.target, mask),
            "cycle": net.cycle(x.cycle, x.image),
        }

    def translate(
        self, net: i2i.Parts, x: i2i.Batch, *, domain: Names = None, source: Names = None
    ) -> Tensor:
        """Give pictures other attributes, or put them into another domain.

        Args:
            net: the parts.
            x: holds `image`.
            domain: what to change. A domain of a group (hair colours) replaces the others; another one is toggled.
            source: the domains that the pictures are of; by default the critic says.

        Raises:
            ValueError: "control: sentence": a name is unknown, names contradict each other, or nobody can say what
                the pictures are.
        """
        names, known = _wish(net, domain, source)
        own = _read(net, x.image) if known is None else net.labels.given(known, x.image)
        return _towards(net, x.image, own, names)

    def captions(self, net: i2i.Parts, controls: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
        """One result for the named domains; without a name one for every domain."""
        domain, source = controls.get("domain"), controls.get("source")
        if domain is not None:
            names, _ = _wish(net, domain, source)
            return {", ".join(names): controls}
        known = net.labels.chosen(source, "source") if source is not None else ()
        every = net.labels.beside(known[0]) if known else net.labels.domains
        for name in every:
            _wish(net, name, source)
        return {name: {**controls, "domain": name} for name in every}

    def preview(self, net: i2i.Parts, x: i2i.Batch) -> Mapping[str, Tensor]:
        names = net.labels.domains
        return {"input": x.image, **{name: _towards(net, x.image, x.domain, (name,)) for name in names}}


def _mask(net: i2i.Parts, x: i2i.Batch) -> Tensor | None:
    return x.mask if net.labels.sets else None


def _towards(net: i2i.Parts, images: Tensor, own: Tensor, names: Sequence[str]) -> Tensor:
    """Pictures whose own labels are known, after a wish."""
    wanted = net.labels.changed(own, names)
    made: Tensor = net.G(images, net.labels.told(wanted, net.labels.speaks(names[0], wanted)))
    return made


def _read(net: i2i.Parts, images: Tensor) -> Tensor:
    """The labels of pictures, as the critic sees them at the size it was trained with."""
    size = (net.labels.image_size, net.labels.image_size)
    if images.shape[2:] != size:
        images = F.interpolate(images, size, mode="bilinear", antialias=True)
    labels: Tensor = net.labels.read(net.D(images)[1])
    return labels


def _wish(net: i2i.Parts, domain: Names, source: Names) -> tuple[tuple[str, ...], tuple[str, ...] | None]:
    """The names to change, and those of what the pictures are; None where the critic is to say."""
    labels: Labels = net.labels
    if domain in (None, "", (), []):  # not a 0, which can be a name
        raise ValueError(f"domain: say what to change, one or several of {', '.join(labels.domains)}")
    names = labels.chosen(domain, "domain")
    beside = labels.beside(names[0])
    if source is not None:
        known = labels.chosen(source, "source")
        if known and labels.beside(known[0]) != beside:
            raise ValueError(
                f"source: {known[0]} and {names[0]} are labels of different data sets; name domains of the set of "
                f"{names[0]}: {', '.join(beside)}"
            )
        return names, known
    if not labels.needs_reading(names):
        return names, ()
    if "D" not in net:
        raise ValueError(
            "source: these weights came without the critic, which would say what a picture is; name its domains, "
            f"or [] for none of {', '.join(beside)}"
        )
    return names, None


@i2i.hookimpl
def i2i_register(registry: i2i.Registry) -> None:
    """Register the strategy, its networks, and the importers of the authors' weights."""
    registry.add("strategy", "stargan", StarGAN)
    registry.add("generator", "domain-resnet", DomainResNet)
    registry.add("discriminator", "domain-patch", DomainPatchGAN)
    registry.add("importer", "stargan.G", GeneratorImporter)
    registry.add("importer", "stargan.D", CriticImporter)
