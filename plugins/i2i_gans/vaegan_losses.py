"""What VAE-GAN's networks minimise."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field
from torch import Tensor

from i2i.losses import Role, Scores, over_scales, single


class BoundedLogistic:
    """The logistic loss with an epsilon in its logarithms, which bounds it (code of Larsen et al., 2016).

    Called as `gan(scores, role)`, with scores without sigmoid; a mean over batch and map. With "minimax" the generator
    minimises log(1 - D + epsilon), else -log(D + epsilon).
    """

    boundary: ClassVar[float] = 0.0  # a probability of one half

    def __init__(
        self,
        *,
        objective: Literal["minimax", "non-saturating"] = "minimax",
        epsilon: Annotated[float, Field(gt=0, lt=1, description="added to probabilities")] = 1e-3,
    ) -> None:
        self.objective = objective
        self.epsilon = epsilon

    def __call__(self, scores: Scores, role: Role) -> Tensor:
        match role:
            case "real":
                return over_scales(scores, self._cost)
            case "fake":
                return over_scales(scores, lambda s: self._cost(-s))
            case "fool" if self.objective == "minimax":
                return over_scales(scores, lambda s: -self._cost(-s))
            case "fool":
                return over_scales(scores, self._cost)
            case _:
                raise ValueError(
                    "a GAN loss takes the scores of a discriminator and a role: real, fake or fool"
                )

    def _cost(self, scores: Tensor) -> Tensor:
        return -(scores.sigmoid() + self.epsilon).log().mean()


def squares(made: Tensor, true: Tensor) -> Tensor:
    """Half the squared distance: the sum over all features of a picture, the mean over the batch."""
    return 0.5 * (single(made) - single(true)).square().flatten(1).sum(1).mean()
