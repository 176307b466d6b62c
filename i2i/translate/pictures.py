"""Pictures of every kind, to tensors and back, and into files."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from i2i.core.errors import I2IError
from i2i.pictures.finding import EXTENSIONS
from i2i.pictures.images import read_image

Picture = Image.Image | NDArray[Any] | Tensor
Range = tuple[float, float]
"""The values that stand for black and white."""

FULL: Mapping[torch.dtype, Range] = MappingProxyType({torch.uint8: (0, 255), torch.uint16: (0, 65535)})
"""Of the types that say it themselves."""
QUALITY = 95
"""Of JPEG and WebP files: what a model made should not be lost in the file."""


def take(picture: str | Path | Picture) -> tuple[Tensor, str]:
    """A picture as (N×)C×H×W in its own type, and the name of its file; "" where it is from no file.

    Raises:
        I2IError: it cannot be read, or is none.
    """
    if isinstance(picture, (str, Path)):
        return read_image(Path(picture)), Path(picture).name
    return as_tensor(picture), ""


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
    elif not picture.dtype.is_floating_point and picture.dtype not in FULL:
        raise I2IError(f"a tensor of {_type(picture)} is no picture; use uint8, uint16 or floats in [0, 1]")
    return _check(picture, (3, 4))


def _pixels(image: Image.Image) -> NDArray[Any]:
    if image.mode.startswith("I;16"):
        return np.array(image).astype(np.uint16)
    if image.mode in ("I", "F"):
        raise I2IError(f"a PIL image of mode '{image.mode}' has no known range; give a float array in [0, 1]")
    return np.array(image if image.mode in ("L", "RGB") else image.convert("RGB"))


def _from_pixels(array: NDArray[Any]) -> Tensor:
    if array.dtype not in (np.uint8, np.uint16):
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


def like(picture: str | Path | Picture, result: Tensor) -> Any:
    """A result as the kind of picture that came in."""
    if isinstance(picture, Tensor):
        return result
    if isinstance(picture, np.ndarray):
        if picture.dtype.kind == "f":
            return result.numpy().astype(picture.dtype)
        array = result.permute(1, 2, 0).numpy()
        return array[..., 0] if picture.ndim == 2 and array.shape[-1] == 1 else array
    return to_pil(result) if result.dtype == torch.uint8 else result.permute(1, 2, 0).numpy()


def to_pil(picture: Tensor) -> Image.Image:
    """(1 or 3, H, W), uint8, as a PIL image."""
    array = picture.permute(1, 2, 0).cpu().numpy()
    return Image.fromarray(array[..., 0] if array.shape[-1] == 1 else array)


def convert(stored: Tensor, wanted: int) -> Tensor:
    """Grey becomes RGB by repetition, RGB becomes grey by luminance (ITU-R 601); other counts do not convert.

    Raises:
        I2IError: another number of channels.
    """
    has = stored.shape[1]
    if has == wanted:
        return stored
    if has == 1 and wanted == 3:
        return stored.expand(-1, 3, -1, -1)
    if has == 3 and wanted == 1:
        weights = torch.tensor([0.299, 0.587, 0.114], device=stored.device).view(1, 3, 1, 1)
        return (stored.float() * weights).sum(1, keepdim=True)
    order = "; the channels come first" if stored.shape[3] == wanted else ""
    raise I2IError(f"the picture has {has} channels; this model takes {wanted}{order}")


def beside(path: Path, endings: Sequence[str]) -> list[Path]:
    """The files of several results: `a-1.png`, `a-2.png` for `a.png` and the endings -1 and -2."""
    return [path.with_name(f"{path.stem}{ending}{path.suffix}") for ending in endings]


def write_picture(picture: Tensor, path: Path) -> Path:
    """Write (C, H, W) as a file of the type its suffix names; 16 bits as PNG, grey ones also as TIFF.

    Raises:
        I2IError: the type cannot hold the picture, or the disk refuses.
    """
    suffix, deep_colour = path.suffix.lower(), picture.dtype == torch.uint16 and len(picture) == 3
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if picture.dtype == torch.uint8:
            to_pil(picture).save(path, quality=QUALITY)
        elif deep_colour and suffix == ".png":
            path.write_bytes(_deep_png(picture.permute(1, 2, 0).cpu().numpy()))
        elif len(picture) == 1 and suffix in (".png", ".tif", ".tiff"):
            Image.fromarray(picture[0].cpu().numpy()).save(path)
        else:
            raise I2IError(
                f"{path}: {len(picture)} channels of {_type(picture)} cannot be written to this type of file; "
                "16 bits go to .png, grey ones also to .tif"
            )
    except (OSError, ValueError) as error:
        if suffix not in EXTENSIONS:
            ending = f"'{path.suffix}' is no picture's ending" if suffix else "the name has no ending"
            raise I2IError(f"{path}: {ending}; end it in .png, .jpg or .tif") from error
        raise I2IError(f"{path}: the result could not be written ({error})") from error
    return path


def _deep_png(pixels: NDArray[Any]) -> bytes:
    """(H, W, 3), uint16, as a PNG file (ISO/IEC 15948): Pillow writes no colours of more than 8 bits."""
    height, width = pixels.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)  # each row says: not filtered
    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in chunks)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _type(picture: Tensor) -> str:
    return str(picture.dtype).removeprefix("torch.")
