"""Inputs as they were given: pixels in their own type, what belongs to them, and what results should be like."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from i2i.core.data import DataFacts
from i2i.core.errors import I2IError
from i2i.pictures.files import PictureFile, read_picture
from i2i.pictures.nothing import fill_empty
from i2i.pictures.pixels import Pixels, to_tensor
from i2i.translate.bands import Bands
from i2i.translate.maps import take_map, take_others
from i2i.translate.pictures import Picture, alpha_of, as_tensor, check_channels
from i2i.translate.request import Request
from i2i.translate.values import BY_BITS, Range, like_training, values_made, values_of


@dataclass(frozen=True)
class Made:
    """What results are like: their type, and the values of it that stand for black and white."""

    kind: torch.dtype
    full: Range


@dataclass(frozen=True)
class Input:
    """A picture to translate, or a batch of them.

    Attributes:
        stored: (N, C, H, W) in its own type; a map in whole numbers.
        full: the values of it that stand for black and white.
        made: what its results are like.
        name: of its file; "" where it is from none.
        batched: whether it was given as a batch.
        others: the further maps that go with it, (N, 1, H, W), by field.
        file: what its file holds, the pixels apart.
        alpha: (H, W, 1): how much of each pixel is seen; results get the same.
        empty: (H, W, 1): pixels that hold nothing; results hold nothing there.
        bands: of a picture that is read band by band, where from; `stored` has no contents then.
        targets: the files that its results are written to, band by band too.
    """

    stored: Tensor
    full: Range
    made: Made
    name: str = ""
    batched: bool = False
    others: Mapping[str, Tensor] = field(default_factory=dict)
    file: PictureFile | None = None
    alpha: Pixels | None = None
    empty: Pixels | None = None
    bands: Bands | None = None
    targets: Sequence[Path] = ()

    @property
    def device(self) -> torch.device:
        """Where results are wanted."""
        return torch.device("cpu") if self.bands else self.stored.device

    @property
    def height(self) -> int:
        """In pixels."""
        return int(self.stored.shape[-2])

    @property
    def width(self) -> int:
        """In pixels."""
        return int(self.stored.shape[-1])

    @property
    def shape(self) -> tuple[object, ...]:
        """Inputs that agree in it can be translated together."""
        others = tuple((name, each.shape[1:]) for name, each in self.others.items())
        return (self.stored.shape[1:], self.stored.dtype, self.full, self.made, others, self.bands)

    def cut(self, rows: slice, columns: slice) -> Input:
        """A part of it as an input for the networks."""
        others = {name: each[..., rows, columns] for name, each in self.others.items()}
        stored = self.bands.cut(rows, columns) if self.bands else self.stored[..., rows, columns]
        return dataclasses.replace(self, stored=stored, others=others, bands=None)


def take_input(picture: str | Path | Picture, request: Request, facts: DataFacts, made: str) -> Input:
    """Read an input and the maps that go with it.

    Args:
        picture: a path, a PIL image, an array or a tensor.
        request: what is asked of it.
        facts: of the training data.
        made: the field that results are like.

    Raises:
        I2IError: it cannot be read, has the wrong number of channels, or nobody knows its range.
    """
    if request.field in facts.maps:
        return _map(picture, request, facts, made)
    if isinstance(picture, (str, Path)):
        return _from_file(Path(picture), request, facts, made)
    taken = as_input(as_tensor(picture), request, facts, made)
    alpha = alpha_of(picture) if isinstance(picture, Image.Image) else None
    return dataclasses.replace(taken, alpha=alpha)


def _from_file(path: Path, request: Request, facts: DataFacts, made: str) -> Input:
    file = read_picture(path)
    stored = to_tensor(file.pixels)
    kept = dataclasses.replace(file, pixels=file.pixels[:0].copy(), alpha=None)  # the pixels are in `stored`
    taken = as_input(stored, request, facts, made, path.name)
    fill_empty(stored, file, *taken.full)
    return dataclasses.replace(taken, file=kept, alpha=file.alpha, empty=file.empty)


def as_input(stored: Tensor, request: Request, facts: DataFacts, made: str, name: str = "") -> Input:
    """A picture, (N×)C×H×W, as an input; contents do not matter.

    Args:
        stored: the picture.
        request: what is asked of it.
        facts: of the training data.
        made: the field that results are like.
        name: of its file; "" where it is from none.

    Raises:
        I2IError: it has the wrong number of channels, or nobody knows its range.
    """
    from_file, batch = bool(name), stored if stored.ndim == 4 else stored[None]
    try:
        check_channels(batch, facts.channels[request.field])
        given = request.own.value_range
        full = values_of(facts, request.field, stored.dtype, from_file=from_file, given=given)
    except I2IError as error:
        raise I2IError(f"{name}: {error}" if name else str(error)) from error
    kind = BY_BITS[request.own.bits] if request.own.bits else stored.dtype
    same = given if kind == stored.dtype else None
    values = values_made(facts, made, kind, from_file=from_file, given=same)
    others = take_others(request.maps, facts, name, batch)
    return Input(batch, full, Made(kind, values), name, stored.ndim == 4, others)


def _map(picture: str | Path | Picture, request: Request, facts: DataFacts, made: str) -> Input:
    """A map of whole numbers; its results are like the training pictures."""
    stored, name = take_map(picture, facts, request.field)
    batch = stored if stored.ndim == 4 else stored[None]
    kind, values = like_training(facts, made, request.own.bits)
    others = take_others(request.maps, facts, name, batch)
    return Input(batch, (0, 1), Made(kind, values), name, stored.ndim == 4, others)
