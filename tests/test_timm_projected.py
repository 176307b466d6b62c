"""The projected discriminator: what is frozen, what trains, and what it takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import registry
from sources_timm import NETWORKS, picture, published
from torch import Tensor

import i2i
from i2i.losses import gradient_penalty
from i2i_timm.projected import ProjectedDiscriminator


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("timm")


def judge(folder: Path, channels: int = 3, **options: Any) -> ProjectedDiscriminator:
    network = options.pop("network", "test_resnet")
    return ProjectedDiscriminator(
        channels, network=network, weights=published(folder, network), width=4, **options
    )


@pytest.mark.parametrize(("network", "side"), [("test_resnet", 2), ("test_vit", 5), ("test_convnext", 2)])
def test_scores_of_four_stages_or_of_all(network: str, side: int, folder: Path) -> None:
    scores = judge(folder, network=network)(picture(1, side=128))
    assert [tuple(score.shape) for score in scores] == 4 * [(2, 1, side, side)]
    (first,) = judge(folder, network=network, stages=(0,))(picture(1, side=128))
    assert first.shape[:2] == (2, 1)


@pytest.mark.parametrize("network", NETWORKS)
def test_only_the_heads_train_and_features_are_not_stored(network: str, folder: Path) -> None:
    made = judge(folder, network=network)
    assert {name.partition(".")[0] for name, _ in made.named_parameters()} == {"heads"}
    assert {name.partition(".")[0] for name in made.state_dict()} == {"heads", "mixing"}
    scores = made(picture(1))
    torch.stack([score.mean() for score in scores]).sum().backward()
    assert all(weight.grad is not None for weight in made.parameters())


def test_two_of_them_mix_differently_and_a_checkpoint_makes_them_equal(folder: Path) -> None:
    one, other = judge(folder).eval(), judge(folder).eval()
    assert not torch.equal(one(picture(1))[0], other(picture(1))[0])
    other.load_state_dict(one.state_dict())
    assert torch.equal(one(picture(1))[0], other(picture(1))[0])


def test_random_features_are_stored() -> None:
    made = ProjectedDiscriminator(3, network="test_resnet", weights="random", width=4)
    assert {name.partition(".")[0] for name in made.state_dict()} == {"heads", "mixing", "features"}
    assert {name.partition(".")[0] for name, _ in made.named_parameters()} == {"heads"}


def test_every_stage_sees_the_coarser_ones(folder: Path) -> None:
    """Scales are mixed from coarse to fine: the first score depends on all maps, the last on its own."""
    mixing = judge(folder).mixing
    maps = [torch.randn(1, n, s, s, requires_grad=True) for n, s in ((32, 16), (48, 8), (192, 4), (96, 2))]
    first, *_, last = mixing(maps)
    first.sum().backward(retain_graph=True)
    assert all(each.grad is not None for each in maps)
    for each in maps:
        each.grad = None
    last.sum().backward()
    assert [each.grad is not None for each in maps] == [False, False, False, True]


def test_a_pair_is_seen_as_two_pictures(folder: Path) -> None:
    made = judge(folder, 6).eval()
    one, other = picture(1), picture(2)
    maps = [torch.cat(pair, 1) for pair in zip(made.features(one), made.features(other), strict=True)]
    wanted = [head(mixed) for head, mixed in zip(made.heads, made.mixing(maps), strict=True)]
    seen = made(torch.cat([one, other], 1))
    # one pass of four pictures, or two of two
    assert all(torch.allclose(a, b, atol=1e-5) for a, b in zip(seen, wanted, strict=True))


@pytest.mark.parametrize("channels", [1, 2, 3, 6])
def test_the_channels_it_takes(channels: int, folder: Path) -> None:
    assert len(judge(folder, channels)(picture(1, channels))) == 4


@pytest.mark.parametrize("channels", [4, 9, 38])
def test_other_channels_are_refused(channels: int, folder: Path) -> None:
    with pytest.raises(i2i.I2IError) as error:
        judge(folder, channels)
    assert str(error.value) == (
        "discriminator 'projected' cannot be used here: its features take pictures of 1 or 3 channels, alone or two of "
        f"a kind side by side, and there are {channels} channels; set data.channels, or choose another discriminator"
    )


def test_pictures_that_are_too_small_are_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match="this discriminator needs sides of at least 32 pixels, got 31x31"):
        judge(folder)(picture(1, side=31))
    assert [score.shape[2:] for score in judge(folder)(picture(1, side=32))] == 4 * [(1, 1)]


@pytest.mark.parametrize("network", NETWORKS)
def test_a_gradient_penalty_differentiates_twice(network: str, folder: Path) -> None:
    made = judge(folder, network=network, spectral=False)
    gradient_penalty(made, picture(1), picture(2), torch.tensor([0.3, 0.6])).backward()
    reached: list[Tensor] = [w.grad for w in made.parameters() if w.grad is not None]
    assert any(bool(grad.abs().max() > 0) for grad in reached)


def test_who_translates_needs_no_file(folder: Path) -> None:
    trained = judge(folder)
    here = ProjectedDiscriminator(3, True, network="test_resnet", weights=Path("gone.safetensors"), width=4)
    here.load_state_dict(trained.state_dict())


def test_without_weights_it_says_so() -> None:
    with pytest.raises(i2i.SpecError, match=r"strategy.discriminator.weights: the features of timm's tf_eff"):
        registry().resolve("discriminator", "projected", "strategy.discriminator")
