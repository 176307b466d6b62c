"""pix2pix: the engine agrees with the published loop."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import torch
from helpers import PATCH, tiny_spec
from textbook import agree
from torch import Tensor, nn
from torch.nn import functional as F

from i2i.core.batch import Draws
from i2i.spec.spec import Spec


class Loop:
    """Fake, then the discriminator's step, then the generator's against the new discriminator."""

    def __init__(self, nets: dict[str, nn.Module], pixel_weight: float = 100.0, latent: int = 0) -> None:
        self.nets, self.G, self.D, self.pixel_weight = nets, nets["G"], nets["D"], pixel_weight
        self.latent = latent
        self.optimizer_G = torch.optim.Adam(self.G.parameters(), lr=2e-4, betas=(0.5, 0.999))
        self.optimizer_D = torch.optim.Adam(self.D.parameters(), lr=2e-4, betas=(0.5, 0.999))

    def step(self, x: Mapping[str, Tensor], draws: Draws) -> Mapping[str, Tensor]:
        a, b = x["a"], x["b"]
        code = [draws.normal(a.new_empty(len(a), self.latent)).to(a)] if self.latent else []
        fake_b = self.G(a, *code)

        self.D.requires_grad_(True)
        self.optimizer_D.zero_grad()
        loss_fake = judged(self.D(torch.cat((a, fake_b), 1).detach()), 0.0)
        loss_real = judged(self.D(torch.cat((a, b), 1)), 1.0)
        ((loss_fake + loss_real) * 0.5).backward()
        self.optimizer_D.step()

        self.D.requires_grad_(False)
        self.optimizer_G.zero_grad()
        loss_gan = judged(self.D(torch.cat((a, fake_b), 1)), 1.0)
        loss_l1 = F.l1_loss(fake_b, b)
        (loss_gan + self.pixel_weight * loss_l1).backward()
        self.optimizer_G.step()
        return {
            "discriminator/fake": loss_fake,
            "discriminator/real": loss_real,
            "generator/gan": loss_gan,
            "generator/pixel": loss_l1,
        }


def judged(scores: Tensor, label: float) -> Tensor:
    return F.binary_cross_entropy_with_logits(scores, torch.full_like(scores, label))


def small(norm: str, dropout: float) -> Spec:
    generator = {"name": "unet", "width": 4, "norm": norm, "dropout": dropout}
    discriminator = {"name": "patch", "width": 4, "layers": 2, "norm": norm}
    options = {"generator": generator, "discriminator": discriminator}
    return tiny_spec("pix2pix", options=options, train={"batch": 2})


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("dropout", [0.0, 0.5])
@pytest.mark.parametrize("norm", ["batch", "instance"])
def test_the_engine_agrees(norm: str, dropout: float, dtype: torch.dtype) -> None:
    agree(small(norm, dropout), Loop, dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_engine_agrees_with_noise(dtype: torch.dtype) -> None:
    generator = {"name": "latent-unet", "width": 4, "dropout": 0.5}
    options = {"generator": generator, "discriminator": PATCH, "latent": 2}
    spec = tiny_spec("pix2pix", options=options, train={"batch": 2})
    agree(spec, lambda nets: Loop(nets, latent=2), dtype)


def test_another_weight_is_noticed() -> None:
    with pytest.raises(AssertionError, match="step 1"):
        agree(small("instance", 0.0), lambda nets: Loop(nets, pixel_weight=99.0), torch.float64)
