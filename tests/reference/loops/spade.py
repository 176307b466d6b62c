"""SPADE as its authors' code trains it, with the distance of pixels for the perceptual one."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from i2i.core.batch import Draws


class Loop:
    """The generator's step, then the discriminator's on a fake made anew; fakes and photographs are one batch."""

    def __init__(
        self, nets: dict[str, nn.Module], parts: int, *, feature_weight: float = 10.0, batches: int = 1
    ) -> None:
        self.nets, self.parts = nets, parts
        self.feature_weight, self.batches = feature_weight, batches
        made = [p for name in "GE" if name in nets for p in nets[name].parameters()]
        self.optimizer_G = torch.optim.Adam(made, lr=1e-4, betas=(0.0, 0.9))
        self.optimizer_D = torch.optim.Adam(nets["D"].parameters(), lr=4e-4, betas=(0.0, 0.9))

    def step(self, x: Mapping[str, Tensor], draws: Draws) -> Mapping[str, Tensor]:
        image = x["image"]
        semantics = torch.cat([x["label_map"] == part for part in range(self.parts)], 1).to(image)

        fake, divergence = self.generate(semantics, image, draws)
        fakes, reals = self.discriminate(semantics, fake, image)
        gan = torch.stack([-scale[-1].mean() for scale in fakes]).mean()
        feature = image.new_zeros(())
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
