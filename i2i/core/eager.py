"""Without torch's compiler: importing that takes longer than everything else at the start of a run."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext

import torch


def eagerly() -> AbstractContextManager[None]:
    """Run compiled networks eagerly here; where nothing was compiled, there is nothing to be done."""
    if "torch._dynamo" not in sys.modules:
        return nullcontext()
    stance: AbstractContextManager[None] = torch.compiler.set_stance("force_eager")
    return stance
