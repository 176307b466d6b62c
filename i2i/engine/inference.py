"""Networks as they translate: without gradients, in the mode that the method asks for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from i2i.core.batch import Draws, Parts
from i2i.core.strategy import Inference
from i2i.nets.blocks import Dropout
from i2i.nets.norms import BatchNorm


@contextmanager
def inference(net: Parts, mode: Inference, draws: Draws | None = None) -> Iterator[None]:
    """Put the networks in the method's inference mode, and back again; compiled ones run eagerly.

    `draws` feeds the dropout that stays active, so that a seed fixes the result.
    """
    modules = [m for part in net.modules().values() for m in part.modules()]
    before = [(m, m.training) for m in modules]
    dropouts = [m for m in modules if isinstance(m, Dropout)]
    earlier = [dropout.draws for dropout in dropouts]
    norms = [m for m in modules if isinstance(m, BatchNorm)]
    for module in modules:
        module.training = mode.dropout and isinstance(module, Dropout)
    for dropout in dropouts:
        dropout.draws = draws
    for norm in norms:
        norm.per_picture = mode.statistics == "picture"
    try:
        with torch.no_grad(), torch.compiler.set_stance("force_eager"):
            yield
    finally:
        for module, training in before:
            module.training = training
        for dropout, numbers in zip(dropouts, earlier, strict=True):
            dropout.draws = numbers
        for norm in norms:
            norm.per_picture = False
