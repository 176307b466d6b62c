"""GAN, CGAN, DCGAN and ACGAN: the engine agrees with the published loops, in the published orders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from helpers import tiny_spec
from loops.gans import (
    Alternating,
    DiscriminatorFirst,
    GeneratorFirst,
    Simultaneous,
    Telling,
    Told,
    adam,
    sgd,
)
from textbook import Make, agree
from torch import Tensor

from i2i.core.batch import Draws
from i2i.spec.spec import Spec

LATENT, CLASSES = 5, 3
SMALL = {"latent": LATENT, "classes": CLASSES}
SGD = {"name": "sgd", "lr": 0.02, "momentum": 0.5}


MAXOUT = {"name": "maxout", "widths": (8, 8), "initial_range": 0.2}
SIGMOID = {"name": "mlp", "widths": (8, 8), "norm": "none", "activation": "relu", "output": "sigmoid"}
OF_2014 = {"generator": SIGMOID, "discriminator": MAXOUT, "order": "simultaneous"}
D_FIRST = {"order": "discriminator-first"}
CASES: list[tuple[str, dict[str, Any], dict[str, Any], Make]] = [
    ("gan", {}, {}, lambda nets: GeneratorFirst(nets, adam, **SMALL)),
    ("gan", OF_2014, {"default": SGD}, lambda nets: Simultaneous(nets, sgd, **SMALL)),
    ("dcgan", D_FIRST, {}, lambda nets: DiscriminatorFirst(nets, adam, **SMALL)),
    ("dcgan", {"order": "alternating"}, {}, lambda nets: Alternating(nets, adam, **SMALL)),
    ("cgan", {}, {}, lambda nets: Told(nets, adam, **SMALL)),
    ("acgan", {}, {}, lambda nets: Telling(nets, adam, **SMALL)),
]

STRIDED = {"name": "strided", "width": 4}
JOINED = {"name": "label-strided", "width": 4, "units": 8}
RESIZING, CLASS_CONV = {"name": "label-resizing", "width": 8}, {"name": "class-conv", "width": 4}
PUBLISHED_NORMS: list[tuple[str, dict[str, Any], Make]] = [
    (
        "gan",
        {"generator": {"name": "mlp", "widths": (8, 8)}},
        lambda nets: GeneratorFirst(nets, adam, **SMALL),
    ),
    (
        "dcgan",
        {"generator": STRIDED, "discriminator": STRIDED, **D_FIRST},
        lambda nets: DiscriminatorFirst(nets, adam, **SMALL),
    ),
    ("cgan", {"generator": {"name": "label-mlp", "widths": (8, 8)}}, lambda nets: Told(nets, adam, **SMALL)),
    ("cgan", {"generator": JOINED, "discriminator": JOINED}, lambda nets: Told(nets, adam, **SMALL)),
    (
        "acgan",
        {"generator": RESIZING, "discriminator": CLASS_CONV},
        lambda nets: Telling(nets, adam, **SMALL),
    ),
]


def small(name: str, options: Mapping[str, Any], optimizers: Mapping[str, Any]) -> Spec:
    return tiny_spec(name, options={"latent": LATENT, **options}, optimizers=optimizers)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("name", "options", "optimizers", "make"), CASES)
def test_the_engine_agrees(
    name: str, options: dict[str, Any], optimizers: dict[str, Any], make: Make, dtype: torch.dtype
) -> None:
    agree(small(name, options, optimizers), make, dtype)


@pytest.mark.parametrize(("name", "options", "make"), PUBLISHED_NORMS)
def test_the_engine_agrees_with_batch_norm(name: str, options: dict[str, Any], make: Make) -> None:
    # In fp64 alone: of the gradient of a bias behind which there is a batch norm, fp32 keeps few digits.
    agree(small(name, options, {}), make, torch.float64)


class Rolled(Told):
    """Its fakes have other labels."""

    def labels(self, x: Mapping[str, Tensor], draws: Draws) -> Tensor:
        return (super().labels(x, draws) + 1) % CLASSES


WITHOUT_DROPOUT = {"discriminator": {"name": "mlp", "widths": (8, 8)}}


@pytest.mark.parametrize(
    ("name", "options", "make"),
    [
        ("gan", WITHOUT_DROPOUT, lambda nets: DiscriminatorFirst(nets, adam, **SMALL)),
        ("dcgan", D_FIRST, lambda nets: GeneratorFirst(nets, adam, **SMALL)),
        ("cgan", {}, lambda nets: Rolled(nets, adam, **SMALL)),
    ],
)
def test_another_order_or_other_labels_are_noticed(name: str, options: dict[str, Any], make: Make) -> None:
    with pytest.raises(AssertionError, match="step 0: generator/gan"):
        agree(small(name, options, {}), make, torch.float64)
