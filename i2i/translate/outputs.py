"""Results as the kind of picture that came in, in memory or in a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from i2i.pictures.files import Carried, PictureFile, kind_for, kinds_for, write_picture
from i2i.pictures.pixels import Pixels
from i2i.translate.inputs import Input
from i2i.translate.pictures import Picture, to_pil

KEPT = ("icc_profile", "exif", "dpi")
"""Of what a PIL image carries beside its pixels."""


def hand_back(picture: str | Path | Picture, result: Tensor, item: Input) -> Any:
    """A result, (N, C, H, W), as the kind of picture that came in: a PIL image for a path, if one can hold it."""
    one = result if item.batched else result[0]
    if isinstance(picture, Tensor):
        return one
    if isinstance(picture, np.ndarray) and one.dtype.is_floating_point:
        return one.numpy().astype(picture.dtype if picture.dtype.kind == "f" else np.float32)
    if isinstance(picture, np.ndarray):
        array = to_pixels(one)
        return array[..., 0] if picture.ndim == 2 and array.shape[-1] == 1 else array
    made = as_picture(one)
    return _with_kept(made, picture, item) if isinstance(made, Image.Image) else made


def as_picture(result: Tensor) -> Image.Image | Pixels:
    """(C, H, W) as a PIL image where that can hold it, grey or RGB of 8 bits; else as an array, (H, W, C)."""
    return to_pil(result) if result.dtype == torch.uint8 and len(result) in (1, 3) else to_pixels(result)


def _with_kept(made: Image.Image, picture: str | Path | Picture, item: Input) -> Image.Image:
    """A result with the alpha of its input, and with what that carried."""
    if item.alpha is not None:
        made.putalpha(Image.fromarray(alpha_like(item.alpha, np.dtype(np.uint8))[..., 0]))
    if isinstance(picture, Image.Image):
        made.info.update({key: picture.info[key] for key in KEPT if key in picture.info})
    return made


def to_pixels(result: Tensor) -> Pixels:
    """(C, H, W) to (H, W, C) in memory."""
    return result.permute(1, 2, 0).cpu().numpy()


def alpha_like(alpha: Pixels, kind: np.dtype[Any]) -> Pixels:
    """Alpha in another type, from nothing to all that it can hold (1 for floats)."""
    if alpha.dtype == kind:
        return alpha
    share = alpha / _most(alpha.dtype)
    return share.astype(kind) if kind.kind == "f" else np.rint(share * _most(kind)).astype(kind)


def _most(kind: np.dtype[Any]) -> float:
    return 1.0 if kind.kind == "f" else float(np.iinfo(kind).max)


def check_kind(item: Input, channels: int, path: Path) -> None:
    """Refuse a file of a kind that cannot hold the results of an input, before there are any.

    Raises:
        I2IError: it cannot; kinds that can are named.
    """
    kind_for(path, channels, _type_of(item))


def loses_alpha(item: Input, channels: int, path: Path) -> bool:
    """Whether a file can hold the results of an input, of so many channels, but not its alpha."""
    suffix, kind = path.suffix.lower(), _type_of(item)
    return item.alpha is not None and suffix in set(kinds_for(channels, kind)) - set(
        kinds_for(channels, kind, alpha=True)
    )


def _type_of(item: Input) -> str:
    """Numpy's name of the type of its results."""
    return str(item.made.kind).removeprefix("torch.")


def write_result(result: Tensor, item: Input, path: Path) -> Path:
    """Write a result, (1, C, H, W), with all that its input carried, and its alpha where the kind of file can hold it.

    Raises:
        I2IError: the kind of file cannot hold it, or the disk refuses.
    """
    if item.bands:  # it was written band by band
        return path
    pixels = to_pixels(result[0])
    lost = item.alpha is None or loses_alpha(item, len(result[0]), path)
    alpha = None if item.alpha is None or lost else alpha_like(item.alpha, pixels.dtype)
    carried = item.file.carried if item.file else Carried()
    write_picture(PictureFile(pixels, alpha, carried, item.empty), path)
    return path
