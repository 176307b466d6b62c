"""LPIPS with weights from a file equals torchmetrics' own; diversity is its mean over pairs of answers."""

from __future__ import annotations

import hashlib
from itertools import combinations
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torchmetrics.image.lpip import LearnedPerceptualImagePatchSimilarity
from torchvision import models

import i2i
from i2i.core.errors import I2IError
from i2i.metrics import LPIPS, Diversity
from i2i.metrics.lpips_network import BACKBONES, SMALLEST
from i2i.metrics.pictures import of_bytes


def pictures(seed: int, count: int = 1, side: int = 40, channels: int = 3) -> Tensor:
    """Of 8 bits, so that nothing is left to round."""
    generator = torch.Generator().manual_seed(seed)
    return of_bytes(torch.randint(0, 256, (count, channels, side, side), generator=generator))


def features_of(net: str) -> nn.Module:
    """Torchvision's layers without values, and without the large ones on top that nobody needs here."""
    with torch.device("meta"):
        features: nn.Module = models.get_model(BACKBONES[net], weights=None).features
    return features.to_empty(device="cpu")


def published(folder: Path, net: str) -> Path:
    """Torchvision's network with random weights, in a file that is called by its hash."""
    generator = torch.Generator().manual_seed(5)
    state = {
        f"features.{key}": torch.randn(tensor.shape, generator=generator) / tensor[0].numel() ** 0.5
        for key, tensor in features_of(net).state_dict().items()
    }
    torch.save({**state, "classifier.1.weight": torch.zeros(2, 2)}, folder / "made.pth")
    digest = hashlib.sha256((folder / "made.pth").read_bytes()).hexdigest()
    return (folder / "made.pth").rename(folder / f"{BACKBONES[net]}-{digest[:8]}.pth")


def torchmetrics_own(
    monkeypatch: pytest.MonkeyPatch, net: Any, file: Path
) -> LearnedPerceptualImagePatchSimilarity:
    """Its public metric, with the download replaced by the file."""
    held = torch.load(file, weights_only=True)
    features = features_of(net)
    features.load_state_dict({key: held[f"features.{key}"] for key in features.state_dict()})
    monkeypatch.setattr(models, BACKBONES[net], lambda weights: SimpleNamespace(features=features))
    return LearnedPerceptualImagePatchSimilarity(net_type=net)


@pytest.mark.parametrize("net", ["alex", "squeeze", "vgg"])
def test_it_equals_torchmetrics_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, net: Any) -> None:
    file = published(tmp_path, net)
    out = i2i.import_weights(file, tmp_path / f"lpips-{net}.safetensors", f"lpips-{net}")
    assert all(name.startswith("features.") for name in load_file(out))
    metric = LPIPS(net=net, weights=out)
    results, truths = pictures(1, 3), pictures(2, 3)
    metric.update(results[:1], truths[:1])
    metric.update(results[1:], truths[1:])
    with monkeypatch.context() as patched:
        theirs = torchmetrics_own(patched, net, file)
    theirs.update(results, truths)
    # the same network; one picture or three at a time are summed in another order
    assert metric.compute() == pytest.approx(float(theirs.compute()), rel=1e-5)
    assert metric.compute() > 0
    assert metric.protocol()["network"] == net
    assert (
        metric.protocol()["network_weights"] != LPIPS(net=net, weights="random").protocol()["network_weights"]
    )


@pytest.mark.parametrize("net", ["alex", "squeeze", "vgg"])
def test_the_least_side_is_told(net: Any) -> None:
    metric, side = LPIPS(net=net, weights="random"), SMALLEST[net]
    metric.update(pictures(1, side=side), pictures(1, side=side))
    assert metric.compute() == 0
    with pytest.raises(
        I2IError, match=f"'lpips' with the network '{net}' needs sides of at least {side} pixels"
    ):
        metric.update(pictures(1, side=side - 1), pictures(2, side=side - 1))
    with pytest.raises(RuntimeError):
        metric.distance.distance(pictures(1, side=side - 1), pictures(2, side=side - 1))


