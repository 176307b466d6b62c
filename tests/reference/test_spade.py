"""SPADE: the engine agrees with the published loop, with an encoder and without, with its norms or by picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from helpers import tiny_spec
from loops.spade import Loop
from textbook import WITHIN, agree
from torch import Tensor, nn

from i2i.core.batch import Draws
from i2i.data.palettes import PARTS
from i2i.spec.spec import Spec

SMALL: Mapping[str, Mapping[str, Any]] = {
    "generator": {"name": "spade", "width": 4, "hidden": 4},
    "discriminator": {"name": "feature-patch", "width": 4, "layers": 2},
    "encoder": {"name": "spade", "width": 4, "layers": 3},
}
BY_PICTURE = {key: {**table, "norm": "instance", "spectral": False} for key, table in SMALL.items()}


def book(nets: dict[str, nn.Module]) -> Loop:
    return Loop(nets, len(PARTS))


def small(tables: Mapping[str, Mapping[str, Any]], encoder: bool) -> Spec:
    """Any loss of two pictures stands for the perceptual one, whose weights nobody brings to a test."""
    options = {key: table for key, table in tables.items() if key != "encoder" or encoder}
    idle = {} if encoder else {"encoder": None, "latent": 256}
    return tiny_spec("spade", options={**options, "perceptual": "l1", **idle}, schedule={"name": "constant"})


@pytest.fixture(autouse=True)
def tolerance(monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights start at a thousandth: norms divide by their size what rounding leaves, and Adam makes steps of it."""
    monkeypatch.setitem(WITHIN, torch.float64, 1e-10)


@pytest.mark.parametrize(
    ("tables", "encoder", "dtype"),
    [
        pytest.param(SMALL, True, torch.float32, id="encoder-fp32"),
        pytest.param(SMALL, True, torch.float64, id="encoder-fp64"),
        pytest.param(SMALL, False, torch.float64, id="no encoder"),
        pytest.param(BY_PICTURE, False, torch.float64, id="by picture"),
    ],
)
def test_the_engine_agrees(
    tables: Mapping[str, Mapping[str, Any]], encoder: bool, dtype: torch.dtype
) -> None:
    engine, _ = agree(small(tables, encoder), book, dtype)
    assert ("E" in engine.net) == encoder


def test_another_weight_is_noticed() -> None:
    with pytest.raises(AssertionError, match="step 0: discriminator/fake"):
        agree(small(SMALL, True), lambda nets: Loop(nets, len(PARTS), feature_weight=9.0), torch.float64)


def test_two_passes_of_the_discriminator_are_noticed() -> None:
    # Its spectral norms move once for fakes and photographs together.
    with pytest.raises(AssertionError, match="step 0: generator/"):
        agree(small(SMALL, True), lambda nets: Loop(nets, len(PARTS), batches=2), torch.float64)


def test_a_kept_fake_is_noticed() -> None:
    class Kept(Loop):
        def generate(self, semantics: Tensor, image: Tensor, draws: Draws) -> tuple[Tensor, Tensor | None]:
            if torch.is_grad_enabled():
                self.made = super().generate(semantics, image, draws)
            return self.made

    with pytest.raises(AssertionError, match="step 0: discriminator/fake"):
        agree(small(SMALL, True), lambda nets: Kept(nets, len(PARTS)), torch.float64)
