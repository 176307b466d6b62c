"""StarGAN: the engine agrees with the published loop, for attributes, for exclusive domains and for joined sets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Literal

import helpers
import pytest
import torch
from textbook import agree
from torch import Tensor, nn
from torch.nn import functional as F

from i2i.core.batch import Draws
from i2i.core.data import DataFacts
from i2i.data.demo import Demo
from i2i.data.scenes import ATTRIBUTES, COLOURS
from i2i.spec.plugins import discover
from i2i.spec.spec import Spec

REST = ATTRIBUTES[len(COLOURS) :]
N_CRITIC = 2
Judged = Callable[[Tensor, Tensor, Mapping[str, Tensor]], Tensor]


class Loop:
    """The critic's step on a fresh fake; at every second iteration the generator's, on another one."""

    def __init__(self, nets: dict[str, nn.Module], judged: Judged, penalty_weight: float = 10.0) -> None:
        self.nets, self.judged, self.penalty_weight = nets, judged, penalty_weight
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
        if self.iteration % N_CRITIC == 0:
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


def one_of_all(logits: Tensor, labels: Tensor, x: Mapping[str, Tensor]) -> Tensor:
    return F.cross_entropy(logits, labels.argmax(1))


def joined(logits: Tensor, labels: Tensor, x: Mapping[str, Tensor]) -> Tensor:
    """Samples of the first set have one colour, those of the second have attributes."""
    first, second = (x["mask"][:, s] == 1 for s in (0, 1))
    colours, rest = slice(len(COLOURS)), slice(len(COLOURS), None)
    one = F.cross_entropy(logits[first, colours], labels[first, colours].argmax(1), reduction="sum")
    more = F.binary_cross_entropy_with_logits(logits[second, rest], labels[second, rest], reduction="sum")
    return (one + more) / len(logits)


class Relabelled:
    """The demo set with the colours as its only labels, or as two sets: one knows the colour, the other the rest."""

    def __init__(
        self, *, layout: Literal["colours", "joined"], count: int = 8, seed: int = 0, size: int = 32
    ) -> None:
        self.demo = Demo(layout="domains", count=count, seed=seed, size=size)
        self.joined = layout == "joined"
        names = ATTRIBUTES if self.joined else COLOURS
        vectors = {"domain": len(names), "target": len(names), **({"mask": 2} if self.joined else {})}
        self.facts: DataFacts = replace(
            self.demo.facts,
            fields=("image", *vectors),
            vectors=vectors,
            domains=names,
            sets=(COLOURS, REST) if self.joined else (),
        )

    def __len__(self) -> int:
        return len(self.demo)

    def load(self, index: int, rng: torch.Generator) -> Mapping[str, Tensor]:
        sample = {"image": self.demo.load(index, rng)["image"], "domain": self.domain(index, rng)}
        return sample | ({"mask": torch.eye(2)[self.group(index)]} if self.joined else {})

    def domain(self, index: int, rng: torch.Generator) -> Tensor:
        labels, colours = self.demo.domain(index, rng), len(COLOURS)
        if not self.joined:
            return labels[:colours]
        labels[slice(colours, None) if self.group(index) == 0 else slice(colours)] = 0.0
        return labels

    def group(self, index: int) -> int:
        return index % 2 if self.joined else 0

    def name(self, index: int) -> str:
        return self.demo.name(index)

    def held_out(self) -> None:
        return None


@pytest.fixture(autouse=True)
def setting(monkeypatch: pytest.MonkeyPatch) -> None:
    """The data above is installed."""
    registry = discover()
    registry.add("data", "relabelled", Relabelled)
    monkeypatch.setattr(helpers, "registry", lambda: registry)


def small(**data: str) -> Spec:
    options = {"discriminator": {"name": "domain-patch", "width": 4, "layers": 4}, "n_critic": N_CRITIC}
    # The published schedule hardly falls; a test of eight steps would scale it.
    schedule = {"name": "constant"}
    return helpers.tiny_spec("stargan", options=options, data={"size": 32, **data}, schedule=schedule)


CASES = [
    pytest.param({}, attributes, id="attributes"),
    pytest.param({"name": "relabelled", "layout": "colours"}, one_of_all, id="exclusive"),
    pytest.param({"name": "relabelled", "layout": "joined"}, joined, id="joined"),
]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("data", "judged"), CASES)
def test_the_engine_agrees(data: dict[str, str], judged: Judged, dtype: torch.dtype) -> None:
    _, book = agree(small(**data), lambda nets: Loop(nets, judged), dtype)
    assert isinstance(book, Loop) and book.iteration >= 2, "the generator never stepped"


@pytest.mark.parametrize(
    ("judged", "penalty_weight", "term"),
    [
        (attributes, 9.0, "step 1: critic/"),
        (lambda *given: attributes(*given) / len(ATTRIBUTES), 10.0, "step 0: critic/domain"),
    ],
)
def test_another_loss_is_noticed(judged: Judged, penalty_weight: float, term: str) -> None:
    with pytest.raises(AssertionError, match=term):
        agree(small(), lambda nets: Loop(nets, judged, penalty_weight), torch.float64)


def test_other_targets_are_noticed() -> None:
    class Rolled(Loop):
        def step(self, x: Mapping[str, Tensor], draws: Draws) -> Mapping[str, Tensor]:
            return super().step({**x, "target": x["target"].roll(1, 0)}, draws)

    with pytest.raises(AssertionError, match="step 0: critic/fake"):
        agree(small(), lambda nets: Rolled(nets, attributes), torch.float64)
