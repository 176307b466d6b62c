"""FID, KID and inception score of known features against numpy, and what they need."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from i2i.core.errors import I2IError, I2IWarning
from i2i.metrics import FID, KID, InceptionScore

FEATURES = 8
Matrix = np.ndarray[Any, np.dtype[np.float64]]


def cloud(seed: int, count: int = 400, shift: float = 0.0) -> Tensor:
    """Features that hang together, so that their covariance is no diagonal."""
    generator = torch.Generator().manual_seed(seed)
    mixing = torch.randn(FEATURES, FEATURES, generator=torch.Generator().manual_seed(9))
    return torch.randn(count, FEATURES, generator=generator) @ mixing + shift


def fed(metric: Any, results: Tensor, reals: Tensor) -> Any:
    """A metric that has seen these features, in batches."""
    for chunk in results.split(37):
        metric.results.add(chunk)
    for chunk in reals.split(53):
        metric.reals.add(chunk)
    return metric


def fid(results: Tensor, reals: Tensor) -> float:
    return float(fed(FID(network="test_resnet", weights="random"), results, reals).compute())


def kid(results: Tensor, reals: Tensor, **options: Any) -> dict[str, float]:
    return dict(fed(KID(network="test_resnet", weights="random", **options), results, reals).compute())


def root(matrix: Matrix) -> Matrix:
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(values.clip(0))) @ vectors.T


def numpys_fid(results: Tensor, reals: Tensor) -> float:
    """By the root of a symmetric matrix, which torchmetrics does without."""
    x, y = results.double().numpy(), reals.double().numpy()
    a, b = np.cov(x.T), np.cov(y.T)
    half = root(a)
    cross = np.trace(root(half @ b @ half))
    return float(((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(a) + np.trace(b) - 2 * cross)


def numpys_kid(results: Tensor, reals: Tensor) -> float:
    """The unbiased estimate over all pairs (Gretton et al., 2012), with the cubic kernel."""
    x, y = results.double().numpy(), reals.double().numpy()

    def kernel(one: Matrix, other: Matrix) -> Matrix:
        return (one @ other.T / FEATURES + 1) ** 3

    def inner(one: Matrix) -> float:
        values = kernel(one, one)
        return float((values.sum() - np.trace(values)) / (len(one) * (len(one) - 1)))

    return inner(x) + inner(y) - 2 * float(kernel(x, y).mean())


@pytest.mark.parametrize("shift", [0.0, 0.5, 3.0])
def test_fid_is_numpys(shift: float) -> None:
    results, reals = cloud(1, 300, shift), cloud(2)
    assert fid(results, reals) == pytest.approx(numpys_fid(results, reals), rel=1e-4, abs=1e-4)


@pytest.mark.parametrize("shift", [0.0, 0.5])
def test_kid_of_the_whole_set_is_numpys(shift: float) -> None:
    results, reals = cloud(1, 300, shift), cloud(2, 300)
    made = kid(results, reals, subsets=2, subset_size=300)
    wanted = numpys_kid(results, reals)
    assert made["kid"] == pytest.approx(wanted, rel=1e-4, abs=1e-4)
    assert made["spread"] == pytest.approx(0, abs=1e-9)


def test_halves_of_a_set_are_near_and_another_set_is_far() -> None:
    whole, other = cloud(3, 8000), cloud(4, 4000, shift=2.0)
    near, far = fid(whole[::2], whole[1::2]), fid(whole[::2], other)
    # the means of two samples of 4000 lie apart by 2 / 4000 of the variance, squared, and the covariances add to that
    assert 0 <= near < 3 * 2 / 4000 * float(whole.var(0).sum())
    assert far > 100 * near
    near_kid, far_kid = (kid(whole[::2], reals, subsets=20) for reals in (whole[1::2], other))
    assert abs(near_kid["kid"]) < near_kid["spread"]
    assert far_kid["kid"] > 3 * far_kid["spread"]


def test_kid_does_not_depend_on_when_it_is_computed() -> None:
    torch.manual_seed(1)
    first = kid(cloud(1), cloud(2))
    torch.manual_seed(2)
    before = torch.get_rng_state()
    assert kid(cloud(1), cloud(2)) == first
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(("results", "reals", "size"), [(2600, 4000, 1000), (300, 200, 100), (5, 4, 2)])
def test_the_subset_fits_the_set_and_is_told(results: int, reals: int, size: int) -> None:
    metric = fed(KID(network="test_resnet", weights="random", subsets=1), cloud(1, results), cloud(2, reals))
    metric.compute()
    assert metric.protocol()["subset_size"] == size
    assert metric.protocol()["subsets"] == 1


@pytest.mark.parametrize("metric", [FID, KID])
def test_too_few_pictures_are_refused(metric: Any) -> None:
    with pytest.raises(I2IError) as error:
        fed(metric(network="test_resnet", weights="random"), cloud(1, 50), cloud(2, 1)).compute()
    assert f"'{metric.name}' needs at least {metric.fewest} results" in str(error.value)
    assert "got 50 results and 1 real picture" in str(error.value)


def test_a_subset_larger_than_the_set_is_refused() -> None:
    with pytest.raises(I2IError, match=r"subset_size is 50, and there are 20 results and 90 real pictures"):
        kid(cloud(1, 20), cloud(2, 90), subset_size=50)


def test_fid_of_few_pictures_warns() -> None:
    with pytest.warns(I2IWarning, match="8 pictures for 8 features; with so few it is much too large"):
        fid(cloud(1, 8), cloud(2, 100))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fid(cloud(1, 9), cloud(2, 100))


def test_the_inception_score_is_its_formula() -> None:
    scores = torch.randn(60, 5, generator=torch.Generator().manual_seed(1)) * 3
    metric = InceptionScore(network="test_resnet", weights="random", splits=2)
    metric.results.add(scores)
    before = torch.get_rng_state()
    made = metric.compute()
    assert torch.equal(torch.get_rng_state(), before)
    order = torch.randperm(60, generator=torch.Generator().manual_seed(0))
    parts = scores[order].double().softmax(1).split(30)
    values = [float((p * (p / p.mean(0)).log()).sum(1).mean().exp()) for p in parts]
    assert made["inception-score"] == pytest.approx(np.mean(values), rel=1e-6)
    assert made["spread"] == pytest.approx(np.std(values, ddof=1), rel=1e-6)
    with pytest.raises(I2IError, match="1 result cannot be cut into 10 parts"):
        few = InceptionScore(network="test_resnet", weights="random")
        few.results.add(scores[:1])
        few.compute()


def test_pictures_are_looked_at_in_any_batches() -> None:
    pictures = torch.rand(6, 3, 24, 24, generator=torch.Generator().manual_seed(1)) * 2 - 1
    values = []
    for batch in (1, 4):
        metric = KID(network="test_resnet", weights="random", subsets=3)
        for chunk in pictures.split(batch):
            metric.update(chunk)
            metric.real(chunk.flip(1))
        values.append(metric.compute()["kid"])
    # convolutions in other batches sum in another order
    assert values[0] == pytest.approx(values[1], abs=1e-5)
    assert values[0] != 0
