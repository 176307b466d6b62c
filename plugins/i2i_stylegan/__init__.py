"""StyleGAN: styles control every layer of the generator, and the networks grow while they train.

Karras, Laine and Aila, "A Style-Based Generator Architecture for Generative Adversarial Networks", 2019; the first of
its versions, with the settings that the authors published for FFHQ (configuration F).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

import i2i
from i2i.losses import penalty_weight, r1_penalty
from i2i_stylegan.discriminator import ProgressiveDiscriminator
from i2i_stylegan.drawing import as_if_large, made_to_train, noise
from i2i_stylegan.growth import Growth, check_groups, check_growth, check_table
from i2i_stylegan.layers import enlarged
from i2i_stylegan.styles import CUTOFF, LAYERS, LayerName, drawn, one_of, other_samples, rows, truncated
from i2i_stylegan.synthesis import StyleGenerator

Images = Annotated[int, Field(ge=0)]
Side = Annotated[int, Field(ge=4)]
Number = Annotated[int, Field(ge=1)]


@dataclass(frozen=True, kw_only=True)
class StyleGAN(i2i.Strategy):
    """Pictures from random numbers: styles control every layer, and the networks grow while they train."""

    generator: i2i.Generator = i2i.Ref("style")
    discriminator: i2i.Discriminator = i2i.Ref("progressive")
    gan: i2i.Loss = i2i.Ref("vanilla")
    r1_weight: Annotated[
        float, Field(ge=0, description="weight of the R1 penalty: half of the paper's gamma")
    ] = 5.0
    latent: Annotated[int, Field(ge=1, description="random numbers of a picture, and values of a style")] = (
        512
    )
    mixing: Annotated[
        float, Field(ge=0, le=1, description="share of the batches made with the styles of two samples")
    ] = 0.9
    resolution: Annotated[
        Side | Literal["auto"], Field(description='the size of the pictures; "auto" is data.size')
    ] = "auto"
    start: Annotated[Side, Field(description="resolution to begin with")] = 8
    stable_images: Annotated[
        Images, Field(description="images before the next resolution begins to fade in")
    ] = 600_000
    fading_images: Annotated[Images, Field(description="images while it fades in")] = 600_000
    batches: Annotated[
        tuple[tuple[Side, Annotated[int, Field(ge=1)]], ...],
        Field(description="[resolution, batch] where it is not train.batch"),
    ] = ((4, 512), (8, 256), (16, 128), (32, 64))
    rates: Annotated[
        tuple[tuple[Side, Annotated[float, Field(gt=0)]], ...],
        Field(description="[resolution, factor on the learning rate] where it is not 1"),
    ] = ((128, 1.5), (256, 2.0), (512, 3.0), (1024, 3.0))

    recipe: ClassVar[Mapping[str, Any]] = {
        "data": {"name": "images", "size": 1024, "flip": True},
        "optimizers": {"default": {"name": "adam", "lr": 1e-3, "betas": (0.0, 0.99), "eps": 1e-8}},
        "schedule": {"name": "constant"},
        # 25 million images: batches shrink as the pictures grow
        "train": {
            "steps": 717_967,
            "batch": 32,
            "ema": {"G": {"half_life": 10_000}},
            "init": {"name": "default"},
        },
    }
    example: ClassVar[Mapping[str, Any]] = {"data": {"root": "data/ffhq"}}
    # Few images of each resolution: 32 pixels are reached after 1000 steps.
    demo: ClassVar[Mapping[str, Any]] = {
        "strategy": {
            "generator": {"width": 256, "max_width": 64, "layers": 4},
            "discriminator": {"width": 256, "max_width": 64},
            "latent": 64,
            "r1_weight": 0.5,
            "stable_images": 3000,
            "fading_images": 3000,
            "batches": [],
        },
        "data": {
            "name": "demo",
            "layout": "images",
            "count": 1000,
            "size": 32,
            "load_size": 32,
            "workers": 0,
        },
        "optimizers": {"default": {"lr": 3e-3}},
        "train": {
            "steps": 1600,
            "batch": 16,
            "ema": {"G": {"half_life": 1000}},
            "log_every": 25,
            "sample_every": 250,
            "checkpoint_every": 500,
        },
    }

    @staticmethod
    def settle(options: Mapping[str, Any], *, image_size: int) -> dict[str, Any]:
        """The options with the resolution that pictures of that many pixels ask for.

        Raises:
            ValueError: it is not reached by doubling, or an entry of a table cannot be used.
        """
        if options["resolution"] not in ("auto", image_size):
            raise ValueError(
                f"resolution: {options['resolution']} is not the size of the pictures, {image_size}; leave it out"
            )
        check_growth(image_size, options["start"], options["stable_images"], options["fading_images"])
        for table in ("batches", "rates"):
            check_table(table, [side for side, _ in options[table]])
        used = {side: n for side, n in options["batches"] if options["start"] <= side <= image_size}
        check_groups(used, options["discriminator"].options.get("group", 1))
        return {**options, "resolution": image_size}

    def wants(self) -> tuple[str, ...]:
        return ("image",)

    def takes(self, controls: Mapping[str, Any]) -> tuple[str, ...]:
        return ("seed",)

    def build(self, make: i2i.Make, data: i2i.DataFacts) -> Mapping[str, Any]:
        if data.height != data.image_size:
            raise i2i.I2IError(
                f"data: this method makes squares, and these pictures have {data.image_size}x{data.height} pixels; "
                "set data.aspect = 1"
            )
        self._check_resolution(data.image_size)
        growth, channels = self._growth(), data.channels["image"]
        known = {"resolution": growth.resolution}
        return {
            "G": make(self.generator, out_channels=channels, latent=self.latent, **known),
            "D": make(self.discriminator, in_channels=channels, **known),
            "gan": make(self.gan),
            "growth": growth,
        }

    def _check_resolution(self, image_size: int) -> None:
        """Refuse what `settle` would have: it is not asked where the data has no option `size`."""
        if self.resolution == "auto":
            raise i2i.I2IError(
                f"strategy.resolution: this data does not tell it in time; set it to {image_size}"
            )
        try:
            self.settle(vars(self), image_size=image_size)
        except ValueError as error:
            raise i2i.I2IError(f"strategy.{error}") from error

    def _growth(self) -> Growth:
        assert self.resolution != "auto"
        return Growth(self.resolution, self.start, self.stable_images, self.fading_images)

    def plan(self, images: int) -> i2i.Plan:
        growth = self._growth()
        side = growth.at(images).side
        rates = dict.fromkeys("GD", dict(self.rates).get(side, 1.0))
        return i2i.Plan(batch=dict(self.batches).get(side), rates=rates, stage=growth.stage(images))

    def phases(self) -> Sequence[i2i.Phase]:
        judge = {"real": 1.0, "fake": 1.0}
        if self.r1_weight:
            judge["r1"] = self.r1_weight
        if penalty := penalty_weight(self.gan):
            judge["penalty"] = penalty
        return [
            i2i.Phase("discriminator", self.discriminator_terms, {"D": judge}),
            i2i.Phase("generator", self.generator_terms, {"G": {"gan": 1.0}}),
        ]

    def prepare(self, net: i2i.Parts, x: i2i.Batch) -> None:
        level = net.growth.at(x.images_seen)
        net.G.lod.fill_(level.lod)
        x.real = level.shown(x.image)

    def discriminator_terms(self, net: i2i.Parts, x: i2i.Batch) -> Mapping[str, Tensor]:
        level = net.growth.at(x.images_seen)
        factor, fade = level.factor, level.fade(x.image)
        with torch.no_grad():
            x.fake = made_to_train(net, x, self.latent, self.mixing, 2 * x.images_seen)

        def critic(image: Tensor) -> Tensor:
            scores: Tensor = net.D(image, fade)
            return scores

        terms = {"real": net.gan(critic(x.real), "real"), "fake": net.gan(critic(x.fake), "fake")}
        large = as_if_large(critic, factor)
        if self.r1_weight:
            terms["r1"] = r1_penalty(large, x.real * factor)
        if penalty_weight(self.gan):
            alpha = x.random.uniform(x.image[:, 0, 0, 0])
            terms["penalty"] = net.gan.penalty(large, x.real * factor, x.fake * factor, alpha)
        return terms

    def generator_terms(self, net: i2i.Parts, x: i2i.Batch) -> Mapping[str, Tensor]:
        x.fake = made_to_train(net, x, self.latent, self.mixing, 2 * x.images_seen + 1)
        fade = net.growth.at(x.images_seen).fade(x.image)
        return {"gan": net.gan(net.D(x.fake, fade), "fool")}

    def translate(
        self,
        net: i2i.Parts,
        x: i2i.Batch,
        *,
        truncation: Annotated[float, Field(ge=-1, le=1)] = 1.0,
        cutoff: Annotated[int, Field(ge=1)] | None = None,
        style: Number | Annotated[tuple[Number, ...], Field(min_length=1)] | None = None,
        style_layers: LayerName | None = None,
        style_to: Number | None = None,
        mix: Annotated[float, Field(ge=0, le=1)] = 0.0,
        interpolate: Annotated[int, Field(ge=2)] | None = None,
        space: Literal["w", "z"] | None = None,
    ) -> Tensor:
        """Draw pictures; while the networks grow, small ones in large pixels.

        Args:
            net: the parts.
            x: holds `seed`.
            truncation: how far styles may be from the mean style, as a share: less is plainer and safer (0.7), 1 is as
                trained, below 0 shows the opposite.
            cutoff: layers, from the coarsest, that are truncated; 8 as a rule.
            style: number of the sample whose style is taken for some of the layers; of several, a row each.
            style_layers: which layers: coarse (4 to 8 pixels), middle (16 to 32) or fine (from 64).
            style_to: number of the sample at the far end of `mix` and `interpolate`; by default each one's next.
            mix: how far to go from the sample (0) to the other (1).
            interpolate: so many results, in equal steps from the sample to the other.
            space: what is interpolated: w, the styles, or z, the random numbers.

        Raises:
            ValueError: several numbers of `style` at once.
        """
        like = x.seed.new_empty((x.seed.shape[0], self.latent), dtype=torch.float32)
        other = None if style is None else other_samples(x, one_of(style)).normal(like)
        layers = drawn(net, x, like, style_to, mix, space)[:, None].repeat(1, net.G.layers, 1)
        if other is not None:
            layers[:, LAYERS[style_layers or "coarse"]] = net.G.mapping(other)[:, None]
        layers = truncated(layers, net.G.mean_style.now(), truncation, cutoff or CUTOFF)
        level = net.growth.level(float(net.G.lod))
        made = net.G(layers, noise(x, x.seed, level.side), level.fade(net.G.lod))
        return enlarged(made.clamp(-1, 1), level.factor)

    def captions(self, net: i2i.Parts, controls: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
        """A row for every sample whose style is taken, or for every step of an interpolation."""
        return rows(controls, net.G.layers)


@i2i.hookimpl
def i2i_register(registry: i2i.Registry) -> None:
    """Register the strategy and its networks."""
    registry.add("strategy", "stylegan", StyleGAN)
    registry.add("generator", "style", StyleGenerator)
    registry.add("discriminator", "progressive", ProgressiveDiscriminator)
