"""SPADE: the engine agrees with the published loop, with an encoder and without, with its norms or by picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from helpers import tiny_spec
from textbook import WITHIN, agree
from torch import Tensor, nn
from torch.nn import functional as F

from i2i.core.batch import Draws
from i2i.data.palettes import PARTS
from i2i.spec.spec import Spec

SMALL: Mapping[str, Mapping[str, Any]] = {
    "generator": {"name": "spade", "width": 4, "hidden": 4},
    "discriminator": {"name": "feature-patch", "width": 4, "layers": 2},
    "encoder": {"name": "spade", "width": 4, "layers": 3},
}
BY_PICTURE = {key: {**table, "norm": "instance", "spectral": False} for key, table in SMALL.items()}


class Loop:
    """The generator's step, then the discriminator's on a fake made anew; fakes and photographs are one batch."""

    def __init__(self, nets: dict[str, nn.Module], *, feature_weight: float = 10.0, batches: int = 1) -> None:
        self.nets, self.feature_weight, self.batches = nets, feature_weight, batches
        made = [p for name in "GE" if name in nets for p in nets[name].parameters()]
        self.optimizer_G = torch.optim.Adam(made, lr=1e-4, betas=(0.0, 0.9))
        self.optimizer_D = torch.optim.Adam(nets["D"].parameters(), lr=4e-4, betas=(0.0, 0.9))

    def step(self, x: Mapping[str, Tensor], draws: Draws) -> Mapping[str, Tensor]:
        image = x["image"]
        semantics = torch.cat([x["label_map"] == part for part in range(len(PARTS))], 1).to(image)

        fake, divergence = self.generate(semantics, image, draws)
        fakes, reals = self.discriminate(semantics, fake, image)
        gan = torch.stack([-scale[-1].mean() for scale in fakes]).mean()
        feature = torch.zeros(())
        for one, other in zip(fakes, reals, strict=True):
            for here, there in zip(one[:-1], other[:-1], strict=True):
                feature = feature + (here - there.detach()).abs().mean() / len(fakes)
        perceptual = (fake - image).abs().mean()
        loss = gan + self.feature_weight * feature + 10 * perceptual
        self.optimizer_G.zero_grad()
        (loss if divergence is None else loss + 0.05 * divergence).backward()
        self.optimizer_G.step()

        with torch.no_grad():
            fake, _ = self.generate(semantics, image, draws)
        fakes, reals = self.discriminate(semantics, fake.detach().requires_grad_(), image)
        on_fake = torch.stack([F.relu(1 + scale[-1]).mean() for scale in fakes]).mean()
        on_real = torch.stack([F.relu(1 - scale[-1]).mean() for scale in reals]).mean()
        self.optimizer_D.zero_grad()
        (on_fake + on_real).backward()
        self.optimizer_D.step()

        terms = {"generator/gan": gan, "generator/feature": feature, "generator/perceptual": perceptual}
        terms |= {} if divergence is None else {"generator/kl": divergence}
        return terms | {"discriminator/fake": on_fake, "discriminator/real": on_real}

    def generate(self, semantics: Tensor, image: Tensor, draws: Draws) -> tuple[Tensor, Tensor | None]:
        if "E" not in self.nets:
            return self.nets["G"](semantics), None
        mean, log_variance = self.nets["E"](image)
        code = mean + torch.exp(0.5 * log_variance) * draws.normal(mean).to(mean)
        # the authors' sum over the samples, per sample
        divergence = -0.5 * torch.sum(1 + log_variance - mean.pow(2) - log_variance.exp()) / len(mean)
        return self.nets["G"](semantics, code), divergence

    def discriminate(
        self, semantics: Tensor, fake: Tensor, image: Tensor
    ) -> tuple[list[list[Tensor]], list[list[Tensor]]]:
        """For each scale the hidden layers and, last, the scores: of the fakes, and of the photographs."""
        fakes, reals = torch.cat([semantics, fake], 1), torch.cat([semantics, image], 1)
        count, seen = len(image), []
        for shown in [torch.cat([fakes, reals])] if self.batches == 1 else [fakes, reals]:
            scores, hidden = self.nets["D"](shown)
            seen.append([[*layers, score] for layers, score in zip(hidden, scores, strict=True)])
        if self.batches == 2:
            return seen[0], seen[1]
        return [[t[:count] for t in scale] for scale in seen[0]], [
            [t[count:] for t in scale] for scale in seen[0]
        ]


def small(tables: Mapping[str, Mapping[str, Any]], encoder: bool) -> Spec:
    """Any loss of two pictures stands for the perceptual one, whose weights nobody brings to a test."""
    options = {key: table for key, table in tables.items() if key != "encoder" or encoder}
    idle = {} if encoder else {"encoder": None, "latent": 256}
    return tiny_spec("spade", options={**options, "perceptual": "l1", **idle}, schedule={"name": "constant"})


@pytest.fixture(autouse=True)
def tolerance(monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights start at a thousandth: norms divide by their size what rounding leaves, and Adam makes steps of it."""
    monkeypatch.setitem(WITHIN, torch.float64, 1e-10)


@pytest.mark.parametrize(
    ("tables", "encoder", "dtype"),
    [
        pytest.param(SMALL, True, torch.float32, id="encoder-fp32"),
        pytest.param(SMALL, True, torch.float64, id="encoder-fp64"),
        pytest.param(SMALL, False, torch.float64, id="no encoder"),
        pytest.param(BY_PICTURE, False, torch.float64, id="by picture"),
    ],
)
def test_the_engine_agrees(
    tables: Mapping[str, Mapping[str, Any]], encoder: bool, dtype: torch.dtype
) -> None:
    engine, _ = agree(small(tables, encoder), Loop, dtype)
    assert ("E" in engine.net) == encoder


def test_another_weight_is_noticed() -> None:
    with pytest.raises(AssertionError, match="step 0: discriminator/fake"):
        agree(small(SMALL, True), lambda nets: Loop(nets, feature_weight=9.0), torch.float64)


def test_two_passes_of_the_discriminator_are_noticed() -> None:
    # Its spectral norms move once for fakes and photographs together.
    with pytest.raises(AssertionError, match="step 0: generator/"):
        agree(small(SMALL, True), lambda nets: Loop(nets, batches=2), torch.float64)


def test_a_kept_fake_is_noticed() -> None:
    class Kept(Loop):
        def generate(self, semantics: Tensor, image: Tensor, draws: Draws) -> tuple[Tensor, Tensor | None]:
            if torch.is_grad_enabled():
                self.made = super().generate(semantics, image, draws)
            return self.made

    with pytest.raises(AssertionError, match="step 0: discriminator/fake"):
        agree(small(SMALL, True), Kept, torch.float64)
