"""SPADE, also called GauGAN: photographs from label maps.

Park, Liu, Wang and Zhu, "Semantic Image Synthesis with Spatially-Adaptive Normalization", 2019.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor

import i2i
from i2i.losses import kl_divergence, penalty_weight, single
from i2i_spade.discriminator import FeaturePatchGAN
from i2i_spade.encoder import SPADEEncoder
from i2i_spade.generator import SPADEGenerator
from i2i_spade.maps import Semantics

NonNegative = Annotated[float, Field(ge=0)]
Style = Annotated[Path | None, i2i.PictureOf("image")]
LATENT, KL_WEIGHT = 256, 0.05
FEATURE, PERCEPTUAL = i2i.Ref("l1"), i2i.Ref("vgg19")


@dataclass(frozen=True, kw_only=True)
class SPADE(i2i.Strategy):
    """Photographs from label maps, which modulate every norm; with an encoder, in the style of a photograph."""

    generator: i2i.Generator = i2i.Ref("spade")
    discriminator: i2i.Discriminator = i2i.Ref("feature-patch")
    encoder: i2i.Encoder | None = None
    latent: Annotated[int, Field(ge=1, description="numbers in the code of the style")] = LATENT
    gan: i2i.Loss = i2i.Ref("hinge")
    feature: i2i.Loss = FEATURE
    feature_weight: Annotated[
        NonNegative, Field(description="weight of looking the same to the discriminator's hidden layers")
    ] = 10.0
    perceptual: i2i.Loss = PERCEPTUAL
    perceptual_weight: Annotated[
        NonNegative, Field(description="weight of looking the same to a frozen network; 0 needs none")
    ] = 10.0
    kl_weight: Annotated[
        NonNegative, Field(description="weight of the encoder's distance to the normal distribution")
    ] = KL_WEIGHT

    recipe: ClassVar[Mapping[str, Any]] = {
        "data": {"name": "masks", "size": 256, "flip": True},
        "optimizers": {
            "default": {"name": "adam", "lr": 1e-4, "betas": (0.0, 0.9)},
            "D": {"name": "adam", "lr": 4e-4, "betas": (0.0, 0.9)},
        },
        "schedule": {"name": "linear", "constant": 50, "decay": 0},
        "train": {"epochs": 50, "batch": 32, "init": {"name": "xavier", "gain": 0.02}},
    }
    # ADE20K's maps hold 1 to 150, and 0 for what has no name; the authors give each of the 151 a channel. Their rate
    # is full for 101 epochs, and a hundredth of it in the last one.
    example: ClassVar[Mapping[str, Any]] = {
        "data": {"root": "data/ade20k", "classes": 151},
        "schedule": {"constant": 101, "decay": 99},
        "train": {"epochs": 200},
    }
    demo: ClassVar[Mapping[str, Any]] = {
        "strategy": {
            "generator": {"width": 8, "hidden": 32},
            "discriminator": {"width": 32, "layers": 2},
            "perceptual_weight": 0.0,
        },
        "data": {"name": "demo", "layout": "masks", "size": 64, "workers": 0},
        "optimizers": {"default": {"lr": 5e-4}, "D": {"lr": 1e-3}},
        "train": {
            "steps": 1000,
            "batch": 4,
            "log_every": 25,
            "sample_every": 250,
            "validate_every": 250,
            "checkpoint_every": 250,
        },
    }

    def wants(self) -> tuple[str, ...]:
        return ("label_map", "image", "instance_map?")

    def takes(self, controls: Mapping[str, Any]) -> tuple[str, ...]:
        return ("label_map", "instance_map?")

    def makes(self, controls: Mapping[str, Any]) -> str:
        return "image"

    def build(self, make: i2i.Make, data: i2i.DataFacts) -> Mapping[str, Any]:
        self._check()
        semantics = Semantics(data.maps["label_map"], "instance_map" in data.fields)
        told, channels = semantics.channels, data.channels["image"]
        shown = {"features": True} if self.feature_weight else {}
        parts = {
            "G": make(self.generator, in_channels=told, out_channels=channels, **self._coded(data)),
            "D": make(self.discriminator, in_channels=told + channels, **shown),
            "gan": make(self.gan),
            "feature": make(self.feature),
            "semantics": semantics,
        }
        if self.encoder is not None:
            parts["E"] = make(self.encoder, in_channels=channels, latent=self.latent)
        if self.perceptual_weight:
            parts["perceptual"] = make(self.perceptual)
        return parts

    def _check(self) -> None:
        """Refuse options without effect."""
        if self.encoder is None and (self.latent != LATENT or self.kl_weight != KL_WEIGHT):
            option = "latent" if self.latent != LATENT else "kl_weight"
            raise i2i.I2IError(
                f'strategy.{option}: it has no effect without an encoder; leave it out, or set encoder = "spade"'
            )
        losses = {
            "feature": (self.feature, FEATURE, self.feature_weight),
            "perceptual": (self.perceptual, PERCEPTUAL, self.perceptual_weight),
        }
        for option, (loss, default, weight) in losses.items():
            set_options = any(value is not None for value in loss.options.values())
            if not weight and (loss.name != default.name or set_options):
                raise i2i.I2IError(
                    f"strategy.{option}: it has no effect while {option}_weight is 0; raise that, or leave it out"
                )

    def _coded(self, data: i2i.DataFacts) -> dict[str, Any]:
        """What a generator must take besides the map: a code, and for that the shape of the pictures."""
        if self.encoder is None:
            return {}
        return {"latent": self.latent, **({"aspect": data.aspect} if data.aspect != 1 else {})}

    def phases(self) -> Sequence[i2i.Phase]:
        weights = {
            "gan": 1.0,
            "feature": self.feature_weight,
            "perceptual": self.perceptual_weight,
            "kl": self.kl_weight if self.encoder is not None else 0.0,
        }
        make = {term: weight for term, weight in weights.items() if weight}
        judge = {"real": 1.0, "fake": 1.0}
        if penalty := penalty_weight(self.gan):
            judge["penalty"] = penalty
        rows = {"G": make} if self.encoder is None else {"G": make, "E": make}
        return [
            i2i.Phase("generator", self.generator_terms, rows),
            i2i.Phase("discriminator", self.discriminator_terms, {"D": judge}),
        ]

    def prepare(self, net: i2i.Parts, x: i2i.Batch) -> None:
        x.semantics = net.semantics.of(x).to(x.image)

    def generator_terms(self, net: i2i.Parts, x: i2i.Batch) -> Mapping[str, Tensor]:
        code = self._encoded(net, x)
        x.fake = net.G(x.semantics, *code)
        judged = self._judged(net, x, x.fake)
        terms = {"gan": net.gan(judged.fake, "fool")}
        if self.feature_weight:
            terms["feature"] = judged.distance(net.feature)
        if self.perceptual_weight:
            terms["perceptual"] = net.perceptual(x.fake, x.image)
        if code and self.kl_weight:
            terms["kl"] = kl_divergence(x.mean, x.log_variance)
        return terms

    def discriminator_terms(self, net: i2i.Parts, x: i2i.Batch) -> Mapping[str, Tensor]:
        with torch.no_grad():  # another fake than the generator was trained with, as the authors make it
            fake = net.G(x.semantics, *self._encoded(net, x))
        judged = self._judged(net, x, fake)
        terms = {"fake": net.gan(judged.fake, "fake"), "real": net.gan(judged.real, "real")}
        if penalty_weight(self.gan):
            real, fake = (torch.cat([x.semantics, picture], 1) for picture in (x.image, fake))
            alpha = x.random.uniform(x.image[:, 0, 0, 0])
            terms["penalty"] = net.gan.penalty(lambda image: self._seen(net, image)[0], real, fake, alpha)
        return terms

    def _encoded(self, net: i2i.Parts, x: i2i.Batch) -> tuple[Tensor, ...]:
        """The code of the style of each photograph, drawn anew from what the encoder says; nothing without one."""
        if self.encoder is None:
            return ()
        x.mean, x.log_variance = map(single, net.E(x.image))
        return (_drawn(x, x.mean, x.log_variance),)

    def _judged(self, net: i2i.Parts, x: i2i.Batch, fake: Tensor) -> _Judged:
        """What the discriminator says of results and photographs, shown as one batch, each beside its map."""
        shown = torch.cat([torch.cat([x.semantics, picture], 1) for picture in (fake, x.image)])
        return _Judged(*self._seen(net, shown))

    def _seen(self, net: i2i.Parts, shown: Tensor) -> tuple[list[Tensor], list[list[Tensor]]]:
        """The scores of every scale, and what the hidden layers of every scale hold where they are compared."""
        said = net.D(shown)
        scores, hidden = said if self.feature_weight else (said, [])
        return [scores] if isinstance(scores, Tensor) else scores, hidden

    def captions(self, net: i2i.Parts, controls: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
        if controls.get("style") is not None and "E" not in net:
            why = "was trained" if self.encoder is None else "came"
            raise ValueError(f"style: this run {why} without an encoder, which reads the style of a picture")
        return {"output": controls}

    def translate(self, net: i2i.Parts, x: i2i.Batch, *, style: Style = None) -> Tensor:
        """Make photographs of label maps.

        Args:
            net: the parts.
            x: holds `label_map`, `instance_map` where the run was trained with such maps, and the picture of `style`.
            style: a photograph whose style is used, where there is an encoder; else a random one.

        Raises:
            ValueError: "field: sentence": a value that is no class, or the instance map is missing.
        """
        net.semantics.check(x.label_map)
        told = net.semantics.of(x)
        made: Tensor = net.G(told, *self._styled(net, x, told, style is not None))
        return made

    def _styled(self, net: i2i.Parts, x: i2i.Batch, told: Tensor, given: bool) -> tuple[Tensor, ...]:
        """A code for each map, in the style of a picture or from the normal distribution; nothing without encoder."""
        if self.encoder is None:
            return ()
        normal = told.new_zeros(1, self.latent)  # its mean, and its log-variance
        mean, log_variance = net.E(x.style) if given else (normal, normal)
        return (_drawn(x, mean.expand(told.shape[0], -1), log_variance.expand(told.shape[0], -1)),)

    def preview(self, net: i2i.Parts, x: i2i.Batch) -> Mapping[str, Tensor]:
        shown = {"input": x.label_map, "output": self.translate(net, x)}
        if self.encoder is not None:
            shown["style of the photograph"] = net.G(net.semantics.of(x), *self._encoded(net, x))
        return shown


class _Judged:
    """What a discriminator says of a batch whose first half are results, the other half the photographs."""

    def __init__(self, scores: Sequence[Tensor], hidden: Sequence[Sequence[Tensor]]) -> None:
        self.fake = [score.chunk(2)[0] for score in scores]
        self.real = [score.chunk(2)[1] for score in scores]
        self.hidden = hidden

    def distance(self, feature: Any) -> Tensor:
        """How far the hidden layers are apart: the sum over the layers of a scale, the mean over the scales."""
        layers = [layer.chunk(2) for scale in self.hidden for layer in scale]
        apart = torch.stack([feature(fake, real.detach()) for fake, real in layers])
        total: Tensor = apart.sum() / len(self.hidden)
        return total


def _drawn(x: i2i.Batch, mean: Tensor, log_variance: Tensor) -> Tensor:
    """Codes (N, latent) from normal distributions."""
    return mean + x.random.normal(mean).to(mean) * (0.5 * log_variance).exp()


@i2i.hookimpl
def i2i_register(registry: i2i.Registry) -> None:
    """Register the strategy and its networks."""
    registry.add("strategy", "spade", SPADE)
    registry.add("generator", "spade", SPADEGenerator)
    registry.add("discriminator", "feature-patch", FeaturePatchGAN)
    registry.add("encoder", "spade", SPADEEncoder)
