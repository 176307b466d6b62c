"""StyleGAN as its authors' code trains it, at one resolution and while another fades in."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from i2i.core.batch import Draws


class Plan(NamedTuple):
    """How the networks grow: sides in pixels, images that a resolution stays or fades in; and the size of a code."""

    size: int
    start: int
    latent: int = 512
    stable: int = 600_000
    fading: int = 600_000


class Loop:
    """A step of the discriminator, then one of the generator; the networks see and give pictures of the full size."""

    def __init__(
        self, nets: dict[str, nn.Module], plan: Plan, *, gamma: float = 10.0, mixing: float = 0.9
    ) -> None:
        self.nets, self.plan, self.gamma, self.mixing = nets, plan, gamma, mixing
        self.images, self.lod = 0, math.log2(plan.size / plan.start)
        self.reset()

    def reset(self) -> None:
        self.optimizers = {
            name: torch.optim.Adam(net.parameters(), lr=1e-3, betas=(0.0, 0.99), eps=1e-8)
            for name, net in self.nets.items()
        }

    def step(self, x: Mapping[str, Tensor], draws: Draws) -> Mapping[str, Tensor]:
        self.grow()
        reals = self.process_reals(x["image"])
        with torch.no_grad():
            fakes = self.generate(draws, len(reals), 0)
        reals.requires_grad_()
        real_scores, fake_scores = self.judge(reals), self.judge(fakes)
        real, fake = F.softplus(-real_scores).mean(), F.softplus(fake_scores).mean()
        (slopes,) = torch.autograd.grad(real_scores.sum(), reals, create_graph=True)
        r1 = slopes.square().sum((1, 2, 3)).mean()
        self.descend("D", real + fake + self.gamma / 2 * r1)

        fool = F.softplus(-self.judge(self.generate(draws, len(reals), 1))).mean()
        self.descend("G", fool)
        self.images += len(reals)
        return {
            "discriminator/real": real,
            "discriminator/fake": fake,
            "discriminator/r1": r1,
            "generator/gan": fool,
        }

    def grow(self) -> None:
        plan = self.plan
        before, self.lod = self.lod, math.log2(plan.size / plan.start)
        if self.lod:
            phase, within = divmod(self.images, plan.stable + plan.fading)
            self.lod = max(self.lod - phase - max(within - plan.stable, 0) / plan.fading, 0.0)
        if (math.floor(before), math.ceil(before)) != (math.floor(self.lod), math.ceil(self.lod)):
            self.reset()
        self.nets["G"].lod.fill_(self.lod)

    def process_reals(self, x: Tensor) -> Tensor:
        """Pictures of the resolution, faded, in pixels of the full size."""
        factor = 2 ** math.floor(self.lod)
        x = squares(x, factor)
        x = torch.lerp(x, tiled(squares(x, 2), 2), self.lod % 1)
        return tiled(x, factor)

    def judge(self, image: Tensor) -> Tensor:
        D, low = self.nets["D"], squares(image, 2 ** math.floor(self.lod))
        depth = int(math.log2(low.shape[-1])) - 2
        x = F.leaky_relu(D.from_rgb[depth](low), 0.2)
        for level in range(depth, 0, -1):
            x = D.blocks[level - 1](x)
            if level == depth and self.lod % 1:
                x = torch.lerp(x, F.leaky_relu(D.from_rgb[level - 1](squares(low, 2)), 0.2), self.lod % 1)
        return D.head(x)

    def generate(self, draws: Draws, count: int, phase: int) -> Tensor:
        G, depth = self.nets["G"], int(math.log2(self.plan.size)) - 2 - math.floor(self.lod)
        w = self.styles(draws, count, phase, 2 * depth + 2)
        noise = [
            draws.normal(torch.empty(count, 1, 4 * 2**n, 4 * 2**n)) for n in range(depth + 1) for _ in (0, 1)
        ]
        x = G.start(noise[:2], w[:, :2])
        image = G.to_rgb[0](x)
        for n in range(1, depth + 1):
            x = G.blocks[n - 1](x, noise[2 * n :], w[:, 2 * n : 2 * n + 2])
            before, image = image, G.to_rgb[n](x)
            if n == depth and self.lod % 1:
                image = torch.lerp(image, tiled(before, 2), self.lod % 1)
        return tiled(image, 2 ** math.floor(self.lod))

    def styles(self, draws: Draws, count: int, phase: int, layers: int) -> Tensor:
        """A style for each layer, of one sample up to the cutoff and of another from there on."""
        G = self.nets["G"]
        w = G.mapping(draws.normal(torch.empty(count, self.plan.latent)))
        draws.pairs()  # the engine asks for them where it looks at all processes' samples
        G.mean_style.add(w, 2 * self.images + phase)
        others = G.mapping(draws.normal(torch.empty(count, self.plan.latent)))
        mixes, place = draws.shared() < self.mixing, draws.shared()
        cutoff = 1 + math.floor(place * (layers - 1)) if mixes else layers
        return torch.stack([w if layer < cutoff else others for layer in range(layers)], 1)

    def descend(self, name: str, loss: Tensor) -> None:
        self.optimizers[name].zero_grad()
        loss.backward(inputs=[*self.nets[name].parameters()])
        self.optimizers[name].step()


def tiled(x: Tensor, factor: int) -> Tensor:
    return x.repeat_interleave(factor, 2).repeat_interleave(factor, 3)


def squares(x: Tensor, factor: int) -> Tensor:
    """The means of squares."""
    n, c, h, w = x.shape
    return x.view(n, c, h // factor, factor, w // factor, factor).mean((3, 5))
