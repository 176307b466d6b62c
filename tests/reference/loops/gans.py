"""GAN, CGAN, DCGAN and ACGAN as published code trains them, in the published orders."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from i2i.core.batch import Draws


def bce(scores: Tensor, label: float) -> Tensor:
    return -F.logsigmoid(scores if label else -scores).mean()


def mse(scores: Tensor, label: float) -> Tensor:
    return F.mse_loss(scores, torch.full_like(scores, label))


class Loop:
    """Networks, their optimizers, and the random numbers of a step."""

    def __init__(
        self,
        nets: dict[str, nn.Module],
        make: Callable[[Any], torch.optim.Optimizer],
        *,
        latent: int = 100,
        classes: int = 10,
    ) -> None:
        self.nets, self.latent, self.classes = nets, latent, classes
        self.G, self.D = nets["G"], nets["D"]
        self.optimizer_G, self.optimizer_D = (make(nets[name].parameters()) for name in "GD")
        self.steps = 0

    def z(self, x: Mapping[str, Tensor], draws: Draws) -> Tensor:
        image = x["image"]
        return draws.normal(image.new_empty(len(image), self.latent)).to(image)

    def labels(self, x: Mapping[str, Tensor], draws: Draws) -> Tensor:
        return torch.floor(self.classes * draws.uniform(x["image"][:, 0, 0, 0])).long()

    def update(self, optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def adam(parameters: Any) -> torch.optim.Optimizer:
    return torch.optim.Adam(parameters, lr=2e-4, betas=(0.5, 0.999))


def sgd(parameters: Any) -> torch.optim.Optimizer:
    return torch.optim.SGD(parameters, lr=0.02, momentum=0.5)


class GeneratorFirst(Loop):
    """PyTorch-GAN: the generator, then the discriminator on the same fakes; it is halved."""

    def step(self, x: Mapping[str, Tensor], draws: Draws) -> Mapping[str, Tensor]:
        fake = self.G(self.z(x, draws))
        fool = bce(self.D(fake), 1.0)
        self.update(self.optimizer_G, fool)
        real = bce(self.D(x["image"]), 1.0)
        false = bce(self.D(fake.detach()), 0.0)
        self.update(self.optimizer_D, (real + false) / 2)
        return {"generator/gan": fool, "discriminator/real": real, "discriminator/fake": false}


class Simultaneous(Loop):
    """2014: both gradients from one pass, then both steps."""

    def step(self, x: Mapping[str, Tensor], draws: Draws) -> Mapping[str, Tensor]:
        fake = self.G(self.z(x, draws))
        scores_of_real, scores_of_fake = self.D(x["image"]), self.D(fake)
        real, false = bce(scores_of_real, 1.0), bce(scores_of_fake, 0.0)
        fool = bce(scores_of_fake, 1.0)
        weights = [*self.D.parameters()], [*self.G.parameters()]
        of_D = torch.autograd.grad(0.5 * (real + false), weights[0], retain_graph=True)
        of_G = torch.autograd.grad(fool, weights[1])
        for ours, gradients in zip(weights, (of_D, of_G), strict=True):
            for weight, gradient in zip(ours, gradients, strict=True):
                weight.grad = gradient
        self.optimizer_D.step()
        self.optimizer_G.step()
        return {"networks/gan": fool, "networks/real": real, "networks/fake": false}


class DiscriminatorFirst(Loop):
    """The PyTorch examples' DCGAN: two backward passes of the discriminator, then the generator on the same fakes."""

    def step(self, x: Mapping[str, Tensor], draws: Draws) -> Mapping[str, Tensor]:
        self.optimizer_D.zero_grad()
        fake = self.G(self.z(x, draws))
        real = bce(self.D(x["image"]), 1.0)
        real.backward()
        false = bce(self.D(fake.detach()), 0.0)
        false.backward()
        self.optimizer_D.step()
        fool = bce(self.D(fake), 1.0)
        self.update(self.optimizer_G, fool)
        return {"discriminator/real": real, "discriminator/fake": false, "generator/gan": fool}


class Alternating(Loop):
    """The authors of DCGAN: a batch trains the generator, the next one the discriminator."""

    def step(self, x: Mapping[str, Tensor], draws: Draws) -> Mapping[str, Tensor]:
        fake = self.G(self.z(x, draws))
        self.steps += 1
        if self.steps % 2:
            fool = bce(self.D(fake), 1.0)
            self.update(self.optimizer_G, fool)
            return {"generator/gan": fool}
        real, false = bce(self.D(x["image"]), 1.0), bce(self.D(fake.detach()), 0.0)
        self.update(self.optimizer_D, real + false)
        return {"discriminator/real": real, "discriminator/fake": false}


class Told(Loop):
    """PyTorch-GAN's conditional GAN: squared distances, random labels for the fakes."""

    def step(self, x: Mapping[str, Tensor], draws: Draws) -> Mapping[str, Tensor]:
        z, labels = self.z(x, draws), self.labels(x, draws)
        fake = self.G(z, labels)
        fool = mse(self.D(fake, labels), 1.0)
        self.update(self.optimizer_G, fool)
        real = mse(self.D(x["image"], x["label"]), 1.0)
        false = mse(self.D(fake.detach(), labels), 0.0)
        self.update(self.optimizer_D, (real + false) / 2)
        return {"generator/gan": fool, "discriminator/real": real, "discriminator/fake": false}


class Telling(Loop):
    """PyTorch-GAN's ACGAN, with one softmax: the discriminator learns the classes of the fakes as well."""

    def step(self, x: Mapping[str, Tensor], draws: Draws) -> Mapping[str, Tensor]:
        z, labels = self.z(x, draws), self.labels(x, draws)
        fake = self.G(z, labels)
        scores, logits = self.D(fake)
        fool, label = bce(scores, 1.0), F.cross_entropy(logits, labels)
        self.update(self.optimizer_G, 0.5 * (fool + label))
        scores, logits = self.D(x["image"])
        real, label_real = bce(scores, 1.0), F.cross_entropy(logits, x["label"])
        scores, logits = self.D(fake.detach())
        false, label_fake = bce(scores, 0.0), F.cross_entropy(logits, labels)
        self.update(self.optimizer_D, ((real + label_real) / 2 + (false + label_fake) / 2) / 2)
        judged = {"real": real, "label_real": label_real, "fake": false, "label_fake": label_fake}
        return {
            "generator/gan": fool,
            "generator/label": label,
            **{f"discriminator/{name}": term for name, term in judged.items()},
        }
