"""Pictures of every kind, to tensors and back, and into files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from i2i.core.errors import I2IError
from i2i.core.words import counted
from i2i.pictures import files
from i2i.pictures.images import read_image
from i2i.pictures.pixels import Pixels

Picture = Image.Image | NDArray[Any] | Tensor
TYPES = (torch.uint8, torch.uint16, torch.int16, torch.int32, torch.uint32)
"""Whole numbers that pictures are stored in."""


def take(picture: str | Path | Picture) -> tuple[Tensor, str]:
    """A picture as (N×)C×H×W in its own type, and the name of its file; "" where it is from no file.

    Raises:
        I2IError: it cannot be read, or is none.
    """
    if isinstance(picture, (str, Path)):
        return read_image(Path(picture)), Path(picture).name
    return as_tensor(picture), ""


def alpha_of(image: Image.Image) -> Pixels | None:
    """How much of each pixel of a PIL image is seen, (H, W, 1), uint8; None where all of all."""
    if not image.has_transparency_data:
        return None
    return np.array(image.convert("RGBA").getchannel("A"))[..., None]


def as_tensor(picture: Picture) -> Tensor:
    """A picture as (N×)C×H×W in its own type.

    Raises:
        I2IError: the type, the number of dimensions or the size is not that of a picture.
    """
    if isinstance(picture, Image.Image):
        picture = _pixels(picture)
    if not isinstance(picture, Tensor):
        array = np.ascontiguousarray(picture)
        if array.dtype.kind != "f":
            return _check(_from_pixels(array), (3,))
        picture = torch.from_numpy(array)
    elif not picture.dtype.is_floating_point and picture.dtype not in TYPES:
        raise I2IError(
            f"a tensor of {_name(picture.dtype)} is no picture; use uint8, uint16 or floats in [0, 1]"
        )
    return _check(picture, (3, 4))


def _pixels(image: Image.Image) -> NDArray[Any]:
    if image.mode.startswith("I;16"):
        return np.array(image).astype(np.uint16)
    if image.mode in ("I", "F"):
        raise I2IError(f"a PIL image of mode '{image.mode}' has no known range; give a float array in [0, 1]")
    return np.array(image if image.mode in ("L", "RGB") else image.convert("RGB"))


def _from_pixels(array: NDArray[Any]) -> Tensor:
    if array.dtype.name not in map(_name, TYPES):
        raise I2IError(f"an array of {array.dtype} is no picture; use uint8, uint16 or floats in [0, 1]")
    if array.ndim not in (2, 3):
        raise I2IError(f"an array of shape {array.shape} is no picture; use H×W or H×W×C")
    return torch.from_numpy(array[None] if array.ndim == 2 else array.transpose(2, 0, 1).copy())


def _check(picture: Tensor, dimensions: tuple[int, ...]) -> Tensor:
    shape = tuple(picture.shape)
    if picture.ndim not in dimensions:
        raise I2IError(f"a picture of shape {shape} is none; float arrays and tensors are C×H×W or N×C×H×W")
    if 0 in shape:
        raise I2IError(f"a picture of shape {shape} is empty")
    return picture


def to_pil(picture: Tensor) -> Image.Image:
    """(1 or 3, H, W), uint8, as a PIL image."""
    array = picture.permute(1, 2, 0).cpu().numpy()
    return Image.fromarray(array[..., 0] if array.shape[-1] == 1 else array)


def check_channels(stored: Tensor, wanted: int) -> None:
    """Refuse a picture, (N, C, H, W), that `convert` cannot give the wanted number of channels.

    Raises:
        I2IError: it is neither what is wanted, nor grey for colour, nor colour for grey.
    """
    has = stored.shape[1]
    if has == wanted or {has, wanted} == {1, 3}:
        return
    order = "; the channels come first" if stored.shape[3] == wanted else ""
    raise I2IError(f"the picture has {counted(has, 'channel')}; this model takes {wanted}{order}")


def convert(stored: Tensor, wanted: int) -> Tensor:
    """Grey becomes RGB by repetition, RGB becomes grey by luminance (ITU-R 601); other counts do not convert.

    Raises:
        I2IError: another number of channels.
    """
    check_channels(stored, wanted)
    if stored.shape[1] == wanted:
        return stored
    if wanted == 3:
        return stored.expand(-1, 3, -1, -1)
    weights = torch.tensor([0.299, 0.587, 0.114], device=stored.device).view(1, 3, 1, 1)
    return (stored.float() * weights).sum(1, keepdim=True)


def beside(path: Path, endings: Sequence[str]) -> list[Path]:
    """The files of several results: `a-1.png`, `a-2.png` for `a.png` and the endings -1 and -2."""
    return [path.with_name(f"{path.stem}{ending}{path.suffix}") for ending in endings]


def write_picture(picture: Tensor, path: Path) -> Path:
    """Write (C, H, W) as a file of the kind that its suffix names.

    Raises:
        I2IError: that kind cannot hold the picture, or the disk refuses.
    """
    files.write_picture(
        files.PictureFile(picture.permute(1, 2, 0).cpu().numpy(), None, files.Carried()), path
    )
    return path


def _name(kind: torch.dtype) -> str:
    return str(kind).removeprefix("torch.")
