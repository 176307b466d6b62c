"""Domain accuracy: a classifier learns the training set, is judged on what was kept from it, and judges results."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from safetensors.torch import save_file
from torch import Tensor

from i2i.core.errors import I2IError, I2IWarning
from i2i.core.registry import Registry
from i2i.core.schema import Ref
from i2i.metrics import DomainAccuracy, i2i_register

DOMAINS = ("bright", "dark")
TINY: dict[str, Any] = {"network": "test_resnet", "size": 32}


def pictures(count: int, seed: int = 1) -> tuple[Tensor, Tensor]:
    """Bright and dark noise, in turn."""
    domains = torch.arange(count) % 2
    noise = torch.rand(count, 3, 16, 16, generator=torch.Generator().manual_seed(seed)) - 0.5
    return (noise + (0.5 - domains).view(-1, 1, 1, 1)).clamp(-1, 1), domains


def taught(batch: int = 32, **options: Any) -> DomainAccuracy:
    metric = DomainAccuracy(DOMAINS, **TINY, **options)
    seen, domains = pictures(200)
    for _ in range(metric.passes):
        for chunk, told in zip(seen.split(batch), domains.split(batch), strict=True):
            metric.learn(chunk, told)
    return metric


@pytest.fixture(scope="module")
def classifier() -> DomainAccuracy:
    return taught(passes=3)


def test_it_learns_and_judges(classifier: DomainAccuracy) -> None:
    results, domains = pictures(20, seed=2)
    wanted = domains.clone()
    wanted[:5] = 1 - wanted[:5]
    classifier.update(results[:8], wanted[:8])
    classifier.update(results[8:], wanted[8:])
    # noise of such different brightness is told apart without mistake
    assert classifier.compute() == pytest.approx({"domain-accuracy": 15 / 20, "classifier": 1})


def test_a_tenth_is_kept_from_the_classifier(classifier: DomainAccuracy) -> None:
    kept = len(classifier.held)
    # of 200 pictures by a hash: 20, and hardly more or less by three standard deviations
    assert 7 <= kept <= 33
    assert classifier.classifier.steps == 3 * (200 - kept) // 16


def test_the_batches_it_is_shown_do_not_matter_nor_other_random_numbers() -> None:
    before = torch.get_rng_state()
    one = taught(32, passes=1)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(7)
    other = taught(25, passes=1)
    weights = [dict(metric.classifier.network.state_dict()) for metric in (one, other)]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    assert one.held.keys() == other.held.keys()


def test_it_learns_where_gradients_are_off() -> None:
    metric = DomainAccuracy(DOMAINS, **TINY)
    with torch.inference_mode():
        metric.learn(*pictures(80))
    assert metric.classifier.steps == (80 - len(metric.held)) // 16


def test_a_trained_classifier_is_used_as_it_is(tmp_path: Path) -> None:
    torch.manual_seed(1)
    network = timm.create_model("test_resnet", num_classes=2).eval()
    save_file(network.state_dict(), tmp_path / "classifier.safetensors")
    metric = DomainAccuracy(DOMAINS, **TINY, classifier=tmp_path / "classifier.safetensors")
    assert metric.passes == 0
    results, _ = pictures(6)
    seen = torch.nn.functional.interpolate((results + 1) * 127.5, (32, 32), mode="bilinear", antialias=True)
    with torch.no_grad():
        told = network(seen.round() / 127.5 - 1).argmax(1)
    metric.update(results, told)
    assert metric.compute() == {"domain-accuracy": 1}
    assert str(metric.protocol()["network_weights"]).startswith("sha256:")
    assert metric.protocol()["domains"] == "bright, dark"
    with pytest.raises(
        ValueError, match=r"classifier: these are not the weights of timm's test_resnet with 3 classes"
    ):
        DomainAccuracy((*DOMAINS, "grey"), **TINY, classifier=tmp_path / "classifier.safetensors")


def test_a_classifier_that_learned_little_is_told() -> None:
    metric = taught(passes=1)
    # labels that have nothing to do with the pictures
    metric.held = {mark: (seen, number % 2) for number, (mark, (seen, _)) in enumerate(metric.held.items())}
    metric.update(*pictures(4))
    with pytest.warns(I2IWarning, match=r"gets \d+% of the real pictures right .* give it more passes"):
        metric.compute()


def test_it_says_what_it_lacks() -> None:
    metric = DomainAccuracy(DOMAINS, **TINY)
    with pytest.raises(I2IError, match="its classifier needs at least 16 pictures whose domain is known"):
        metric.update(*pictures(4))
    with pytest.raises(I2IError, match="it was shown no result"):
        metric.compute()
    with pytest.raises(I2IError, match="pictures of 1 or 3 channels, and these have 2"):
        metric.learn(torch.zeros(1, 2, 8, 8), torch.zeros(1, dtype=torch.int64))
    with pytest.raises(ValueError, match=r"network: timm has no 'resnet_18'\n    did you mean 'resnet18"):
        DomainAccuracy(DOMAINS, network="resnet_18")


def test_it_needs_domains() -> None:
    registry = Registry()
    i2i_register(registry)
    with pytest.raises(I2IError, match="nobody tells it domains"):
        registry.build(Ref.of("metric", "domain-accuracy", {}), {}, {})
    with pytest.raises(ValueError, match="it needs at least two domains, got bright"):
        DomainAccuracy(("bright",))
