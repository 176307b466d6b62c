"""GAN losses against their formulas."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from i2i.losses import Hinge, LeastSquares, Vanilla, Wasserstein, gradient_penalty

SCORES = torch.tensor([[-2.0, 0.5], [3.0, 0.0]]).view(2, 1, 1, 2)
D = torch.sigmoid(SCORES)

FORMULAS = [
    (Vanilla(), "real", -D.log()),
    (Vanilla(), "fake", -(1 - D).log()),
    (Vanilla(), "fool", -D.log()),
    (Vanilla(objective="minimax"), "real", -D.log()),
    (Vanilla(objective="minimax"), "fake", -(1 - D).log()),
    (Vanilla(objective="minimax"), "fool", (1 - D).log()),
    (Vanilla(target=0.9), "real", -0.9 * D.log() - 0.1 * (1 - D).log()),
    (Vanilla(target=0.9), "fake", -(1 - D).log()),
    (Vanilla(target=0.9), "fool", -0.9 * D.log() - 0.1 * (1 - D).log()),
    (LeastSquares(), "real", (SCORES - 1).square()),
    (LeastSquares(), "fake", SCORES.square()),
    (LeastSquares(), "fool", (SCORES - 1).square()),
    (LeastSquares(target=0.9), "real", (SCORES - 0.9).square()),
    (Hinge(), "real", (1 - SCORES).clamp(min=0)),
    (Hinge(), "fake", (1 + SCORES).clamp(min=0)),
    (Hinge(), "fool", -SCORES),
    (Wasserstein(), "real", -SCORES),
    (Wasserstein(), "fake", SCORES),
    (Wasserstein(), "fool", -SCORES),
]


@pytest.mark.parametrize(("gan", "role", "formula"), FORMULAS)
def test_formula(gan, role, formula):
    torch.testing.assert_close(gan(SCORES, role), formula.mean(), atol=1e-6, rtol=1e-6)  # fp32 rounding


def test_vanilla_and_least_squares_are_torchs_bit_for_bit():
    ones = torch.ones_like(SCORES)
    assert torch.equal(Vanilla()(SCORES, "real"), nn.BCEWithLogitsLoss()(SCORES, ones))
    assert torch.equal(Vanilla()(SCORES, "fake"), nn.BCEWithLogitsLoss()(SCORES, 0 * ones))
    assert torch.equal(LeastSquares()(SCORES, "fool"), nn.MSELoss()(SCORES, ones))


@pytest.mark.parametrize(
    "gan", [Vanilla(), Vanilla(objective="minimax"), LeastSquares(), Hinge(), Wasserstein()]
)
@pytest.mark.parametrize("role", ["real", "fake", "fool"])
def test_several_scales_are_averaged_whatever_their_size(gan, role):
    large, small = torch.randn(2, 1, 4, 4), torch.randn(2, 1, 2, 2)
    expected = (gan(large, role) + gan(small, role)) / 2
    assert torch.equal(gan([large, small], role), expected)
    assert torch.equal(gan((large, small), role), expected)
    assert torch.equal(gan([large], role), gan(large, role))


@pytest.mark.parametrize(
    "gan", [Vanilla(), Vanilla(objective="minimax"), LeastSquares(), Hinge(), Wasserstein()]
)
def test_half_precision_scores_are_judged_in_fp32(gan):
    half = torch.randn(4, 1, 8, 8).bfloat16()
    for role in ("real", "fake", "fool"):
        with torch.autocast("cpu", torch.bfloat16):
            loss = gan(half, role)
        assert loss.dtype == torch.float32
        assert torch.equal(loss, gan(half.float(), role))


def test_a_confident_discriminator_gives_finite_losses_and_gradients():
    scores = torch.tensor([-200.0, 200.0], requires_grad=True)
    for role in ("real", "fake", "fool"):
        loss = Vanilla()(scores, role) + Vanilla(objective="minimax")(scores, role)
        (gradient,) = torch.autograd.grad(loss, scores)
        assert loss.isfinite()
        assert gradient.isfinite().all()


@pytest.mark.parametrize("gan", [Vanilla(), LeastSquares(), Hinge(), Wasserstein()])
def test_an_unknown_role_is_named(gan):
    with pytest.raises(ValueError, match="there is no role 'true'; a GAN loss knows real, fake and fool"):
        gan(SCORES, "true")


@pytest.mark.parametrize("gan", [Vanilla(), LeastSquares(), Hinge(), Wasserstein()])
def test_two_pictures_are_not_judged(gan):
    with pytest.raises(
        ValueError, match="takes the scores of a discriminator; two pictures are compared by a pixel"
    ):
        gan(SCORES, SCORES)


def test_only_wasserstein_needs_a_penalty():
    assert [hasattr(kind(), "penalty") for kind in (Vanilla, LeastSquares, Hinge, Wasserstein)] == [
        False,
        False,
        False,
        True,
    ]
    assert Wasserstein().penalty_weight == 10
    real, fake, alpha = torch.randn(2, 3, 4, 4), torch.randn(2, 3, 4, 4), torch.rand(2)
    critic = nn.Conv2d(3, 1, 3)
    assert torch.equal(
        Wasserstein().penalty(critic, real, fake, alpha), gradient_penalty(critic, real, fake, alpha)
    )


def test_labels_do_not_change_the_scores():
    scores = SCORES.clone().requires_grad_()
    LeastSquares()(scores, "real").backward()
    torch.testing.assert_close(scores.grad, 2 * (SCORES - 1) / SCORES.numel())
    assert F.mse_loss(scores, SCORES) == 0
