"""Networks that no machine could hold, refused before any memory is taken for them."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from i2i.core.errors import I2IError
from i2i.core.machine import machine_memory
from i2i.core.schema import Ref

MOST_TENSORS = 100_000
# What makes a tensor of a size that it is told first.
MAKERS = frozenset({"aten::empty", "aten::zeros", "aten::ones", "aten::full", "aten::rand", "aten::randn"})
UNKNOWN = 2**40
"""Bytes that a machine is taken to have where its system does not say."""


class Budget(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Adds up new tensors before they are made; too many, or too large for this machine, end in a sentence.

    Args:
        most: bytes; by default the memory of this machine.

    Attributes:
        ref: the component that is being built.
        bytes: of all tensors so far, also of those that are gone.
        tensors: how many those are.
    """

    @classmethod
    def _should_skip_dynamo(cls) -> bool:  # torch asks; for yes it would import its compiler
        return False

    def __init__(self, most: int | None = None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.most = most or machine_memory() or UNKNOWN
        self.bytes = self.tensors = 0
        self.ref = Ref("")

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func._schema.name in MAKERS:
            dtype = kwargs.get("dtype") or torch.get_default_dtype()
            self._take(math.prod(args[0]) * dtype.itemsize)
        return func(*args, **kwargs)

    def _take(self, size: int) -> None:
        self.bytes, self.tensors = self.bytes + size, self.tensors + 1
        what = f"{self.ref.kind} '{self.ref.name}'" if self.ref.kind else "the networks"
        if self.bytes > self.most:
            raise I2IError(
                f"{what}: its weights do not fit into the memory of this machine ({self.most / 2**30:,.0f} GiB); "
                "make it smaller: width, layers, latent"
            )
        if self.tensors > MOST_TENSORS:
            raise I2IError(f"{what}: it has more than {MOST_TENSORS:,} tensors; use fewer layers or blocks")
