"""A counted loss is the loss itself, and knows how often the discriminator was right."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch
from helpers import adversarial_losses, registry, tiny_engine, tiny_spec, tiny_tables
from torch import nn

from i2i.core.registry import Registry
from i2i.losses import Counted, Hinge, LeastSquares, Vanilla, Wasserstein
from i2i.spec.assemble import build_parts, build_source
from i2i.spec.spec import resolve

SCORES = torch.tensor([-2.0, 0.2, 0.6, 3.0])


@pytest.mark.parametrize(
    ("loss", "real", "fake"), [(Vanilla(), 0.75, 0.25), (Hinge(), 0.75, 0.25), (LeastSquares(), 0.5, 0.5)]
)
def test_scores_above_the_boundary_mean_real(
    loss: Vanilla | Hinge | LeastSquares, real: float, fake: float
) -> None:
    counted = Counted(loss, loss.boundary)
    counted(SCORES, "real")
    counted(SCORES, "fake")
    counted(SCORES, "fool")
    assert {role: float(share) for role, share in counted.read().items()} == {"real": real, "fake": fake}


@pytest.mark.parametrize("loss", [Vanilla(), LeastSquares()])
def test_at_the_boundary_real_and_fake_cost_the_same(loss: Vanilla | LeastSquares) -> None:
    scores = torch.full((2,), loss.boundary)
    assert torch.equal(loss(scores, "real"), loss(scores, "fake"))


def test_a_critic_has_no_boundary() -> None:
    assert not hasattr(Wasserstein(), "boundary")


def test_the_value_and_its_gradient_are_those_of_the_loss() -> None:
    counted = Counted(Vanilla(), 0.0)
    one, other = (SCORES.clone().requires_grad_() for _ in range(2))
    for role in ("real", "fake", "fool"):
        counted(one, role).backward()
        Vanilla()(other, role).backward()
    assert torch.equal(one.grad, other.grad)
    assert not any(share.requires_grad for share in counted.read().values())


def test_scales_count_alike_whatever_their_size() -> None:
    counted = Counted(Hinge(), 0.0)
    counted([torch.ones(1, 1, 4, 4), -torch.ones(1, 1, 2, 2)], "real")
    assert float(counted.read()["real"]) == 0.5


def test_reading_starts_anew() -> None:
    counted = Counted(Hinge(), 0.0)
    counted(-SCORES.abs(), "real")
    counted.read()
    assert counted.read() == {}
    counted(SCORES.abs(), "real")
    assert float(counted.read()["real"]) == 1


def test_errors_and_attributes_are_those_of_the_loss() -> None:
    counted = Counted(LeastSquares(target=0.9), 0.5)
    assert counted.target == 0.9
    with pytest.raises(ValueError, match="there is no role 'true'"):
        counted(SCORES, "true")
    assert counted.read() == {}
    with pytest.raises(AttributeError, match="penalty"):
        counted.penalty  # noqa: B018


def test_it_can_be_copied_and_sent_to_other_processes() -> None:
    counted = Counted(LeastSquares(target=0.9), 0.5)
    for other in (copy.deepcopy(counted), pickle.loads(pickle.dumps(counted))):
        assert (other.target, other.boundary) == (0.9, 0.5)


def test_the_losses_of_a_run_with_a_boundary_are_counted() -> None:
    for name in adversarial_losses():
        spec = tiny_spec("pix2pix", options={"gan": name})
        gan = tiny_engine(spec).net.gan
        assert isinstance(gan, Counted) == hasattr(registry().get("loss", name).factory, "boundary")


class Learned(nn.Module):
    """A loss with a state of its own."""

    boundary = 0.0

    def __init__(self) -> None:
        super().__init__()
        self.seen = nn.Parameter(torch.zeros(1))

    def forward(self, scores: torch.Tensor, role: str) -> torch.Tensor:
        return scores.mean() + self.seen


def test_a_loss_with_a_state_of_its_own_stays_a_part() -> None:
    components = Registry(versions=registry().versions)
    components.merge(registry())
    components.add("loss", "learned", Learned)
    spec = resolve(tiny_tables("pix2pix", options={"gan": "learned"}), components)
    parts, _ = build_parts(spec, components, build_source(spec, components).facts)
    assert isinstance(parts.modules()["gan"], Learned)
