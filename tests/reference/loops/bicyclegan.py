"""BicycleGAN as its authors' code trains it."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from i2i.core.batch import Draws


class Loop:
    """The authors' step: G and E together, the code's gradient to G alone, then each discriminator."""

    def __init__(
        self, nets: dict[str, nn.Module], *, conditional: bool = False, code_reaches_encoder: bool = False
    ) -> None:
        self.nets, self.conditional, self.code_reaches_encoder = nets, conditional, code_reaches_encoder
        self.judges = {"vae": nets.get("D_vae", nets.get("D")), "lr": nets.get("D_lr", nets.get("D"))}
        self.optimizers = {
            name: torch.optim.Adam(net.parameters(), lr=2e-4, betas=(0.5, 0.999))
            for name, net in nets.items()
        }

    def step(self, x: Mapping[str, Tensor], draws: Draws) -> Mapping[str, Tensor]:
        G, E, judges = self.nets["G"], self.nets["E"], self.judges
        # the halves are the even and the odd positions
        a1, b1, a2, b2 = x["a"][0::2], x["b"][0::2], x["a"][1::2], x["b"][1::2]
        mean, log_variance = E(b1)
        noise = draws.normal(mean)
        fake_encoded = G(a1, mean + noise * torch.exp(0.5 * log_variance))
        z = draws.normal(mean).to(mean.dtype)
        fake_random = G(a1, z)
        mean2, _ = E(fake_random)

        self.freeze(True, *judges.values())
        self.optimizers["G"].zero_grad(), self.optimizers["E"].zero_grad()
        gan = self.fool(judges["vae"], a1, fake_encoded)
        gan2 = self.fool(judges["lr"], a1, fake_random)
        pixel = F.l1_loss(fake_encoded, b1)
        kl = -0.5 * torch.sum(1 + log_variance - mean**2 - log_variance.exp()) / len(b1)
        code = (mean2 - z).abs().mean()
        (gan + gan2 + 10.0 * pixel + 0.01 * kl).backward(retain_graph=True)
        self.freeze(not self.code_reaches_encoder, E)
        (0.5 * code).backward()
        self.freeze(False, E)
        self.optimizers["G"].step(), self.optimizers["E"].step()

        self.freeze(False, *judges.values())
        for name in self.optimizers.keys() - {"G", "E"}:
            self.optimizers[name].zero_grad()
        terms = {}
        for half, fake, a, b in (("vae", fake_encoded, a1, b1), ("lr", fake_random, a2, b2)):
            judge = judges[half]
            terms[f"fake_{half}"] = summed(judge(self.seen(a1, fake.detach())), 0.0)
            terms[f"real_{half}"] = summed(judge(self.seen(a, b)), 1.0)
            (terms[f"fake_{half}"] + terms[f"real_{half}"]).backward()
        for name in self.optimizers.keys() - {"G", "E"}:
            self.optimizers[name].step()
        made = {"gan_vae": gan, "gan_lr": gan2, "pixel": pixel, "kl": kl, "code": code}
        return {f"generator/{k}": v for k, v in made.items()} | {
            f"discriminators/{k}": v for k, v in terms.items()
        }

    def fool(self, judge: nn.Module, a: Tensor, fake: Tensor) -> Tensor:
        return summed(judge(self.seen(a, fake)), 1.0)

    def seen(self, a: Tensor, b: Tensor) -> Tensor:
        return torch.cat([a, b], 1) if self.conditional else b

    def freeze(self, frozen: bool, *nets: nn.Module) -> None:
        for net in nets:
            net.requires_grad_(not frozen)


def summed(scales: list[Tensor], label: float) -> Tensor:
    return sum(((scores - label) ** 2).mean() for scores in scales)
