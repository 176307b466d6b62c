"""What discriminator and generator minimise: `gan(scores, role)`.

`scores` is what the discriminator returned, without sigmoid: one map (N, 1, H, W), or a sequence of maps
from several scales, over which the mean is taken. `role` is "real" or "fake" (what the discriminator
minimises on such pictures) or "fool" (what the generator minimises on its own). The result is a mean over
batch and map, in fp32.

A loss whose `boundary` is a number says that higher scores mean "real" and lower ones "fake": then a run counts how
often the discriminator is right, and warns when it always is.
"""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from i2i.losses.penalties import Critic, gradient_penalty
from i2i.losses.precision import over_scales

Role = Literal["real", "fake", "fool"]
Scores = Tensor | Sequence[Tensor]
Label = Annotated[float, Field(ge=0.5, le=1, description="label of real pictures; below 1 it is smoothed")]


class Vanilla:
    """The logistic loss of the first GAN (Goodfellow et al., 2014), from scores without sigmoid.

    The generator aims at `target` too; with "minimax" it minimises log(1 - D), as in the paper's equation 1.
    """

    boundary: ClassVar[float] = 0.0  # a probability of one half

    def __init__(
        self, *, objective: Literal["non-saturating", "minimax"] = "non-saturating", target: Label = 1.0
    ) -> None:
        self.objective = objective
        self.target = target

    def __call__(self, scores: Scores, role: Role) -> Tensor:
        if role == "fool" and self.objective == "minimax":
            return over_scales(scores, lambda s: -F.softplus(s).mean())  # log(1 - D)
        label = _label(role, self.target)
        return over_scales(scores, lambda s: F.binary_cross_entropy_with_logits(s, torch.full_like(s, label)))


class LeastSquares:
    """The squared distance to the label (Mao et al., 2017)."""

    boundary: ClassVar[float] = 0.5

    def __init__(self, *, target: Label = 1.0) -> None:
        self.target = target

    def __call__(self, scores: Scores, role: Role) -> Tensor:
        label = _label(role, self.target)
        return over_scales(scores, lambda s: F.mse_loss(s, torch.full_like(s, label)))


class Hinge:
    """The hinge loss (Lim and Ye, 2017): the discriminator ignores what it separates by a margin of one."""

    boundary: ClassVar[float] = 0.0

    def __call__(self, scores: Scores, role: Role) -> Tensor:
        if role == "fool":
            return over_scales(scores, lambda s: -s.mean())
        sign = _sign(role)
        return over_scales(scores, lambda s: F.relu(1 + sign * s).mean())


class Wasserstein:
    """The critic's mean scores, kept smooth by a gradient penalty (Gulrajani et al., 2017).

    It has no boundary: only differences of a critic's scores mean something.
    """

    def __init__(
        self,
        *,
        penalty_weight: Annotated[float, Field(ge=0, description="weight of the gradient penalty")] = 10.0,
    ) -> None:
        self.penalty_weight = penalty_weight

    def __call__(self, scores: Scores, role: Role) -> Tensor:
        sign = _sign(role)
        return over_scales(scores, lambda s: sign * s.mean())

    def penalty(self, critic: Critic, real: Tensor, fake: Tensor, alpha: Tensor) -> Tensor:
        """The unweighted gradient penalty; `alpha` holds one number in [0, 1) for each picture."""
        return gradient_penalty(critic, real, fake, alpha)


def _label(role: Role, target: float) -> float:
    return {"real": target, "fake": 0.0, "fool": target}[_known(role)]


def _sign(role: Role) -> int:
    """Which way the scores are pushed: up for real pictures and for the generator's own, down for fakes."""
    return {"real": -1, "fake": 1, "fool": -1}[_known(role)]


def _known(role: Role) -> Role:
    if isinstance(role, Tensor):
        raise ValueError(
            "a GAN loss takes the scores of a discriminator; two pictures are compared by a pixel loss"
        )
    if role not in ("real", "fake", "fool"):
        raise ValueError(f"there is no role '{role}'; a GAN loss knows real, fake and fool")
    return role
