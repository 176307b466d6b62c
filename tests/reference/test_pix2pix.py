"""pix2pix: the engine agrees with the published loop."""

from __future__ import annotations

import pytest
import torch
from helpers import PATCH, tiny_spec
from loops.pix2pix import Loop
from textbook import agree

from i2i.spec.spec import Spec


def small(norm: str, dropout: float) -> Spec:
    generator = {"name": "unet", "width": 4, "norm": norm, "dropout": dropout}
    discriminator = {"name": "patch", "width": 4, "layers": 2, "norm": norm}
    options = {"generator": generator, "discriminator": discriminator}
    return tiny_spec("pix2pix", options=options, train={"batch": 2})


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("dropout", [0.0, 0.5])
@pytest.mark.parametrize("norm", ["batch", "instance"])
def test_the_engine_agrees(norm: str, dropout: float, dtype: torch.dtype) -> None:
    agree(small(norm, dropout), Loop, dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_engine_agrees_with_noise(dtype: torch.dtype) -> None:
    generator = {"name": "latent-unet", "width": 4, "dropout": 0.5}
    options = {"generator": generator, "discriminator": PATCH, "latent": 2}
    spec = tiny_spec("pix2pix", options=options, train={"batch": 2})
    agree(spec, lambda nets: Loop(nets, latent=2), dtype)


def test_another_weight_is_noticed() -> None:
    with pytest.raises(AssertionError, match="step 1"):
        agree(small("instance", 0.0), lambda nets: Loop(nets, pixel_weight=99.0), torch.float64)
