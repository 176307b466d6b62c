"""StarGAN as its authors' code trains it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from i2i.core.batch import Draws

Judged = Callable[[Tensor, Tensor, Mapping[str, Tensor]], Tensor]


class Loop:
    """The critic's step on a fresh fake; at every n-th iteration the generator's, on another one."""

    def __init__(
        self, nets: dict[str, nn.Module], judged: Judged, *, n_critic: int = 5, penalty_weight: float = 10.0
    ) -> None:
        self.nets, self.judged = nets, judged
        self.n_critic, self.penalty_weight = n_critic, penalty_weight
        self.iteration = 0
        self.optimizer_G, self.optimizer_D = (
            torch.optim.Adam(nets[name].parameters(), lr=1e-4, betas=(0.5, 0.999)) for name in "GD"
        )

    def step(self, x: Mapping[str, Tensor], draws: Draws) -> Mapping[str, Tensor]:
        G, D, image = self.nets["G"], self.nets["D"], x["image"]
        # the labels of a sample, and the set that they are from
        original, target = (
            torch.cat([x[c], *(x[m] for m in x if m == "mask")], 1) for c in ("domain", "target")
        )

        out, logits = D(image)
        real, classes = -out.mean(), self.judged(logits, x["domain"], x)
        made = G(image, target)
        fake = D(made.detach())[0].mean()
        alpha = draws.uniform(image[:, 0, 0, 0]).view(-1, 1, 1, 1)
        between = (alpha * image.data + (1 - alpha) * made.data).requires_grad_(True)
        out = D(between)[0]
        (slope,) = torch.autograd.grad(
            out, between, torch.ones_like(out), retain_graph=True, create_graph=True
        )
        lengths = slope.view(len(slope), -1).pow(2).sum(1).sqrt()
        penalty = ((lengths - 1) ** 2).mean()
        self.clear()
        (real + fake + classes + self.penalty_weight * penalty).backward()
        self.optimizer_D.step()
        terms = {
            "critic/real": real,
            "critic/fake": fake,
            "critic/domain": classes,
            "critic/penalty": penalty,
        }

        self.iteration += 1
        if self.iteration % self.n_critic == 0:
            made = G(image, target)
            out, logits = D(made)
            fool, classes = -out.mean(), self.judged(logits, x["target"], x)
            back = (image - G(made, original)).abs().mean()
            self.clear()
            (fool + classes + 10.0 * back).backward()
            self.optimizer_G.step()
            terms |= {"generator/gan": fool, "generator/domain": classes, "generator/cycle": back}
        return terms

    def clear(self) -> None:
        self.optimizer_G.zero_grad()
        self.optimizer_D.zero_grad()


def attributes(logits: Tensor, labels: Tensor, x: Mapping[str, Tensor]) -> Tensor:
    return F.binary_cross_entropy_with_logits(logits, labels, reduction="sum") / len(logits)