def test_grey_pictures_are_coloured_and_others_refused() -> None:
    metric, coloured = (LPIPS(net="alex", weights="random") for _ in range(2))
    one, other = pictures(1, channels=1), pictures(2, channels=1)
    metric.update(one, other)
    coloured.update(one.expand(-1, 3, -1, -1), other.expand(-1, 3, -1, -1))
    assert metric.compute() == coloured.compute()
    with pytest.raises(I2IError, match="pictures of 1 or 3 channels, and these have 4"):
        metric.update(pictures(1, channels=4), pictures(2, channels=4))
    with pytest.raises(I2IError, match="differ in shape"):
        metric.update(pictures(1), pictures(1, 2))


def test_results_are_rounded_to_8_bits() -> None:
    metric = LPIPS(net="alex", weights="random")
    metric.update(pictures(1) + 0.3 / 127.5, pictures(1))
    assert metric.compute() == 0


@pytest.mark.parametrize("net", ["alex", "squeeze", "vgg"])
def test_without_weights_it_says_what_to_fetch(net: Any) -> None:
    with pytest.raises(ValueError, match=r"^weights: ") as error:
        LPIPS(net=net)
    assert f"`i2i import {models.get_model_weights(BACKBONES[net]).DEFAULT.url.split('/')[-1]} --as" in str(
        error.value
    )
    assert f'weights = "lpips-{net}.safetensors"' in str(error.value)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    file = published(tmp_path, "squeeze")
    with pytest.raises(
        I2IError, match=r"not the weights of torchvision's alexnet: .*called alexnet-owt-7be5be79\.pth"
    ):
        i2i.import_weights(file, tmp_path / "x.safetensors", "lpips-alex")
    out = i2i.import_weights(file, tmp_path / "squeeze.safetensors", "lpips-squeeze")
    with pytest.raises(ValueError, match="these are not the weights of torchvision's alexnet: it lacks"):
        LPIPS(net="alex", weights=out)
    save_file({}, tmp_path / "empty.safetensors")
    with pytest.raises(ValueError, match="these are not the weights of torchvision's alexnet: it lacks"):
        LPIPS(net="alex", weights=tmp_path / "empty.safetensors")
    deeper = {f"features.{n}": torch.zeros(s) for n, s in _vgg19_layers()}
    torch.save(deeper, tmp_path / "vgg19.pth")
    with pytest.raises(I2IError, match="not the weights of torchvision's vgg16"):
        i2i.import_weights(tmp_path / "vgg19.pth", tmp_path / "x.safetensors", "lpips-vgg")


def _vgg19_layers() -> list[tuple[str, tuple[int, ...]]]:
    with torch.device("meta"):
        return [(n, tuple(t.shape)) for n, t in models.vgg19().features.state_dict().items()]


def test_all_pairs_of_the_answers_are_compared() -> None:
    metric = Diversity(weights="random", answers=4, pairs=6)
    for seed in (1, 2):
        metric.update(pictures(seed, 4))
    wanted = LPIPS(weights="random")
    for seed in (1, 2):
        for one, other in combinations(pictures(seed, 4), 2):
            wanted.update(one[None], other[None])
    assert metric.compute() == pytest.approx(wanted.compute(), rel=1e-6)
    assert metric.protocol()["pairs"] == 6


def test_drawn_pairs_are_the_same_each_time_and_touch_nothing_else() -> None:
    before = torch.get_rng_state()
    values = []
    for _ in range(2):
        metric = Diversity(weights="random", answers=5, pairs=3)
        metric.update(pictures(1, 5))
        assert sum(map(len, metric.mean.values)) == 3
        values.append(metric.compute())
    assert values[0] == values[1] > 0
    assert torch.equal(torch.get_rng_state(), before)


def test_equal_answers_have_no_diversity_and_too_many_pairs_are_refused() -> None:
    metric = Diversity(weights="random", answers=3, pairs=3)
    metric.update(pictures(1).expand(3, -1, -1, -1))
    assert metric.compute() == 0
    with pytest.raises(ValueError, match="pairs: 3 answers make 3 pairs, not 4"):
        Diversity(weights="random", answers=3, pairs=4)
