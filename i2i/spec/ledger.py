"""Counts what tensors without contents would take."""

from __future__ import annotations

import weakref
from typing import Any

import torch

from i2i.spec.hollow import Hollow, HollowTensor, worked_out
from i2i.spec.shapes import tensors_in


class Ledger(Hollow):
    """Adds up the tensors that live, each storage once, while tensors without contents are worked on.

    Numbers that are asked for are 1, and yes: such tensors have none of their own.

    Attributes:
        live: bytes of what lives now.
        peak: the most bytes that lived at one time.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.live = self.peak = 0
        self._known: dict[int, weakref.ref[Any]] = {}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func is torch.ops.aten._local_scalar_dense.default:
            dtype = args[0].dtype
            return True if dtype is torch.bool else 1.0 if dtype.is_floating_point else 1
        result = worked_out(func, args, kwargs or {})
        for made in tensors_in(result):
            self._enter((made.meta if isinstance(made, HollowTensor) else made).untyped_storage())
        return result

    def _enter(self, storage: torch.UntypedStorage) -> None:
        key, size = storage._cdata, storage.nbytes()
        if key in self._known:
            return

        def gone(_: Any) -> None:
            del self._known[key]
            self.live -= size

        self._known[key] = weakref.ref(storage, gone)
        self.live += size
        self.peak = max(self.peak, self.live)
