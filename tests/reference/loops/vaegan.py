"""VAE-GAN as its authors' code trains it: three gradients of one pass, and networks that wait."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from i2i.core.batch import Draws

EPSILON = 1e-3


@dataclass
class Loop:
    """All gradients first, then the steps of those that need not wait."""

    nets: dict[str, nn.Module]
    gamma: float = 1e-6
    half: float = 0.5
    equilibrium: float = 0.68
    margin: float = 0.35
    shows_reconstructions: bool = False
    steps: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.optimizers = {
            name: torch.optim.RMSprop(net.parameters(), lr=3e-4, alpha=0.9, weight_decay=1e-5 / 64)
            for name, net in self.nets.items()
        }

    def step(self, x: Mapping[str, Tensor], draws: Draws) -> Mapping[str, Tensor]:
        E, G, D, image = self.nets["E"], self.nets["G"], self.nets["D"], x["image"]
        count = len(image)
        mean, log_variance = E(image)
        code = mean + draws.normal(mean).to(mean) * torch.exp(0.5 * log_variance)
        z = draws.normal(mean).to(mean)
        back = G(code)
        made = G(torch.cat([code.detach(), z])) if self.shows_reconstructions else G(z)

        seen = D(torch.cat([back, image]))[1]
        feature = self.half * ((seen[:count] - seen[count:]) ** 2).sum() / count
        likely = torch.sigmoid(D(torch.cat([image, made]))[0])
        real = -torch.log(likely[:count] + EPSILON).mean()
        fake = -torch.log(1 - likely[count:] + EPSILON).mean()
        kl = -0.5 * (1 + log_variance - mean**2 - torch.exp(log_variance)).sum() / count

        self.learn("E", kl + feature, retain=True)
        self.learn("G", self.gamma * feature - (1 - self.gamma) * (real + fake), retain=True)
        self.learn("D", 0.5 * real + 0.5 * fake)
        for name in self.allowed(real.item(), fake.item()):
            self.optimizers[name].step()
            self.steps.append(name)
        terms = {"kl": kl, "feature": feature, "real": real, "fake": fake}
        return {f"networks/{name}": term for name, term in terms.items()}

    def learn(self, name: str, loss: Tensor, *, retain: bool = False) -> None:
        weights = list(self.nets[name].parameters())
        for weight, gradient in zip(
            weights, torch.autograd.grad(loss, weights, retain_graph=retain), strict=True
        ):
            weight.grad = gradient

    def allowed(self, real: float, fake: float) -> list[str]:
        low, high = self.equilibrium - self.margin, self.equilibrium + self.margin
        train_d = not (real < low or fake < low)
        train_g = not (real > high or fake > high)
        if not (train_d or train_g):
            train_d = train_g = True
        return ["E", *["G"] * train_g, *["D"] * train_d]
