"""VAE-GAN: an autoencoder that learns from a discriminator what makes pictures alike.

Larsen, Sønderby, Larochelle and Winther, "Autoencoding beyond pixels using a learned similarity metric", 2016.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

import i2i
from i2i.losses import kl_divergence, penalty_weight, single
from i2i_gans.vaegan_losses import squares

EQUILIBRIUM, MARGIN = 0.68, 0.35

Positive = Annotated[float, Field(gt=0)]
Margin = Annotated[
    Positive | Literal["auto"] | None,
    Field(
        description="how far a cost may be from equilibrium before a network waits; by default 0.35 or never"
    ),
]


@dataclass(frozen=True, kw_only=True)
class VAEGAN(i2i.Strategy):
    """Autoencoder and GAN in one: pictures become codes and back, compared in what the discriminator sees."""

    generator: i2i.Generator = i2i.Ref("vaegan-decoder")
    encoder: i2i.Encoder = i2i.Ref("vaegan-encoder")
    discriminator: i2i.Discriminator = i2i.Ref("vaegan-features")
    latent: Annotated[int, Field(ge=1, description="numbers in the latent code")] = 128
    feature_layer: Annotated[
        int, Field(ge=1, description="convolution of stride 2 of the discriminator that compares pictures")
    ] = 3
    gan: i2i.Loss = i2i.Ref("bounded-logistic", objective="minimax")
    reconstructions: Annotated[
        bool, Field(description="the discriminator is shown reconstructions beside samples, as in the paper")
    ] = False
    gamma: Annotated[
        float,
        Field(
            gt=0, lt=1, description="share of the feature term in what the decoder minimises (it is a sum)"
        ),
    ] = 1e-6
    feature_weight: Annotated[Positive, Field(description="weight of the feature term in the encoder")] = 1.0
    kl_weight: Annotated[
        Positive, Field(description="weight of the encoder's distance to the normal distribution")
    ] = 1.0
    real_weight: Annotated[
        float, Field(gt=0, lt=1, description="share of real pictures in what the discriminator minimises")
    ] = 0.5
    equilibrium: Annotated[
        Positive, Field(description="cost of the discriminator where both sides are equally strong")
    ] = EQUILIBRIUM
    margin: Margin = "auto"

    # The authors' weight decay stands beside losses that are sums over a batch, ours beside means.
    recipe: ClassVar[Mapping[str, Any]] = {
        "data": {"name": "images", "size": 64, "flip": True},
        "optimizers": {"default": {"name": "rmsprop", "lr": 3e-4, "alpha": 0.9, "weight_decay": 1e-5 / 64}},
        "schedule": {"name": "exponential", "factor": 0.75, "every": "epoch"},
        "train": {"epochs": 12, "batch": 64, "init": {"name": "default"}},
    }
    example: ClassVar[Mapping[str, Any]] = {
        "data": {"root": "data/celeba", "centre_crop": 148, "hold_out": 2000}
    }
    # Few and small feature maps make a small sum; in so short a run it counts for more.
    demo: ClassVar[Mapping[str, Any]] = {
        "strategy": {
            "generator": {"width": 48},
            "encoder": {"width": 16, "hidden": 128},
            "discriminator": {"width": 8, "hidden": 64},
            "latent": 16,
            "gamma": 1e-2,
        },
        "data": {
            "name": "demo",
            "layout": "images",
            "count": 1000,
            "size": 32,
            "load_size": 32,
            "workers": 0,
        },
        "optimizers": {"default": {"lr": 1e-3}},
        "schedule": {"name": "linear", "constant_steps": 1000, "decay_steps": 1000},
        "train": {
            "steps": 2000,
            "batch": 16,
            "ema": {"G": 0.995, "E": 0.995},
            "log_every": 25,
            "sample_every": 250,
            "validate_every": 250,
            "checkpoint_every": 250,
        },
    }
    prior: ClassVar[bool] = True

    @staticmethod
    def settle(options: Mapping[str, Any]) -> dict[str, Any]:
        """`margin = "auto"` as a number, or as none for losses whose values are not those of logarithms.

        Raises:
            ValueError: there is an equilibrium but no margin.
        """
        margin = _margin(options["gan"]) if options["margin"] == "auto" else options["margin"]
        if margin is None and options["equilibrium"] != EQUILIBRIUM:
            raise ValueError(
                "equilibrium: it has no effect with this loss without a margin; give margin a number"
            )
        return {**options, "margin": margin}

    def wants(self) -> tuple[str, ...]:
        return ("image",)

    def takes(self, controls: Mapping[str, Any]) -> tuple[str, ...]:
        return ("image",)

    def build(self, make: i2i.Make, data: i2i.DataFacts) -> Mapping[str, Any]:
        channels = data.channels["image"]
        return {
            "E": make(self.encoder, in_channels=channels, latent=self.latent),
            "G": make(self.generator, latent=self.latent, out_channels=channels),
            "D": make(self.discriminator, in_channels=channels, feature_layer=self.feature_layer),
            "gan": make(self.gan),
            "image_size": data.image_size,
        }

    @property
    def _minimax(self) -> bool:
        """Whether the decoder minimises what the discriminator maximises; other losses have a term of their own."""
        return self.gan.options.get("objective") == "minimax"

    def phases(self) -> Sequence[i2i.Phase]:
        judge = {"real": self.real_weight, "fake": 1 - self.real_weight}
        if penalty := penalty_weight(self.gan):
            judge["penalty"] = penalty
        against = (
            {"real": self.gamma - 1, "fake": self.gamma - 1} if self._minimax else {"gan": 1 - self.gamma}
        )
        rows = {
            "E": {"kl": self.kl_weight, "feature": self.feature_weight},
            "G": {"feature": self.gamma, **against},
            "D": judge,
        }
        gated = self.margin is not None
        return [i2i.Phase("networks", self.terms, rows, skip=self.waiting if gated else None)]

    def waiting(self, terms: Mapping[str, float]) -> set[str]:
        """Who makes no step: the discriminator where it is far ahead, the decoder where that is far behind."""
        margin = _margin(self.gan) if self.margin == "auto" else self.margin
        costs = terms["real"], terms["fake"]
        ahead = margin is not None and min(costs) < self.equilibrium - margin
        behind = margin is not None and max(costs) > self.equilibrium + margin
        if ahead == behind:
            return set()
        return {"D"} if ahead else {"G"}

    def terms(self, net: i2i.Parts, x: i2i.Batch) -> Mapping[str, Tensor]:
        x.mean, x.log_variance, code = _encode(net, x.image, x.random)
        x.reconstruction = net.G(code)
        x.z = self._from_prior(x.random, x.image)
        x.fake = net.G(torch.cat([code, x.z]) if self.reconstructions else x.z)
        # Real pictures and others meet in one batch: the statistics of batch norm must not give them away.
        made, true = net.D(torch.cat([x.reconstruction, x.image]))[1].chunk(2)
        scores = net.D(torch.cat([x.image, x.fake]))[0]
        real, fake = scores[: len(x.image)], scores[len(x.image) :]
        terms = {
            "kl": kl_divergence(x.mean, x.log_variance),
            "feature": squares(made, true),
            "real": net.gan(real, "real"),
            "fake": net.gan(fake, "fake"),
        }
        if not self._minimax:
            terms["gan"] = net.gan(fake, "fool")
        if penalty_weight(self.gan):
            alpha = x.random.uniform(x.image[:, 0, 0, 0])
            samples = x.fake[-len(x.image) :]
            terms["penalty"] = net.gan.penalty(lambda image: net.D(image)[0], x.image, samples, alpha)
        return terms

    def translate(
        self,
        net: i2i.Parts,
        x: i2i.Batch,
        *,
        mean: Annotated[bool, Field(description="the mean of a picture's code instead of a draw")] = False,
    ) -> Tensor:
        """Reconstruct pictures, or draw new ones.

        Pictures of another size than those of the training are reconstructed at that size and enlarged again.

        Args:
            net: the parts.
            x: holds `image`; for new pictures `seed`, their numbers, instead.
            mean: decode the mean of a picture's code instead of a draw.

        Raises:
            ValueError: "mean: sentence", new pictures have no code with a mean.
        """
        if "image" in x:
            return _reconstruct(net, x.image, x.random, mean)
        if mean:
            raise ValueError(
                "mean: samples start from random codes, not from those of pictures; leave it out"
            )
        made: Tensor = net.G(self._from_prior(x.random, x.seed.float()))
        return made

    def preview(self, net: i2i.Parts, x: i2i.Batch) -> Mapping[str, Tensor]:
        return {
            "input": x.image,
            "reconstruction": self.translate(net, x),
            "sample": net.G(self._from_prior(x.random, x.image)),
        }

    def _from_prior(self, random: i2i.Draws, like: Tensor) -> Tensor:
        """Random codes, one for each row of `like`, on its device and of its type."""
        return random.normal(like.new_empty(like.shape[0], self.latent)).to(like)


def _margin(gan: i2i.Ref) -> float | None:
    """The published margin fits the costs of a logistic loss, which says so by its option `objective`."""
    return MARGIN if "objective" in gan.options else None


def _encode(net: i2i.Parts, image: Tensor, random: i2i.Draws) -> tuple[Tensor, Tensor, Tensor]:
    """Mean and log-variance of the codes of pictures, and a draw."""
    mean, log_variance = map(single, net.E(image))
    noise = random.normal(mean).to(mean)
    return mean, log_variance, mean + noise * (0.5 * log_variance).exp()


def _reconstruct(net: i2i.Parts, image: Tensor, random: i2i.Draws, by_mean: bool) -> Tensor:
    """There and back, at the size of the training."""
    size, trained = image.shape[2:], (net.image_size, net.image_size)
    mean, _, code = _encode(net, _resized(image, trained), random)
    return _resized(net.G(mean if by_mean else code), size)


def _resized(image: Tensor, size: Sequence[int]) -> Tensor:
    if image.shape[2:] == tuple(size):
        return image
    return F.interpolate(image.float(), tuple(size), mode="bilinear", antialias=True)
