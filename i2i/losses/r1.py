"""The penalty on the critic's slope at real pictures."""

import torch
from torch import Tensor

from i2i.losses.penalties import Critic, second_order
from i2i.losses.precision import single


def r1_penalty(critic: Critic, real: Tensor) -> Tensor:
    """How steep the critic is at real pictures (Mescheder et al., 2018, equation 9): it should rest there.

    The mean over the pictures of the squared norm of the gradient; the paper weighs it with gamma / 2.

    Args:
        critic: pictures (N, C, H, W) to scores; the scores of a picture, and of several scales, are summed.
        real: pictures (N, C, H, W).
    """
    with second_order():
        point = single(real.detach()).requires_grad_()
        scores = critic(point)
        scales = [scores] if isinstance(scores, Tensor) else scores
        total = torch.stack([scale.sum() for scale in scales]).sum()
        (slope,) = torch.autograd.grad(total, point, create_graph=True)
        penalty: Tensor = slope.flatten(1).square().sum(1).mean()
        return penalty
