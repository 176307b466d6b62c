"""StyleGAN: the engine agrees with the published loop, at one resolution and while another fades in."""

from __future__ import annotations

import math

import helpers
import pytest
import torch
from loops.stylegan import Loop, Plan, squares, tiled
from textbook import agree
from torch import Tensor

from i2i.spec.spec import Spec

SIZE, START, LATENT, STABLE, FADING = 16, 4, 4, 2, 14
MIXING = 0.9


def plan(start: int) -> Plan:
    return Plan(SIZE, start, LATENT, STABLE, FADING)


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
    engine, book = agree(spec, lambda nets: Loop(nets, plan(start), mixing=MIXING), torch.float64)
    assert isinstance(book, Loop)
    # 8 images were seen before the third step: 6/14 of the way from 4 to 8
    assert float(engine.net.G.lod) == pytest.approx(0 if start == SIZE else 2 - 6 / 14)


@pytest.mark.parametrize("start", [SIZE, START])
def test_another_penalty_is_noticed(start: int) -> None:
    with pytest.raises(AssertionError, match="step 0: generator/gan"):
        agree(small(start), lambda nets: Loop(nets, plan(start), gamma=9.0), torch.float64)


def test_optimizers_that_go_on_are_noticed() -> None:
    class Ongoing(Loop):
        def reset(self) -> None:
            if not self.images:
                super().reset()

    with pytest.raises(AssertionError, match="step 1: generator/gan"):
        agree(small(START), lambda nets: Ongoing(nets, plan(START)), torch.float64)


def test_real_pictures_that_do_not_fade_are_noticed() -> None:
    class Sharp(Loop):
        def process_reals(self, x: Tensor) -> Tensor:
            factor = 2 ** math.floor(self.lod)
            return tiled(squares(x, factor), factor)

    with pytest.raises(AssertionError, match="step 1: discriminator/real"):
        agree(small(START), lambda nets: Sharp(nets, plan(START)), torch.float64)
