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
    """A result, (N, C, H, W), as the kind of picture that came in: a PIL image for a path, if it has 8 bits."""
    one = result if item.batched else result[0]
    if isinstance(picture, Tensor):
        return one
    if isinstance(picture, np.ndarray) and one.dtype.is_floating_point:
        return one.numpy().astype(picture.dtype if picture.dtype.kind == "f" else np.float32)
    if one.dtype != torch.uint8 or isinstance(picture, np.ndarray):
        array, flat = to_pixels(one), isinstance(picture, np.ndarray) and picture.ndim == 2
        return array[..., 0] if flat and array.shape[-1] == 1 else array
    return _pil(one, picture, item)


def _pil(result: Tensor, picture: str | Path | Picture, item: Input) -> Image.Image:
    made = to_pil(result)
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
