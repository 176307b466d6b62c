"""Results compared with their true translations, pixel by pixel and window by window."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor

from i2i.core.errors import I2IError
from i2i.core.extras import needs
from i2i.metrics.means import Mean

RANGE = (-1.0, 1.0)
WINDOW = 11


def l1(output: Tensor, truth: Tensor) -> float:
    """Mean absolute difference, on the scale of [-1, 1]."""
    return float((output - truth).abs().mean())


class _Paired(ABC):
    """The mean over pictures of what torchmetrics says about each; no picture is rounded, what is beyond is cut."""

    higher_is_better: ClassVar[bool] = True
    name: ClassVar[str]
    smallest: ClassVar[int]

    def __init__(self) -> None:
        self.library = needs("torchmetrics.functional.image", "metrics", f"for the metric '{self.name}'")
        self.mean = Mean(self.name)

    def update(self, result: Tensor, truth: Tensor) -> None:
        """Compare results with truths, both (N, C, H, W) in [-1, 1].

        Raises:
            I2IError: they differ in shape, or a side is too small.
        """
        if result.shape != truth.shape:
            raise I2IError(
                f"metric '{self.name}': results and truths differ in shape: {tuple(result.shape)} and "
                f"{tuple(truth.shape)}"
            )
        height, width = result.shape[-2:]
        if min(height, width) < self.smallest:
            raise I2IError(
                f"metric '{self.name}' needs sides of at least {self.smallest} pixels, got {width}x{height}"
            )
        self.mean.add(self.judged(result.float(), truth.float()))

    @abstractmethod
    def judged(self, result: Tensor, truth: Tensor) -> Tensor:
        """One value for each picture, (N,)."""

    def compute(self) -> float:
        """The mean over all pictures."""
        return self.mean.value()

    def protocol(self) -> Mapping[str, str | int | float]:
        """How pictures are compared."""
        return {"mean": "over pictures", "rounding": "none"}


class PSNR(_Paired):
    """Peak signal-to-noise ratio in decibels, of each picture alone; equal pictures have an infinite one."""

    name = "psnr"
    smallest = 1

    def judged(self, result: Tensor, truth: Tensor) -> Tensor:
        values: Tensor = self.library.peak_signal_noise_ratio(
            result, truth, data_range=RANGE, reduction="none", dim=(1, 2, 3)
        )
        return values


class SSIM(_Paired):
    """Structural similarity, 1 for equal pictures (Wang et al., 2004): Gaussian window of 11 pixels, each channel."""

    name = "ssim"
    smallest = WINDOW

    def judged(self, result: Tensor, truth: Tensor) -> Tensor:
        values: Tensor = self.library.structural_similarity_index_measure(
            result, truth, data_range=RANGE, reduction="none", kernel_size=WINDOW
        )
        return values

    def protocol(self) -> Mapping[str, str | int | float]:
        window = f"Gaussian, {WINDOW}"
        return {**super().protocol(), "window": window, "borders": "mirrored", "channels": "each alone"}


class MSSSIM(_Paired):
    """Structural similarity at five scales (Wang et al., 2003), 1 for equal pictures; sides of 176 pixels or more."""

    name = "ms-ssim"
    smallest = 16 * WINDOW

    def judged(self, result: Tensor, truth: Tensor) -> Tensor:
        values: Tensor = self.library.multiscale_structural_similarity_index_measure(
            result, truth, data_range=RANGE, reduction="none", kernel_size=WINDOW
        )
        return values

    def protocol(self) -> Mapping[str, str | int | float]:
        window = f"Gaussian, {WINDOW}"
        return {**super().protocol(), "window": window, "channels": "each alone", "scales": 5}
