"""CycleGAN: unpaired translation both ways.

Zhu, Park, Isola and Efros, "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks", 2017.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from pydantic import Field
from torch import Tensor

import i2i
from i2i.losses import penalty_weight
from i2i.nets import ImagePool, joined
from i2i_cyclegan.importing import discriminator_a, discriminator_b, generator_ab, generator_ba


@dataclass(frozen=True, kw_only=True)
class CycleGAN(i2i.Strategy):
    """Unpaired translation both ways: what goes there and back again must return unchanged."""

    generator: i2i.Generator = i2i.Ref("resnet")
    discriminator: i2i.Discriminator = i2i.Ref("patch")
    gan: i2i.Loss = i2i.Ref("lsgan")
    cycle: i2i.Loss = i2i.Ref("l1")
    cycle_weight: Annotated[float, Field(ge=0, description="weight of returning unchanged")] = 10.0
    identity: i2i.Loss = i2i.Ref("l1")
    identity_weight: Annotated[
        float, Field(ge=0, description="weight of leaving the target domain alone")
    ] = 5.0
    pool: Annotated[
        int, Field(ge=0, description="earlier results that the discriminators are shown again")
    ] = 50

    recipe: ClassVar[Mapping[str, Any]] = {
        "data": {"name": "unpaired", "size": 256, "flip": True},
        "optimizers": {"default": {"name": "adam", "lr": 2e-4, "betas": (0.5, 0.999)}},
        "schedule": {"name": "linear", "constant": 100, "decay": 100},
        "train": {"epochs": 200, "batch": 1, "init": {"name": "normal", "gain": 0.02}},
    }
    example: ClassVar[Mapping[str, Any]] = {"data": {"root": "data/horse2zebra"}}

    # Small networks bear a higher rate, and nearest-neighbour upsampling shows no checkerboard after so few steps.
    demo: ClassVar[Mapping[str, Any]] = {
        "strategy": {
            "generator": {"width": 16, "blocks": 4, "upsample": "resize"},
            "discriminator": {"width": 32, "layers": 2},
        },
        "data": {"name": "demo", "layout": "unpaired", "size": 64, "workers": 0},
        "optimizers": {"default": {"lr": 5e-4}},
        "train": {
            "steps": 1500,
            "log_every": 25,
            "sample_every": 250,
            "validate_every": 250,
            "checkpoint_every": 250,
        },
    }

    def wants(self) -> tuple[str, ...]:
        return ("a", "b")

    def takes(self, controls: Mapping[str, Any]) -> tuple[str, ...]:
        return ("b",) if controls.get("back") else ("a",)

    def makes(self, controls: Mapping[str, Any]) -> str:
        return "a" if controls.get("back") else "b"

    def build(self, make: i2i.Make, data: i2i.DataFacts) -> Mapping[str, Any]:
        a, b = data.channels["a"], data.channels["b"]
        if a != b and self.identity_weight:
            raise i2i.I2IError(
                f"strategy.identity_weight: the identity loss needs domains with equal channels, but a has {a} and "
                f"b has {b}; set it to 0, or data.channels to {max(a, b)}"
            )
        return {
            "G_ab": make(self.generator, in_channels=a, out_channels=b),
            "G_ba": make(self.generator, in_channels=b, out_channels=a),
            "D_a": make(self.discriminator, in_channels=a),
            "D_b": make(self.discriminator, in_channels=b),
            "gan": make(self.gan),
            "cycle": make(self.cycle),
            "identity": make(self.identity),
            "pool_a": ImagePool(self.pool),
            "pool_b": ImagePool(self.pool),
        }

    def phases(self) -> Sequence[i2i.Phase]:
        both = {"gan_a": 1.0, "gan_b": 1.0, "cycle_a": self.cycle_weight, "cycle_b": self.cycle_weight}
        if self.identity_weight:
            both |= {"same_a": self.identity_weight, "same_b": self.identity_weight}
        return [
            i2i.Phase("generators", self.generator_terms, {"G_ab": both, "G_ba": both}),
            i2i.Phase(
                "discriminators", self.discriminator_terms, {"D_a": self._judge("a"), "D_b": self._judge("b")}
            ),
        ]

    def _judge(self, domain: str) -> dict[str, float]:
        row = {f"real_{domain}": 0.5, f"fake_{domain}": 0.5}
        if penalty := penalty_weight(self.gan):
            row[f"penalty_{domain}"] = 0.5 * penalty
        return row

    def prepare(self, net: i2i.Parts, x: i2i.Batch) -> None:
        if self.identity_weight:
            x.fake_b, x.same_b = joined(net.G_ab, x.a, x.b)
            x.fake_a, x.same_a = joined(net.G_ba, x.b, x.a)
        else:
            x.fake_b, x.fake_a = net.G_ab(x.a), net.G_ba(x.b)

    def generator_terms(self, net: i2i.Parts, x: i2i.Batch) -> Mapping[str, Tensor]:
        x.cycle_a, x.cycle_b = net.G_ba(x.fake_b), net.G_ab(x.fake_a)
        terms = {
            "gan_a": net.gan(net.D_a(x.fake_a), "fool"),
            "gan_b": net.gan(net.D_b(x.fake_b), "fool"),
            "cycle_a": net.cycle(x.cycle_a, x.a),
            "cycle_b": net.cycle(x.cycle_b, x.b),
        }
        if self.identity_weight:
            terms |= {"same_a": net.identity(x.same_a, x.a), "same_b": net.identity(x.same_b, x.b)}
        return terms

    def discriminator_terms(self, net: i2i.Parts, x: i2i.Batch) -> Mapping[str, Tensor]:
        old_a = x.together(net.pool_a, x.fake_a.detach())
        old_b = x.together(net.pool_b, x.fake_b.detach())
        return {
            **self._judged(net, x, "a", net.D_a, x.a, old_a),
            **self._judged(net, x, "b", net.D_b, x.b, old_b),
        }

    def _judged(
        self, net: i2i.Parts, x: i2i.Batch, domain: str, judge: Any, real: Tensor, fake: Tensor
    ) -> dict[str, Tensor]:
        real_scores, fake_scores = joined(judge, real, fake)
        terms = {
            f"real_{domain}": net.gan(real_scores, "real"),
            f"fake_{domain}": net.gan(fake_scores, "fake"),
        }
        if penalty_weight(self.gan):
            terms[f"penalty_{domain}"] = net.gan.penalty(
                judge, real, fake, x.random.uniform(real[:, 0, 0, 0])
            )
        return terms

    def translate(self, net: i2i.Parts, x: i2i.Batch, *, back: bool = False) -> Tensor:
        """Translate a to b, or b to a.

        Args:
            net: the parts.
            x: holds `a`, or `b` to go back.
            back: translate from b to a.
        """
        translated: Tensor = net.G_ba(x.b) if back else net.G_ab(x.a)
        return translated

    def preview(self, net: i2i.Parts, x: i2i.Batch) -> Mapping[str, Tensor]:
        fake_b, fake_a = net.G_ab(x.a), net.G_ba(x.b)
        return {
            "a": x.a,
            "a to b": fake_b,
            "and back to a": net.G_ba(fake_b),
            "b": x.b,
            "b to a": fake_a,
            "and back to b": net.G_ab(fake_a),
        }


@i2i.hookimpl
def i2i_register(registry: i2i.Registry) -> None:
    """Register the strategy, and the importers of the authors' weights."""
    registry.add("strategy", "cyclegan", CycleGAN)
    registry.add("importer", "cyclegan.G_ab", generator_ab)
    registry.add("importer", "cyclegan.G_ba", generator_ba)
    registry.add("importer", "cyclegan.D_a", discriminator_a)
    registry.add("importer", "cyclegan.D_b", discriminator_b)
