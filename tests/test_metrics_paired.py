"""PSNR and structural similarity against their formulas, and what they refuse."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from i2i.core.errors import I2IError
from i2i.core.registry import Registry
from i2i.core.schema import Ref
from i2i.metrics import MSSSIM, PSNR, SSIM, i2i_register


def picture(seed: int, side: int = 32, channels: int = 3, count: int = 1) -> Tensor:
    shape = (count, channels, side, side)
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def value(metric: Any, *pairs: tuple[Tensor, Tensor]) -> float:
    for result, truth in pairs:
        metric.update(result, truth)
    return float(metric.compute())


@pytest.mark.parametrize("channels", [1, 3, 5])
def test_psnr_is_the_mean_over_pictures_of_the_formula(channels: int) -> None:
    results, truths = picture(1, channels=channels, count=3), picture(2, channels=channels, count=3)
    truths[1] = results[1] + 0.01 * truths[1]
    errors = [
        float(((r - t.clamp(-1, 1)).double() ** 2).mean()) for r, t in zip(results, truths, strict=True)
    ]
    wanted = np.mean([10 * math.log10(2**2 / error) for error in errors])
    # fp32 sums over a picture
    assert value(PSNR(), (results, truths)) == pytest.approx(wanted, rel=1e-5)
    assert value(PSNR(), (results[:1], truths[:1]), (results[1:], truths[1:])) == pytest.approx(
        wanted, rel=1e-5
    )


def window() -> np.ndarray[Any, np.dtype[np.float64]]:
    row = np.exp(-((np.arange(11) - 5) ** 2) / (2 * 1.5**2))
    return np.outer(row, row) / np.outer(row, row).sum()


def textbook_ssim(one: Tensor, other: Tensor) -> float:
    """Wang et al., 2004, of one channel, around every pixel: beyond its border the picture is mirrored."""
    x, y = (np.pad(each.double().numpy(), 5, mode="reflect") for each in (one, other))

    def mean(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        windows = np.lib.stride_tricks.sliding_window_view(values, (11, 11))
        return (windows * window()).sum((-1, -2))

    a, b = mean(x), mean(y)
    both, aa, bb = mean(x * y) - a * b, mean(x * x) - a * a, mean(y * y) - b * b
    c1, c2 = (0.01 * 2) ** 2, (0.03 * 2) ** 2
    return float((((2 * a * b + c1) * (2 * both + c2)) / ((a * a + b * b + c1) * (aa + bb + c2))).mean())


def test_ssim_is_the_textbooks() -> None:
    result, truth = picture(1), (picture(1) + 0.3 * picture(2)).clamp(-1, 1)
    wanted = np.mean([textbook_ssim(result[0, c], truth[0, c]) for c in range(3)])
    # fp32 sums over windows
    assert value(SSIM(), (result, truth)) == pytest.approx(wanted, abs=1e-4)


@pytest.mark.parametrize(("metric", "side"), [(SSIM, 11), (MSSSIM, 176)])
def test_equal_pictures_are_alike_from_the_least_side_on(metric: Any, side: int) -> None:
    assert value(metric(), (picture(1, side), picture(1, side))) == pytest.approx(1)
    assert value(metric(), (picture(1, side), picture(2, side))) < 0.5
    name = metric.name
    with pytest.raises(
        I2IError, match=f"^metric '{name}' needs sides of at least {side} pixels, got {side - 1}x"
    ):
        metric().update(picture(1, side - 1), picture(2, side - 1))


def test_other_shapes_and_nothing_at_all_are_refused() -> None:
    with pytest.raises(I2IError, match=r"differ in shape: \(1, 3, 32, 32\) and \(1, 1, 32, 32\)"):
        PSNR().update(picture(1), picture(1, channels=1))
    with pytest.raises(I2IError, match="metric 'ssim': it was shown no result"):
        SSIM().compute()


@pytest.mark.parametrize("metric", [PSNR, SSIM, MSSSIM])
def test_they_say_how_they_compare(metric: Any) -> None:
    assert metric.higher_is_better
    assert metric().protocol()["rounding"] == "none"


def test_a_missing_library_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    registry = Registry()
    i2i_register(registry)
    monkeypatch.setitem(__import__("sys").modules, "torchmetrics.functional.image", None)
    with pytest.raises(I2IError) as error:
        registry.build(Ref.of("metric", "psnr", {}), {}, {})
    assert str(error.value) == (
        "torchmetrics is needed for the metric 'psnr': pip install 'i2i-toolkit[metrics]'"
    )
