"""BicycleGAN: paired translation with many answers.

Zhu, Zhang, Pathak, Darrell, Efros, Wang and Shechtman, "Toward Multimodal Image-to-Image Translation", 2017.
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
from i2i.nets import joined
from i2i_bicyclegan.discriminator import MultiScalePatchGAN
from i2i_bicyclegan.encoders import ConvEncoder, ResNetEncoder
from i2i_bicyclegan.importing import EncoderImporter, GeneratorImporter, discriminator_lr, discriminator_vae

NonNegative = Annotated[float, Field(ge=0)]
Style = Annotated[Path | None, i2i.PictureOf("b")]
Code = Annotated[tuple[float, ...] | None, i2i.CodeOf("latent")]


@dataclass(frozen=True, kw_only=True)
class BicycleGAN(i2i.Strategy):
    """Paired translation with many answers: a latent code chooses one, an encoder reads codes from pictures."""

    generator: i2i.Generator = i2i.Ref("latent-unet", dropout=0.5)
    discriminator: i2i.Discriminator = i2i.Ref("multi-scale")
    encoder: i2i.Encoder = i2i.Ref("resnet")
    latent: Annotated[int, Field(ge=1, description="numbers in the latent code")] = 8
    conditional: Annotated[bool, Field(description="the discriminators see the input next to the result")] = (
        False
    )
    use_same_D: Annotated[bool, Field(description="one discriminator judges both kinds of results")] = False  # noqa: N815
    gan: i2i.Loss = i2i.Ref("lsgan")
    gan_vae_weight: Annotated[NonNegative, Field(description="weight of looking real with encoded codes")] = (
        1.0
    )
    gan_lr_weight: Annotated[NonNegative, Field(description="weight of looking real with random codes")] = 1.0
    pixel: i2i.Loss = i2i.Ref("l1")
    pixel_weight: Annotated[NonNegative, Field(description="weight of the distance to the target")] = 10.0
    kl_weight: Annotated[
        NonNegative, Field(description="weight of the encoder's distance to the normal distribution")
    ] = 0.01
    code: i2i.Loss = i2i.Ref("l1")
    code_weight: Annotated[NonNegative, Field(description="weight of recovering the random code")] = 0.5
    code_trains_encoder: Annotated[
        bool, Field(description="the encoder minimises code too, as cLR-GAN needs it")
    ] = False

    recipe: ClassVar[Mapping[str, Any]] = {
        "data": {"name": "paired", "size": 256, "flip": True},
        "optimizers": {"default": {"name": "adam", "lr": 2e-4, "betas": (0.5, 0.999)}},
        "schedule": {"name": "linear", "constant": 100, "decay": 100},
        "train": {"epochs": 200, "batch": 2, "init": {"name": "xavier", "gain": 0.02}},
    }
    example: ClassVar[Mapping[str, Any]] = {
        "data": {"root": "data/facades", "direction": "b-to-a"},
        "train": {"epochs": 400},
    }
    demo: ClassVar[Mapping[str, Any]] = {
        "strategy": {
            "generator": {"width": 32, "dropout": 0.0},
            "discriminator": {"width": 32, "layers": 2},
            "encoder": {"width": 32},
        },
        "data": {"name": "demo", "layout": "paired", "light": "any", "size": 64, "workers": 0},
        "optimizers": {"default": {"lr": 5e-4}},
        "train": {
            "steps": 1500,
            "log_every": 25,
            "sample_every": 250,
            "validate_every": 250,
            "checkpoint_every": 250,
        },
    }
    multiple: ClassVar[int] = 2

    def wants(self) -> tuple[str, ...]:
        return ("a", "b")

    def takes(self, controls: Mapping[str, Any]) -> tuple[str, ...]:
        return ("a",)

    def makes(self, controls: Mapping[str, Any]) -> str:
        return "b"

    def build(self, make: i2i.Make, data: i2i.DataFacts) -> Mapping[str, Any]:
        self._check()
        a, b = data.channels["a"], data.channels["b"]
        judged = a + b if self.conditional else b
        return {
            "G": make(self.generator, in_channels=a, out_channels=b, latent=self.latent),
            "E": make(self.encoder, in_channels=b, latent=self.latent),
            **{name: make(self.discriminator, in_channels=judged) for name in self._judges()},
            "gan": make(self.gan),
            "pixel": make(self.pixel),
            "code": make(self.code),
        }

    @property
    def _encodes(self) -> bool:
        """Whether some term needs the encoded code: the cVAE-GAN half."""
        return bool(self.gan_vae_weight or self.pixel_weight or self.kl_weight)

    @property
    def _draws(self) -> bool:
        """Whether some term needs a random code: the cLR-GAN half."""
        return bool(self.gan_lr_weight or self.code_weight)

    def _check(self) -> None:
        """Refuse weights with which a network would never learn, and options without effect."""
        if not (self.gan_vae_weight or self.gan_lr_weight or self.pixel_weight):
            raise i2i.I2IError(
                "strategy.gan_vae_weight: nothing trains the generator while gan_vae_weight, gan_lr_weight and "
                "pixel_weight are 0; raise one of them"
            )
        if not self._encodes and not self.code_trains_encoder:
            raise i2i.I2IError(
                "strategy.code_trains_encoder: nothing trains the encoder while gan_vae_weight, pixel_weight and "
                "kl_weight are 0; set code_trains_encoder = true (cLR-GAN)"
            )
        if self.code_trains_encoder and not self.code_weight:
            raise i2i.I2IError(
                "strategy.code_trains_encoder: it has no effect while code_weight is 0; raise that, or leave it out"
            )
        if self.use_same_D and not (self.gan_vae_weight and self.gan_lr_weight):
            raise i2i.I2IError(
                "strategy.use_same_D: there is only one discriminator while gan_vae_weight or gan_lr_weight is 0; "
                "leave it out"
            )

    def _halves(self) -> list[str]:
        """The halves of the method whose results a discriminator judges."""
        weights = {"vae": self.gan_vae_weight, "lr": self.gan_lr_weight}
        return [half for half, weight in weights.items() if weight]

    def _judge(self, half: str) -> str:
        return "D" if self.use_same_D else f"D_{half}"

    def _judges(self) -> dict[str, dict[str, float]]:
        """The discriminators, and what each minimises."""
        judges: dict[str, dict[str, float]] = {}
        for half in self._halves():
            row = {f"real_{half}": 1.0, f"fake_{half}": 1.0}
            if penalty := penalty_weight(self.gan):
                row[f"penalty_{half}"] = penalty
            judges.setdefault(self._judge(half), {}).update(row)
        return judges

    def phases(self) -> Sequence[i2i.Phase]:
        weights = {
            "gan_vae": self.gan_vae_weight,
            "gan_lr": self.gan_lr_weight,
            "pixel": self.pixel_weight,
            "kl": self.kl_weight,
        }
        both = {term: weight for term, weight in weights.items() if weight}
        code = {"code": self.code_weight} if self.code_weight else {}
        # The generator alone learns to keep the code: together, the two would hide it in the picture (section 3.3).
        encoder = {**(both if self._encodes else {}), **(code if self.code_trains_encoder else {})}
        rows = {"G": {**both, **code}} | ({"E": encoder} if encoder else {})
        generator = i2i.Phase("generator", self.generator_terms, rows)
        judges = self._judges()
        return [generator] + [i2i.Phase("discriminators", self.discriminator_terms, judges)] * bool(judges)

    def prepare(self, net: i2i.Parts, x: i2i.Batch) -> None:
        x.half_a, x.half_b = x.a[0::2], x.b[0::2]
        x.other_a, x.other_b = x.a[1::2], x.b[1::2]
        if self._encodes:
            mean, log_variance = net.E(x.half_b)
            x.mean, x.log_variance = single(mean), single(log_variance)
            noise = x.random.normal(x.mean).to(x.mean)
            x.fake_vae = net.G(x.half_a, x.mean + noise * (0.5 * x.log_variance).exp())
        if self._draws:
            x.z = x.random.normal(x.half_a.new_empty(len(x.half_a), self.latent)).to(x.half_a)
            x.fake_lr = net.G(x.half_a, x.z)

    def generator_terms(self, net: i2i.Parts, x: i2i.Batch) -> Mapping[str, Tensor]:
        terms = {}
        for half in self._halves():
            seen = self._seen(x.half_a, x.fields()[f"fake_{half}"])
            terms[f"gan_{half}"] = _judged(net.gan, net[self._judge(half)](seen), "fool")
        if self.pixel_weight:
            terms["pixel"] = net.pixel(x.fake_vae, x.half_b)
        if self.kl_weight:
            terms["kl"] = kl_divergence(x.mean, x.log_variance)
        if self.code_weight:
            terms["code"] = net.code(net.E(x.fake_lr)[0], x.z)
        return terms

    def discriminator_terms(self, net: i2i.Parts, x: i2i.Batch) -> Mapping[str, Tensor]:
        # Results from random codes are held against the other half's pictures, as the authors do on purpose.
        reals = {"vae": (x.half_a, x.half_b), "lr": (x.other_a, x.other_b)}
        terms = {}
        for half in self._halves():
            judge, fake = net[self._judge(half)], x.fields()[f"fake_{half}"].detach()
            real, fake = self._seen(*reals[half]), self._seen(x.half_a, fake)
            fake_scores, real_scores = joined(judge, fake, real)
            terms[f"fake_{half}"] = _judged(net.gan, fake_scores, "fake")
            terms[f"real_{half}"] = _judged(net.gan, real_scores, "real")
            if penalty_weight(self.gan):
                alpha = x.random.uniform(real[:, 0, 0, 0])
                terms[f"penalty_{half}"] = net.gan.penalty(judge, real, fake, alpha)
        return terms

    def _seen(self, a: Tensor, b: Tensor) -> Tensor:
        """What a discriminator is shown of an input and its result."""
        return torch.cat([a, b], 1) if self.conditional else b

    def captions(self, net: i2i.Parts, controls: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
        count, mix = controls.get("interpolate"), controls.get("mix", 0.0)
        if count and mix:
            raise i2i.I2IError("mix: interpolate shows the whole way between two codes; give one of them")
        if controls.get("style_to") is not None and not (count or mix):
            raise i2i.I2IError("style_to: nothing leads there; give interpolate = 5, or mix = 0.5")
        if (code := controls.get("code")) is not None:
            if len(code) != self.latent:
                raise i2i.I2IError(
                    f"code: it has {len(code)} numbers; the codes of this model have {self.latent}"
                )
            if controls.get("style") is not None:
                raise i2i.I2IError("code: style is a picture whose code is used; give one of them")
        if not count:
            return {"output": controls}
        way = [step / (count - 1) for step in range(count)]
        digits = max(0, len(str(count - 2)) - 2)  # as many as tell them apart
        return {f"{part:.{digits}%}": {**controls, "interpolate": None, "mix": part} for part in way}

    def translate(
        self,
        net: i2i.Parts,
        x: i2i.Batch,
        *,
        code: Code = None,
        style: Style = None,
        style_to: Style = None,
        mix: Annotated[float, Field(ge=0, le=1)] = 0.0,
        interpolate: Annotated[int, Field(ge=2)] | None = None,
    ) -> Tensor:
        """Translate with a random code, or with that of a picture.

        Args:
            net: the parts.
            x: holds `a`, and the pictures of `style` and `style_to` where they are given.
            code: the code that is used, `latent` numbers; a random one otherwise.
            style: a picture of the kind of `b` whose code is used.
            style_to: the same for the code at the far end of `mix` and `interpolate`.
            mix: how far to go from the first code (0) to the second (1).
            interpolate: so many results, in equal steps from the first code to the second.
        """
        first = self._code(net, x, "style", style is not None)
        if code is not None:
            first = x.a.new_tensor(code).expand(x.a.shape[0], -1)
        if mix:
            first = torch.lerp(first, self._code(net, x, "style_to", style_to is not None), mix)
        translated: Tensor = net.G(x.a, first)
        return translated

    def _code(self, net: i2i.Parts, x: i2i.Batch, control: str, given: bool) -> Tensor:
        """The code of a picture that the user gave, or a random one for each input."""
        if given:
            mean: Tensor = single(net.E(x.fields()[control])[0])
            return mean.expand(x.a.shape[0], -1)
        return x.random.normal(x.a.new_empty(x.a.shape[0], self.latent)).to(x.a)

    def preview(self, net: i2i.Parts, x: i2i.Batch) -> Mapping[str, Tensor]:
        shown = {"input": x.a, "code of the target": net.G(x.a, single(net.E(x.b)[0]))}
        return shown | {f"random code {k}": self.translate(net, x) for k in (1, 2, 3)}


def _judged(gan: Any, scores: Tensor | Sequence[Tensor], role: str) -> Tensor:
    """The adversarial loss, summed over the scales of the discriminator."""
    scales = [scores] if isinstance(scores, Tensor) else scores
    total: Tensor = torch.stack([gan(scale, role) for scale in scales]).sum()
    return total


@i2i.hookimpl
def i2i_register(registry: i2i.Registry) -> None:
    """Register the strategy, its networks, and the importers of the authors' weights."""
    registry.add("strategy", "bicyclegan", BicycleGAN)
    registry.add("discriminator", "multi-scale", MultiScalePatchGAN)
    registry.add("encoder", "resnet", ResNetEncoder)
    registry.add("encoder", "conv", ConvEncoder)
    registry.add("importer", "bicyclegan.G", GeneratorImporter)
    registry.add("importer", "bicyclegan.E", EncoderImporter)
    registry.add("importer", "bicyclegan.D_vae", discriminator_vae)
    registry.add("importer", "bicyclegan.D_lr", discriminator_lr)
