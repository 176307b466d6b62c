"""Losses and penalties: functions and small classes, usable without the rest of i2i."""

from typing import TYPE_CHECKING, Any

from i2i.core.deprecated import public
from i2i.losses.adversarial import Hinge, LeastSquares, Role, Scores, Vanilla, Wasserstein
from i2i.losses.counted import Counted
from i2i.losses.latent import kl_divergence
from i2i.losses.penalties import Critic, gradient_penalty, penalty_weight, second_order
from i2i.losses.perceptual import VGG19
from i2i.losses.pixel import huber, l1, l2, sobel
from i2i.losses.precision import over_scales, pair, single
from i2i.losses.r1 import r1_penalty

if not TYPE_CHECKING:  # a type checker would take every name for one of these

    def __getattr__(name: str) -> Any:
        return public(__name__, name)


__all__ = [
    "VGG19",
    "Counted",
    "Critic",
    "Hinge",
    "LeastSquares",
    "Role",
    "Scores",
    "Vanilla",
    "Wasserstein",
    "gradient_penalty",
    "huber",
    "kl_divergence",
    "l1",
    "l2",
    "over_scales",
    "pair",
    "penalty_weight",
    "r1_penalty",
    "second_order",
    "single",
    "sobel",
]
