"""Judging results: against the truth, against real pictures, by what a network sees in them."""

from __future__ import annotations

from i2i.core.hookspecs import hookimpl
from i2i.core.registry import Registry
from i2i.metrics.distributions import FID, KID
from i2i.metrics.domains import DomainAccuracy
from i2i.metrics.inception_score import InceptionScore
from i2i.metrics.lpips import LPIPS, Diversity
from i2i.metrics.paired import MSSSIM, PSNR, SSIM, l1
from i2i.metrics.segmentation import MIoU, PixelAccuracy


@hookimpl
def i2i_register(registry: Registry) -> None:
    """Register the metrics."""
    registry.add("metric", "l1", l1)
    registry.add("metric", "psnr", PSNR)
    registry.add("metric", "ssim", SSIM)
    registry.add("metric", "ms-ssim", MSSSIM)
    registry.add("metric", "lpips", LPIPS)
    registry.add("metric", "fid", FID)
    registry.add("metric", "kid", KID)
    registry.add("metric", "inception-score", InceptionScore)
    registry.add("metric", "miou", MIoU)
    registry.add("metric", "pixel-accuracy", PixelAccuracy)
    registry.add("metric", "diversity", Diversity)
    registry.add("metric", "domain-accuracy", DomainAccuracy)
