"""Frozen features of timm's networks as a loss."""

from __future__ import annotations

from pathlib import Path

import pytest
import timm
import torch
from helpers import registry
from safetensors.torch import load_file
from sources_timm import NETWORKS, picture, published
from torch import Tensor
from torch.nn import functional as F

import i2i
from i2i.spec.hollow import Hollow
from i2i_timm.perceptual import TimmPerceptual


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("timm")


@pytest.fixture(scope="module")
def loss(folder: Path) -> TimmPerceptual:
    return TimmPerceptual(network="test_resnet", weights=published(folder, "test_resnet"))


def textbook(path: Path, network: str, fake: Tensor, real: Tensor) -> Tensor:
    """The mean over the stages of the mean difference, by timm's own features."""
    overlay = {"state_dict": load_file(path)}
    made = timm.create_model(
        network, features_only=True, out_indices=(0, 1), pretrained=True, pretrained_cfg_overlay=overlay
    ).eval()
    mean, std = (torch.tensor(made.pretrained_cfg[key]).view(1, 3, 1, 1) for key in ("mean", "std"))
    seen = []
    for image in (fake, real.detach()):
        x = (image + 1) / 2
        if made.pretrained_cfg["fixed_input_size"]:
            x = F.interpolate(x, (160, 160), mode="bilinear", antialias=True)
        seen.append(made((x - mean) / std))
    return torch.stack([(one - other).abs().mean() for one, other in zip(*seen)]).mean()


@pytest.mark.parametrize("network", NETWORKS)
def test_it_is_the_textbooks(network: str, folder: Path) -> None:
    path = published(folder, network)
    ours = TimmPerceptual(network=network, stages=(0, 1), weights=path).double().train()
    one, other = (picture(1).double().requires_grad_() for _ in range(2))
    made, wanted = ours(one, picture(2).double()), textbook(path, network, other.float(), picture(2))
    made.backward()
    wanted.backward()
    # fp64 beside fp32
    assert float(made.detach()) == pytest.approx(float(wanted.detach()), rel=1e-5)
    assert torch.allclose(one.grad, other.grad, atol=1e-4 * float(other.grad.abs().max()))
    assert float(ours(picture(1).double(), picture(1).double())) == 0


def test_nothing_of_it_trains_or_is_stored(loss: TimmPerceptual) -> None:
    assert not list(loss.parameters())
    assert not loss.state_dict()
    before = [buffer.clone() for buffer in loss.buffers()]
    real = picture(2).requires_grad_()
    assert not loss.train()(picture(1), real).requires_grad
    assert all(torch.equal(one, other) for one, other in zip(before, loss.buffers(), strict=True))


def test_random_features_are_stored() -> None:
    one, other = (TimmPerceptual(network="test_resnet", weights="random") for _ in range(2))
    assert one(picture(1), picture(2)) != other(picture(1), picture(2))
    other.load_state_dict(one.state_dict())
    assert one(picture(1), picture(2)) == other(picture(1), picture(2))


def test_nothing_is_dropped(folder: Path) -> None:
    options = {"drop_path_rate": 0.5, "proj_drop_rate": 0.5}
    loss = TimmPerceptual(
        network="test_vit", weights=published(folder, "test_vit"), network_options=options
    ).train()
    assert loss(picture(1), picture(2)) == loss(picture(1), picture(2))


def test_half_precision(loss: TimmPerceptual) -> None:
    full = float(loss(picture(1), picture(2)))
    with torch.autocast("cpu", torch.bfloat16):
        half = loss(picture(1).bfloat16(), picture(2).bfloat16())
    assert half.dtype == torch.float32
    # bf16 keeps two to three digits
    assert float(half) == pytest.approx(full, rel=0.02)


def test_grey_pictures_are_coloured_and_others_refused(loss: TimmPerceptual) -> None:
    fake, real = picture(1, 1), picture(2, 1)
    assert torch.equal(loss(fake, real), loss(fake.expand(-1, 3, -1, -1), real.expand(-1, 3, -1, -1)))
    with pytest.raises(ValueError, match="frozen features take pictures of 1 or 3 channels, got 4"):
        loss(picture(1, 4), picture(2, 4))


@pytest.mark.parametrize("network", NETWORKS)
def test_a_rehearsal_needs_no_numbers(network: str, folder: Path) -> None:
    path = published(folder, network)
    with Hollow():
        made = TimmPerceptual(network=network, weights=path)(
            torch.zeros(1, 3, 64, 64), torch.zeros(1, 3, 64, 64)
        )
    assert made.shape == ()


def test_without_weights_it_says_where_they_are() -> None:
    with pytest.raises(i2i.SpecError) as error:
        registry().resolve("loss", {"name": "timm", "network": "resnet18"}, "terms.look.loss")
    assert str(error.value) == (
        "  terms.look.loss.weights: the features of timm's resnet18 are frozen here and mean nothing without its "
        "published weights; fetch model.safetensors from huggingface.co/timm/resnet18.a1_in1k and give weights = "
        '"model.safetensors", give weights = "download", or, for trials, weights = "random"'
    )
