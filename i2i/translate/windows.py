"""Large TIFF files that are read, translated and written band by band: memory does not grow with their height."""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from i2i.core.data import DataFacts
from i2i.core.errors import I2IError
from i2i.data.values import from_unit
from i2i.pictures.carried import PictureFile
from i2i.pictures.windows import Windows, Writer, size_of_large, windows_of, written_in_parts
from i2i.translate.bands import Bands
from i2i.translate.cutting import Cuts
from i2i.translate.inputs import Input, as_input
from i2i.translate.outputs import alpha_like, to_pixels
from i2i.translate.pictures import Picture
from i2i.translate.request import Request
from i2i.translate.tiling import Meeting, Part, Seams, finished_bands

ENDINGS = (".tif", ".tiff")

SMALL = 2**20
"""Pixels of pictures that are read whole with automatic tiles: they fit everywhere."""


def take_windows(
    picture: str | Path | Picture, request: Request, facts: DataFacts, made: str, targets: Sequence[Path]
) -> Input | None:
    """An input that is read and written band by band; None where it is to be read whole.

    Args:
        picture: what was given.
        request: what is asked of it.
        facts: of the training data.
        made: the field that results are like.
        targets: the files of its results.

    Raises:
        I2IError: it cannot be read, has the wrong number of channels, or nobody knows its range.
    """
    into_tiff = bool(targets) and all(target.suffix.lower() in ENDINGS for target in targets)
    if not isinstance(picture, (str, Path)) or not into_tiff or request.field in facts.maps or request.maps:
        return None
    if request.own.tile is None:
        _refuse_large(Path(picture))
        return None
    windows = windows_of(Path(picture))
    if windows is None or not _is_large(windows, request):
        return None
    shape = (windows.channels, windows.height, windows.width)
    stored = torch.empty(shape, dtype=getattr(torch, windows.dtype), device="meta")
    taken = as_input(stored, request, facts, made, Path(picture).name)
    return dataclasses.replace(taken, bands=Bands(windows, taken.full), targets=targets)


def _refuse_large(path: Path) -> None:
    """Tell of tiles where a picture can be read in parts only, and none are asked for."""
    if size := size_of_large(path):
        raise I2IError(
            f"'{path}' has {size[0]:,}×{size[1]:,} pixels, too many to be read at once; "
            'use --tile auto (in Python: tile="auto")'
        )


def _is_large(windows: Windows, request: Request) -> bool:
    tile = request.own.tile
    if isinstance(tile, int):
        return max(windows.width, windows.height) > tile
    return windows.width * windows.height > SMALL


def in_windows(
    item: Input, part: Part, cuts: tuple[Cuts, Cuts] | None, request: Request
) -> tuple[list[Tensor], Seams]:
    """Write every result of a picture to its target; what is returned has their shapes, and no contents.

    Args:
        item: the picture.
        part: translates parts of it.
        cuts: how its height and its width are cut; by default they are not.
        request: what is asked of it.

    Raises:
        I2IError: it is damaged, or the disk refuses.
        NothingDrawnError: several samples are all the same.
    """
    assert item.bands is not None
    rows, columns = cuts or (Cuts(side, side, (0,), ()) for side in (item.height, item.width))
    meeting, sums = Meeting(), list[list[int]]()
    with closing(item.bands) as bands, ExitStack() as opened:
        writers: list[Writer] = []
        for start, made in finished_bands([item], part, rows, columns, meeting):
            beside = bands.beside(slice(start, start + made[0].shape[-2]))
            files = [_file(band, item, beside) for band in made]
            writers = writers or [
                opened.enter_context(written_in_parts(target, file, item.height))
                for target, file in zip(item.targets, files, strict=True)
            ]
            for writer, file in zip(writers, files, strict=True):
                writer.write(file)
            sums.append([zlib.crc32(np.ascontiguousarray(file.pixels).data) for file in files])
        request.check_samples(list(torch.tensor(sums).T))
    shapes = [(1, each.shape[1], item.height, item.width) for each in made]
    return [torch.empty(shape, dtype=item.made.kind, device="meta") for shape in shapes], meeting.seams()


def _file(band: Tensor, item: Input, beside: PictureFile) -> PictureFile:
    """A band of a result in its stored type, with what belongs to it."""
    pixels = to_pixels(from_unit(band, item.made.full, item.made.kind)[0])
    alpha = None if beside.alpha is None else alpha_like(beside.alpha, pixels.dtype)
    return dataclasses.replace(beside, pixels=pixels, alpha=alpha)
