"""VAE-GAN: the engine agrees with the authors' graph: three gradients of one pass, and networks that wait."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from helpers import published_norms, tiny_engine, tiny_spec, train, unequal
from loops.vaegan import Loop
from textbook import agree

from i2i.spec.spec import Spec


def small(**options: Any) -> Spec:
    return tiny_spec("vaegan", options=options, schedule={"name": "constant"})


# In fp64 alone: RMSprop divides a gradient by its own size at the first step, and with it the rounding of fp32.
def test_the_engine_agrees() -> None:
    _, book = agree(small(), Loop, torch.float64)
    assert isinstance(book, Loop) and "".join(book.steps) == 3 * "EGD"


def test_batch_norm_sees_real_and_made_pictures_together() -> None:
    agree(small(**published_norms("vaegan")), Loop, torch.float64)


def test_reconstructions_are_shown_too() -> None:
    spec = small(**published_norms("vaegan"), reconstructions=True)
    agree(spec, lambda nets: Loop(nets, shows_reconstructions=True), torch.float64)


# Both costs begin near 0.69: below the first range, above the second, and on either side of the third.
@pytest.mark.parametrize(
    ("equilibrium", "margin", "steps"),
    [(1.5, 0.35, "EG"), (0.2, 0.35, "ED"), (0.69, 1e-6, "EGD")],
    ids=["D waits", "G waits", "neither"],
)
def test_networks_wait(equilibrium: float, margin: float, steps: str) -> None:
    _, book = agree(
        small(equilibrium=equilibrium, margin=margin),
        lambda nets: Loop(nets, equilibrium=equilibrium, margin=margin),
        torch.float64,
    )
    assert isinstance(book, Loop) and "".join(book.steps).startswith(steps)


def test_who_waits_does_not_move() -> None:
    engine = tiny_engine(small(equilibrium=1.5))
    before = {name: {k: w.clone() for k, w in engine.net[name].state_dict().items()} for name in "EGD"}
    train(engine, small(equilibrium=1.5), 1)
    assert not unequal(before["D"], engine.net.D.state_dict())
    assert unequal(before["G"], engine.net.G.state_dict()) and unequal(before["E"], engine.net.E.state_dict())


@pytest.mark.parametrize(
    ("change", "term"),
    [({"half": 1.0}, "step 0: networks/feature"), ({"gamma": 1e-2}, "step 1: networks/")],
)
def test_another_loss_is_noticed(change: dict[str, float], term: str) -> None:
    with pytest.raises(AssertionError, match=term):
        agree(small(), lambda nets: Loop(nets, **change), torch.float64)
