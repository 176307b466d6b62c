"""Gradients of gradients: the penalty by hand, autocast, compiled networks."""

import pytest
import torch
from torch import nn
from torch._dynamo.testing import CompileCounterWithBackend

from i2i.core.schema import Ref
from i2i.losses import gradient_penalty, penalty_weight, second_order
from i2i.nets import PatchGAN


@pytest.fixture
def pictures():
    torch.manual_seed(0)
    return torch.randn(3, 2, 12, 12), torch.randn(3, 2, 12, 12), torch.rand(3)


def critic():
    torch.manual_seed(1)
    return PatchGAN(2, width=3, layers=1)


class Quadratic(nn.Module):
    """score(x) = Σ w·x²/2 has the gradient w·x."""

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.tensor(0.7))

    def forward(self, x):
        return self.w * x.square().flatten(1).sum(1) / 2


@pytest.mark.parametrize("target", [1.0, 0.0])
def test_by_hand(pictures, target):
    real, fake, alpha = pictures
    net = Quadratic()
    penalty = gradient_penalty(net, real, fake, alpha, target=target)
    mixed = torch.stack([a * r + (1 - a) * f for a, r, f in zip(alpha, real, fake)])
    norms = torch.stack([picture.square().sum().sqrt() for picture in mixed])
    torch.testing.assert_close(penalty, (0.7 * norms - target).square().mean(), rtol=1e-5, atol=0)
    penalty.backward()
    by_hand = (2 * (0.7 * norms - target) * norms).mean()
    torch.testing.assert_close(net.w.grad, by_hand, rtol=1e-5, atol=0)


def test_gradient_through_norms_is_the_numerical_one(pictures):
    real, fake, alpha = (t.double() for t in pictures)
    net = critic().double()
    gradient_penalty(net, real, fake, alpha).backward()
    weight = net.body[0].conv.weight
    analytic = weight.grad[0, 0, 1, 1].item()
    step = 1e-5
    values = []
    for sign in (1, -1):
        with torch.no_grad():
            weight[0, 0, 1, 1] += sign * step
        values.append(gradient_penalty(net, real, fake, alpha).item())
        with torch.no_grad():
            weight[0, 0, 1, 1] -= sign * step
    # central differences: error of order step²
    assert analytic == pytest.approx((values[0] - values[1]) / (2 * step), rel=1e-5)


def test_scores_of_a_map_and_of_several_scales_are_summed(pictures):
    net = Quadratic()
    single = gradient_penalty(net, *pictures)
    halves = gradient_penalty(
        lambda x: [net(x) / 2, net(x).view(-1, 1, 1, 1).expand(-1, 1, 2, 2) / 8], *pictures
    )
    torch.testing.assert_close(halves, single, rtol=1e-5, atol=0)


def test_neither_the_generator_nor_the_pictures_get_a_gradient(pictures):
    real, fake, alpha = pictures
    real.requires_grad_(), fake.requires_grad_()
    gradient_penalty(critic(), real, fake, alpha).backward()
    assert real.grad is None and fake.grad is None


@pytest.mark.parametrize("epsilon", [0.0, 1e-16])
def test_a_flat_critic_gives_a_finite_gradient(pictures, epsilon):
    net = Quadratic()
    net.w.data.fill_(0)
    penalty = gradient_penalty(net, *pictures, epsilon=epsilon)
    assert penalty == 1
    penalty.backward()
    assert net.w.grad.isfinite()


def test_by_default_nothing_is_added(pictures):
    net = Quadratic()
    net.w.data.fill_(0)
    gradient_penalty(net, *pictures).backward()
    assert net.w.grad == 0  # any epsilon would give the flat slope a direction


def test_epsilon_is_added_to_every_value_of_the_gradient(pictures):
    net = Quadratic()
    net.w.data.fill_(0)
    penalty = gradient_penalty(net, *pictures, target=0.0, epsilon=0.5)
    assert penalty.item() == pytest.approx(0.25 * 2 * 12 * 12)


def test_autocast_is_off_inside(pictures):
    real, fake, alpha = pictures
    net = critic()
    exact = gradient_penalty(net, real, fake, alpha)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(gradient_penalty(net, real, fake, alpha), exact)
        assert gradient_penalty(net, real, fake.bfloat16(), alpha).dtype == torch.float32
        with second_order():
            assert not torch.is_autocast_enabled("cpu")
        assert torch.is_autocast_enabled("cpu")


def gradients(net, pictures):
    net.zero_grad()
    penalty = gradient_penalty(net, *pictures)
    penalty.backward()
    return [penalty.detach(), *(p.grad.clone() for p in net.parameters() if p.grad is not None)]


def test_a_compiled_critic_runs_eagerly_inside_and_compiled_outside(pictures):
    net = critic()
    exact = gradients(net, pictures)
    counter = CompileCounterWithBackend("aot_eager")
    net.compile(backend=counter)
    net(pictures[0]).sum().backward()
    assert counter.frame_count == 1
    assert all(torch.equal(a, b) for a, b in zip(gradients(net, pictures), exact, strict=True))
    with second_order():
        assert "CompiledFunction" not in type(net(pictures[0]).grad_fn).__name__
    assert "CompiledFunction" in type(net(pictures[0]).grad_fn).__name__
    assert counter.frame_count == 1  # leaving the scope compiles nothing again


def test_second_order_is_needed(pictures):
    net = critic()
    net.compile(backend="aot_eager")
    x = pictures[0].requires_grad_()
    (slope,) = torch.autograd.grad(net(x).sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="double backward"):
        slope.square().sum().backward()


def test_the_scope_ends_when_it_raises():
    with torch.autocast("cpu", torch.bfloat16):
        with pytest.raises(KeyError), second_order():
            raise KeyError
        assert torch.is_autocast_enabled("cpu")


def test_the_weight_of_a_penalty_is_an_option_of_the_loss():
    assert penalty_weight(Ref("wgan-gp", penalty_weight=3)) == 3
    assert penalty_weight(Ref("lsgan")) == 0
