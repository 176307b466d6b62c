"""StyleGAN: the engine agrees with the published loop, at one resolution and while another fades in."""

from __future__ import annotations

import math
from collections.abc import Mapping

import helpers
import pytest
import torch
from textbook import agree
from torch import Tensor, nn
from torch.nn import functional as F

from i2i.core.batch import Draws
from i2i.spec.spec import Spec

SIZE, START, LATENT, STABLE, FADING = 16, 4, 4, 2, 14
MIXING = 0.9


class Loop:
    """A step of the discriminator, then one of the generator; the networks see and give pictures of the full size."""

    def __init__(self, nets: dict[str, nn.Module], start: int, gamma: float = 10.0) -> None:
        self.nets, self.start, self.gamma = nets, start, gamma
        self.images, self.lod = 0, math.log2(SIZE / start)
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
        before, self.lod = self.lod, math.log2(SIZE / self.start)
        if self.lod:
            phase, within = divmod(self.images, STABLE + FADING)
            self.lod = max(self.lod - phase - max(within - STABLE, 0) / FADING, 0.0)
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
        G, depth = self.nets["G"], int(math.log2(SIZE)) - 2 - math.floor(self.lod)
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
        w = G.mapping(draws.normal(torch.empty(count, LATENT)))
        draws.pairs()  # the engine asks for them where it looks at all processes' samples
        G.mean_style.add(w, 2 * self.images + phase)
        others = G.mapping(draws.normal(torch.empty(count, LATENT)))
        mixes, place = draws.shared() < MIXING, draws.shared()
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


def small(start: int, group: int = 4) -> Spec:
    options = {
        "discriminator": {"width": 32, "max_width": 4, "group": group},
        "latent": LATENT,
        "start": start,
        "stable_images": STABLE,
        "fading_images": FADING,
        "mixing": MIXING,
    }
    return helpers.tiny_spec("stylegan", options=options, data={"size": SIZE})


# In fp64 alone: the norm divides what is left of the constant by 1e-4 at first, and rounding with it.
@pytest.mark.parametrize("start", [SIZE, START])
@pytest.mark.parametrize("group", [1, 4])
def test_the_engine_agrees(start: int, group: int) -> None:
    spec = small(start, group)
    engine, book = agree(spec, lambda nets: Loop(nets, start), torch.float64)
    assert isinstance(book, Loop)
    # 8 images were seen before the third step: 6/14 of the way from 4 to 8
    assert float(engine.net.G.lod) == pytest.approx(0 if start == SIZE else 2 - 6 / 14)


@pytest.mark.parametrize("start", [SIZE, START])
def test_another_penalty_is_noticed(start: int) -> None:
    with pytest.raises(AssertionError, match="step 0: generator/gan"):
        agree(small(start), lambda nets: Loop(nets, start, gamma=9.0), torch.float64)


def test_optimizers_that_go_on_are_noticed() -> None:
    class Ongoing(Loop):
        def reset(self) -> None:
            if not self.images:
                super().reset()

    with pytest.raises(AssertionError, match="step 1: generator/gan"):
        agree(small(START), lambda nets: Ongoing(nets, START), torch.float64)


def test_real_pictures_that_do_not_fade_are_noticed() -> None:
    class Sharp(Loop):
        def process_reals(self, x: Tensor) -> Tensor:
            factor = 2 ** math.floor(self.lod)
            return tiled(squares(x, factor), factor)

    with pytest.raises(AssertionError, match="step 1: discriminator/real"):
        agree(small(START), lambda nets: Sharp(nets, START), torch.float64)
