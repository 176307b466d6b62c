"""StarGAN: the engine agrees with the published loop, for attributes, for exclusive domains and for joined sets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

import helpers
import pytest
import torch
from loops.stargan import Judged, Loop, attributes
from textbook import agree
from torch import Tensor
from torch.nn import functional as F

from i2i.core.batch import Draws
from i2i.core.data import DataFacts
from i2i.data.demo import Demo
from i2i.data.scenes import ATTRIBUTES, COLOURS
from i2i.spec.plugins import discover
from i2i.spec.spec import Spec

REST = ATTRIBUTES[len(COLOURS) :]
N_CRITIC = 2


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
    _, book = agree(small(**data), lambda nets: Loop(nets, judged, n_critic=N_CRITIC), dtype)
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
        agree(
            small(),
            lambda nets: Loop(nets, judged, n_critic=N_CRITIC, penalty_weight=penalty_weight),
            torch.float64,
        )


def test_other_targets_are_noticed() -> None:
    class Rolled(Loop):
        def step(self, x: Mapping[str, Tensor], draws: Draws) -> Mapping[str, Tensor]:
            return super().step({**x, "target": x["target"].roll(1, 0)}, draws)

    with pytest.raises(AssertionError, match="step 0: critic/fake"):
        agree(small(), lambda nets: Rolled(nets, attributes, n_critic=N_CRITIC), torch.float64)
