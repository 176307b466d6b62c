"""pix2pix as its authors' code trains it."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from i2i.core.batch import Draws


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
