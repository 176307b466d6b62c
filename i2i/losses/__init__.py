"""Losses and penalties: functions and small classes, usable without the rest of i2i."""

from i2i.losses.adversarial import Hinge, LeastSquares, Role, Scores, Vanilla, Wasserstein
from i2i.losses.penalties import Critic, gradient_penalty, penalty_weight, second_order
from i2i.losses.pixel import huber, l1, l2, sobel
from i2i.losses.precision import over_scales, pair, single

__all__ = [
    "Critic",
    "Hinge",
    "LeastSquares",
    "Role",
    "Scores",
    "Vanilla",
    "Wasserstein",
    "gradient_penalty",
    "huber",
    "l1",
    "l2",
    "over_scales",
    "pair",
    "penalty_weight",
    "second_order",
    "single",
    "sobel",
]
