"""How often a discriminator is right."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from i2i.losses.adversarial import Role, Scores
from i2i.losses.precision import over_scales


class Counted:
    """An adversarial loss that also counts how often its discriminator tells real from fake.

    The counts stay on the device until they are read; in everything else it is the loss itself.

    Args:
        loss: `gan(scores, role)`.
        boundary: scores above it mean "real".
    """

    def __init__(self, loss: Callable[..., Tensor], boundary: float) -> None:
        self.loss, self.boundary = loss, boundary
        self.right: dict[str, Tensor] = {}
        self.calls: dict[str, int] = {}

    def __call__(self, scores: Scores, role: Role) -> Tensor:
        value = self.loss(scores, role)
        if role != "fool":
            self._count(scores, role)
        return value

    def __getattr__(self, name: str) -> Any:
        if name == "loss" or name.startswith("__"):  # what a copy asks for before it has anything
            raise AttributeError(name)
        return getattr(self.loss, name)

    @torch.no_grad()
    def _count(self, scores: Scores, role: Role) -> None:
        real = over_scales(scores, lambda s: (s > self.boundary).float().mean())
        share = real if role == "real" else 1 - real
        self.right[role] = share + self.right[role] if role in self.right else share
        self.calls[role] = self.calls.get(role, 0) + 1

    def read(self) -> dict[str, Tensor]:
        """The share of right judgements by role since the last reading: a mean over scores and calls."""
        shares = {role: self.right[role] / self.calls[role] for role in self.right}
        self.right, self.calls = {}, {}
        return shares

    def state(self) -> dict[str, list[float]]:
        """The counts since the last reading, as plain numbers."""
        return {role: [float(self.right[role]), self.calls[role]] for role in self.right}

    def restore(self, state: Mapping[str, list[float]], device: torch.device) -> None:
        """Go on from the counts that `state` gave."""
        self.right = {role: torch.tensor(right, device=device) for role, (right, _) in state.items()}
        self.calls = {role: int(calls) for role, (_, calls) in state.items()}
