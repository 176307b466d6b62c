"""Pictures as networks get to see them: of 8 bits, as files hold them, and in three channels."""

from __future__ import annotations

from torch import Tensor

from i2i.core.errors import I2IError

COLOURS = 3
ROUNDING = "8 bits"


def coloured(pictures: Tensor, metric: str) -> Tensor:
    """Pictures (N, C, H, W) with three channels: grey becomes three equal ones.

    Raises:
        I2IError: they have neither one nor three.
    """
    channels = pictures.shape[1]
    if channels not in (1, COLOURS):
        raise I2IError(
            f"metric '{metric}': its network knows pictures of 1 or 3 channels, and these have {channels}; "
            "psnr, ssim and l1 take any number"
        )
    return pictures.expand(-1, COLOURS, -1, -1)


def in_bytes(pictures: Tensor) -> Tensor:
    """Pictures in [-1, 1] as a file of 8 bits holds them, rounded and not cut off: uint8."""
    return ((pictures.float() + 1) * 127.5).round().clamp(0, 255).byte()


def of_bytes(pictures: Tensor) -> Tensor:
    """Pictures of 8 bits in [-1, 1]."""
    return pictures.float() / 127.5 - 1


def rounded(pictures: Tensor) -> Tensor:
    """Pictures in [-1, 1] as they would be after writing and reading a file of 8 bits."""
    return of_bytes(in_bytes(pictures))
