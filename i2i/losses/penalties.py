"""Penalties on gradients: the only losses that differentiate twice."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from i2i.core.eager import eagerly
from i2i.core.schema import Ref
from i2i.losses.precision import single

Critic = Callable[[Tensor], Tensor | Sequence[Tensor]]


@contextmanager
def second_order() -> Iterator[None]:
    """Compute here what will be differentiated twice: without autocast, compiled networks and fused attention.

    AOTAutograd and fused attention cannot be differentiated twice, and half precision has too few digits for it.
    """
    devices = {"cpu"}
    if (accelerator := torch.accelerator.current_accelerator(check_available=True)) is not None:
        devices.add(accelerator.type)
    with ExitStack() as scope:
        for device in devices:
            scope.enter_context(torch.autocast(device, enabled=False))
        scope.enter_context(eagerly())
        scope.enter_context(sdpa_kernel(SDPBackend.MATH))
        yield


def gradient_penalty(
    critic: Critic, real: Tensor, fake: Tensor, alpha: Tensor, *, target: float = 1.0, epsilon: float = 0.0
) -> Tensor:
    """How far the critic's slope between real and fake is from `target` (Gulrajani et al., 2017).

    The mean over the pictures of (norm of the gradient - target)².

    Args:
        critic: pictures (N, C, H, W) to scores; the scores of a picture, and of several scales, are summed.
        real: pictures (N, C, H, W).
        fake: the same shape; no gradient reaches its generator.
        alpha: (N,) in [0, 1), the share of the real picture in each mixture.
        target: the wanted norm of the gradient of a picture, over all its values.
        epsilon: added to each value of the gradient (1e-16 in pytorch-CycleGAN-and-pix2pix, none in StarGAN).
    """
    with second_order():
        share = single(alpha).view(-1, *[1] * (real.dim() - 1))
        mixed = share * single(real.detach()) + (1 - share) * single(fake.detach())
        mixed.requires_grad_()
        scores = critic(mixed)
        scales = [scores] if isinstance(scores, Tensor) else scores
        total = torch.stack([scale.sum() for scale in scales]).sum()
        (slope,) = torch.autograd.grad(total, mixed, create_graph=True)
        norms = (slope.flatten(1) + epsilon).norm(dim=1)
        penalty: Tensor = (norms - target).square().mean()
        return penalty


def penalty_weight(gan: Ref) -> float:
    """The weight that an adversarial loss asks for its gradient penalty; 0 where it needs none.

    A loss that needs one says so by its option `penalty_weight`; the strategy then lists the term `penalty`.
    """
    return float(gan.options.get("penalty_weight", 0.0))
