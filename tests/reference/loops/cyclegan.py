"""CycleGAN as its authors' code trains it, image pools included."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from i2i.core.batch import Draws


class Pool:
    """Earlier fakes, in a list."""

    def __init__(self, capacity: int) -> None:
        self.capacity, self.images, self.swaps = capacity, list[Tensor](), 0

    def query(self, images: Tensor, draws: Sequence[tuple[float, float]]) -> Tensor:
        shown = []
        for image, (chance, slot) in zip(images.detach(), draws, strict=True):
            if len(self.images) < self.capacity:
                self.images.append(image)
                shown.append(image)
            elif self.capacity and chance > 0.5:
                index = int(slot * self.capacity)
                shown.append(self.images[index].clone())
                self.images[index] = image
                self.swaps += 1
            else:
                shown.append(image)
        return torch.stack(shown)


class Loop:
    """All four fakes, one step of both generators, one step of both discriminators on the fakes made before."""

    def __init__(self, nets: dict[str, nn.Module], identity: float = 5.0, capacity: int = 50) -> None:
        self.nets, self.identity = nets, identity
        self.pool_a, self.pool_b = Pool(capacity), Pool(capacity)
        both = [
            itertools.chain(nets[x].parameters(), nets[y].parameters())
            for x, y in (("G_ab", "G_ba"), ("D_a", "D_b"))
        ]
        self.optimizer_G, self.optimizer_D = (torch.optim.Adam(p, lr=2e-4, betas=(0.5, 0.999)) for p in both)

    def step(self, x: Mapping[str, Tensor], draws: Draws) -> Mapping[str, Tensor]:
        a, b = x["a"], x["b"]
        G_ab, G_ba, D_a, D_b = (self.nets[name] for name in ("G_ab", "G_ba", "D_a", "D_b"))
        fake_b, fake_a = G_ab(a), G_ba(b)
        rec_a, rec_b = G_ba(fake_b), G_ab(fake_a)

        D_a.requires_grad_(False), D_b.requires_grad_(False)
        self.optimizer_G.zero_grad()
        terms = {"gan_a": judged(D_a(fake_a), 1.0), "gan_b": judged(D_b(fake_b), 1.0)}
        terms |= {"cycle_a": F.l1_loss(rec_a, a), "cycle_b": F.l1_loss(rec_b, b)}
        loss_G = terms["gan_a"] + terms["gan_b"] + 10.0 * (terms["cycle_a"] + terms["cycle_b"])
        if self.identity:
            terms |= {"same_a": F.l1_loss(G_ba(a), a), "same_b": F.l1_loss(G_ab(b), b)}
            loss_G = loss_G + self.identity * (terms["same_a"] + terms["same_b"])
        loss_G.backward()
        self.optimizer_G.step()

        D_a.requires_grad_(True), D_b.requires_grad_(True)
        self.optimizer_D.zero_grad()
        old_a = self.pool_a.query(fake_a, draws.pairs())
        old_b = self.pool_b.query(fake_b, draws.pairs())
        judging = {"real_a": judged(D_a(a), 1.0), "fake_a": judged(D_a(old_a), 0.0)}
        judging |= {"real_b": judged(D_b(b), 1.0), "fake_b": judged(D_b(old_b), 0.0)}
        ((judging["real_a"] + judging["fake_a"]) * 0.5).backward()
        ((judging["real_b"] + judging["fake_b"]) * 0.5).backward()
        self.optimizer_D.step()
        return {f"generators/{k}": v for k, v in terms.items()} | {
            f"discriminators/{k}": v for k, v in judging.items()
        }


def judged(scores: Tensor, label: float) -> Tensor:
    return ((scores - label) ** 2).mean()
