"""Whether results look like the domain that they were asked to be of."""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from i2i.core.errors import I2IError, I2IWarning, nearest
from i2i.core.extras import needs
from i2i.metrics.draws import own_draws
from i2i.metrics.pictures import ROUNDING, coloured, in_bytes, of_bytes
from i2i.metrics.weights import fill, fingerprint, read

BATCH = 16
RATE = 1e-3
HELD_OUT = 10  # of so many real pictures one is kept from the classifier
MOST_HELD = 1000
GOOD = 0.9  # what a classifier should get right of them
MADE_BY = "`i2i import FILE.pth --as weights -o classifier.safetensors` makes one of timm's or of your own"


class DomainAccuracy:
    """The share of results that a classifier takes for the domain that was asked for (Choi et al., 2018, StarGAN).

    The classifier is a network of timm, trained from scratch on the training set of the run; a tenth of it is kept
    aside, and `classifier` says which share of that it gets right: no result can be judged better than that.
    """

    higher_is_better: ClassVar[bool] = True

    def __init__(
        self,
        domains: tuple[str, ...],
        *,
        network: Annotated[str, Field(description="what timm calls the classifier")] = "resnet18",
        classifier: Annotated[
            Path | None, Field(description="weights of a classifier that was trained before, .safetensors")
        ] = None,
        passes: Annotated[int, Field(ge=1, description="over the training set")] = 5,
        size: Annotated[int, Field(ge=16, description="side that the classifier sees pictures at")] = 128,
    ) -> None:
        if len(domains) < 2:
            raise ValueError(f"it needs at least two domains, got {', '.join(domains) or 'none'}")
        self.library = needs("torchmetrics.classification", "metrics", "for the metric 'domain-accuracy'")
        self.classifier = _Classifier(network, len(domains), size)
        self.network, self.size, self.domains = network, size, domains
        self.passes = passes if classifier is None else 0
        if classifier is not None:
            what = f"timm's {network} with {len(domains)} classes"
            fill(self.classifier.network, read(classifier, "classifier", MADE_BY), "classifier", what)
        self.right: Any = self.library.MulticlassAccuracy(
            len(domains), average="micro", sync_on_compute=False
        )
        self.held: dict[int, tuple[Tensor, int]] = {}
        self.judged = 0

    def learn(self, pictures: Tensor, domains: Tensor) -> None:
        """Learn from real pictures (N, C, H, W) in [-1, 1] and the numbers of their domains (N,)."""
        seen = in_bytes(coloured(pictures, "domain-accuracy"))
        for picture, domain in zip(seen, domains.tolist(), strict=True):
            # By what it shows: the same pictures in every pass, in any order.
            mark = zlib.crc32(picture.cpu().numpy().tobytes())
            if mark % HELD_OUT:
                self.classifier.learn(picture, domain)
            elif mark in self.held or len(self.held) < MOST_HELD:
                self.held[mark] = self.classifier.resized(picture[None])[0].cpu(), domain

    def update(self, result: Tensor, domain: Tensor) -> None:
        """Look at results (N, C, H, W) in [-1, 1] and at the numbers of the domains they were asked to be of, (N,).

        Raises:
            I2IError: the classifier has learned nothing.
        """
        if self.passes and not self.classifier.steps:
            raise I2IError(
                f"metric 'domain-accuracy': its classifier needs at least {BATCH} pictures whose domain is known; give "
                "a trained one by the option classifier"
            )
        found = self.classifier.tell(in_bytes(coloured(result, "domain-accuracy")))
        self.judged += len(found)
        self.right.to(found.device).update(found, domain.to(found.device))

    def compute(self) -> Mapping[str, float]:
        """The share of results, from 0 to 1, and that of the real pictures that were kept aside."""
        if not self.judged:
            raise I2IError("metric 'domain-accuracy': it was shown no result")
        values = {"domain-accuracy": float(self.right.compute())}
        if self.held:
            values["classifier"] = self._own_accuracy()
        return values

    def _own_accuracy(self) -> float:
        right = [int(self.classifier.tell(seen[None])) == domain for seen, domain in self.held.values()]
        share = sum(right) / len(right)
        if share < GOOD:
            warnings.warn(
                f"metric 'domain-accuracy': its classifier gets {share:.0%} of the real pictures right that were kept "
                "from it, so what it says about results means little; give it more passes",
                I2IWarning,
                stacklevel=3,
            )
        return share

    def protocol(self) -> Mapping[str, str | int | float]:
        """The classifier, and how it came about."""
        weights = f"trained, {self.passes} passes" if self.passes else fingerprint(self.classifier.network)
        return {
            "network": self.network,
            "network_weights": weights,
            "network_resize": "bilinear, antialiased",
            "network_size": f"{self.size}x{self.size}",
            "rounding": ROUNDING,
            "domains": ", ".join(self.domains),
        }


class _Classifier:
    """A network that tells domains apart, and learns to from one picture after the other."""

    def __init__(self, name: str, domains: int, size: int) -> None:
        self.network, self.size, self.steps = _empty(name, domains), size, 0
        self.waiting: list[tuple[Tensor, int]] = []
        self.optimizer = torch.optim.AdamW(self.network.parameters(), RATE)

    def learn(self, picture: Tensor, domain: int) -> None:
        """Keep a picture (3, H, W), uint8; a full batch of them is a step."""
        with torch.inference_mode(False):
            self.waiting.append((self.resized(picture[None])[0], domain))
            if len(self.waiting) == BATCH:
                pictures, domains = zip(*self.waiting, strict=True)
                self.waiting = []
                self._step(torch.stack(pictures), torch.tensor(domains, device=picture.device))

    def tell(self, pictures: Tensor) -> Tensor:
        """The numbers of the domains that pictures (N, 3, H, W), uint8, seem to be of."""
        self.network.eval()
        with torch.no_grad():
            scores: Tensor = self.network.to(pictures.device)(of_bytes(self.resized(pictures)))
        return scores.argmax(1)

    def _step(self, pictures: Tensor, domains: Tensor) -> None:
        with own_draws(), torch.enable_grad():
            self.network.to(pictures.device).train()
            loss = F.cross_entropy(self.network(of_bytes(pictures)), domains)
            self.optimizer.zero_grad()
            torch.autograd.backward(loss)
            self.optimizer.step()
        self.steps += 1

    def resized(self, pictures: Tensor) -> Tensor:
        """Pictures (N, 3, H, W), uint8, at the side that the network sees them at."""
        return (
            F.interpolate(pictures.float(), (self.size, self.size), mode="bilinear", antialias=True)
            .round()
            .byte()
        )


def _empty(name: str, domains: int) -> nn.Module:
    """A network of timm without any training.

    Raises:
        ValueError: there is none of this name.
    """
    import timm

    if not timm.is_model(name):
        raise ValueError(f"network: timm has no '{name}'\n    {nearest(name, timm.list_models())}")
    with own_draws():
        made: nn.Module = timm.create_model(name, num_classes=domains)
    return made
