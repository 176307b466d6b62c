"""The penalty on the slope at real pictures: by hand, and in half precision."""

import pytest
import torch
from torch import Tensor, nn

from i2i.losses import r1_penalty
from i2i.nets import PatchGAN


class Quadratic(nn.Module):
    """score(x) = Σ w·x²/2 has the gradient w·x."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.tensor(0.7))

    def forward(self, x: Tensor) -> Tensor:
        score: Tensor = self.w * x.square().flatten(1).sum(1) / 2
        return score


@pytest.fixture
def real() -> Tensor:
    return torch.randn(3, 2, 12, 12, generator=torch.Generator().manual_seed(0))


def test_by_hand(real: Tensor) -> None:
    net = Quadratic()
    squares = real.square().flatten(1).sum(1)  # of a picture's norm
    penalty = r1_penalty(net, real)
    torch.testing.assert_close(penalty, (0.49 * squares).mean(), rtol=1e-5, atol=0)
    penalty.backward()
    torch.testing.assert_close(net.w.grad, (2 * 0.7 * squares).mean(), rtol=1e-5, atol=0)


def test_scales_are_summed(real: Tensor) -> None:
    net = Quadratic()
    halves = r1_penalty(lambda x: [net(x) / 2, net(x).view(-1, 1, 1, 1).expand(-1, 1, 2, 2) / 8], real)
    torch.testing.assert_close(halves, r1_penalty(net, real), rtol=1e-5, atol=0)


def test_the_pictures_get_no_gradient(real: Tensor) -> None:
    real.requires_grad_()
    r1_penalty(Quadratic(), real).backward()
    assert real.grad is None


def test_it_is_computed_in_full_precision(real: Tensor) -> None:
    torch.manual_seed(1)
    net = PatchGAN(2, width=3, layers=1)
    exact = r1_penalty(net, real)
    assert exact > 0
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(r1_penalty(net, real), exact)
        assert r1_penalty(net, real.bfloat16()).dtype == torch.float32
