"""Pictures from random numbers alone: samples of methods that need no input, one by one or as a labelled sheet."""

from __future__ import annotations

import math
import mimetypes
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from PIL import Image
from torch import Tensor

from i2i.core.batch import Batch, Draws
from i2i.core.errors import I2IError, Problem, SpecError
from i2i.data.values import from_unit
from i2i.engine.inference import inference
from i2i.pictures.files import kinds_for
from i2i.pictures.finding import is_image
from i2i.translate.grid import LARGE, as_cell, check_grid, draw_grid
from i2i.translate.outputs import as_picture
from i2i.translate.pictures import as_tensor, write_picture
from i2i.translate.request import Request, safe_names
from i2i.translate.values import like_training

if TYPE_CHECKING:
    from i2i.translate.model import Model

ALONE, EACH, AT_ONCE = 16, 8, 16
"""Samples by default: of one setting, and of each of several; and how many the networks see at a time."""


def check_request(model: Model, controls: Mapping[str, Any]) -> Request:
    """Check the controls of samples.

    Raises:
        I2IError: the method needs an input, or a control is unknown or wrong.
    """
    name, strategy = model.spec.strategy.name, model.strategy
    if strategy.takes({})[0] != "seed" and not strategy.prior:
        raise I2IError(
            f"strategy '{name}' draws nothing from random numbers alone: it translates pictures; use i2i translate"
        )
    request = model.request(controls, sampling=True)
    own = {
        "samples": request.own.samples is not None,
        "sync": request.own.sync,
        "value_range": request.own.value_range is not None,
        "batch": request.own.batch is not None,
        "tile": request.own.tile is not None,
    }
    problems = [
        Problem(f"control.{control}", "samples have no input that this could be about; leave it out")
        for control, given in own.items()
        if given
    ]
    if problems:
        raise SpecError(problems)
    return request


def drawn(model: Model, request: Request, count: int) -> Iterator[tuple[str, Tensor]]:
    """The samples of every caption, (count, C, H, W) in [-1, 1]; sample k has the same random numbers in each.

    Raises:
        I2IError: the method refuses a control.
    """
    for caption, controls in request.captions.items():
        parts = [range(count)[start : start + AT_ONCE] for start in range(0, count, AT_ONCE)]
        yield caption, torch.cat([_part(model, request, controls, part) for part in parts])


def _part(model: Model, request: Request, controls: Mapping[str, Any], numbers: Sequence[int]) -> Tensor:
    draws = Draws(("sample", request.own.seed), numbers)
    seed = torch.tensor(numbers, device=model.device)
    with model.lock, inference(model.net, model.strategy.inference, draws):
        try:
            made: Tensor = model.strategy.translate(
                model.net, Batch({**request.pictures, "seed": seed}, draws), **controls
            )
        except ValueError as error:
            raise I2IError(f"no samples could be drawn: {error}") from error
    return made.cpu()


def samples_each(request: Request, count: int | None) -> int:
    """How many samples of each caption.

    Raises:
        I2IError: fewer than one.
    """
    if count is not None and count < 1:
        raise I2IError(f"{count} samples are none; ask for one or more")
    return count or (ALONE if len(request.captions) == 1 else EACH)


def sheet(rows: Mapping[str, Tensor]) -> Image.Image:
    """Samples as one picture: a labelled row for each caption, or a square of those of the only one."""
    cells = {caption: [as_cell(one, LARGE) for one in row] for caption, row in rows.items()}
    if len(cells) > 1:
        columns = zip(*cells.values(), strict=True)
        return draw_grid(((str(n), column) for n, column in enumerate(columns, 1)), list(cells))
    (alone,) = cells.values()
    width = math.ceil(math.sqrt(len(alone)))
    return draw_grid(("", alone[column::width]) for column in range(width))


def check_out(out: Path, captions: int, count: int) -> None:
    """Refuse, before anything is drawn, a place that samples cannot be written to.

    Raises:
        I2IError: it is a file that is no picture, or the sheet would be too large for one.
    """
    if is_sheet(out):
        width = count if captions > 1 else math.ceil(math.sqrt(count))
        check_grid(max(captions, math.ceil(count / width)), width, out)
    elif out.is_file():
        raise I2IError(f"{out} is a file; name a folder for the samples, or a picture such as samples.png")
    elif not out.is_dir() and (kind := mimetypes.guess_type(out.name)[0]):
        raise I2IError(
            f"{out}: samples cannot be written as {kind}; name a picture such as samples.png, or a folder"
        )


def is_sheet(out: Path) -> bool:
    """Whether samples go into one picture, and not into a folder."""
    return is_image(out.name) and not out.is_dir()


def write_samples(rows: Mapping[str, Tensor], model: Model, request: Request, out: Path) -> Path:
    """Write a sheet if `out` names a picture, else a file for each sample: `3.png`, `red-3.png`; `.tif` if PNG cannot.

    Raises:
        I2IError: `out` cannot be written.
    """
    if is_sheet(out):
        return write_picture(as_tensor(sheet(rows)), out)
    digits = len(str(len(next(iter(rows.values())))))
    prefixes = [f"{name}-" for name in safe_names(rows)] if len(rows) > 1 else [""]
    for prefix, row in zip(prefixes, rows.values(), strict=True):
        for number, picture in enumerate(stored(row, model, request), 1):
            kinds = kinds_for(len(picture), str(picture.dtype).removeprefix("torch."))
            suffix = ".png" if ".png" in kinds else ".tif"
            write_picture(picture, out / f"{prefix}{number:0{digits}}{suffix}")
    return out


def stored(samples: Tensor, model: Model, request: Request) -> Tensor:
    """Samples of the type and values of the training pictures, or with as many bits as were asked for."""
    kind, values = like_training(model.facts, model.made(request), request.own.bits)
    return from_unit(samples, values, kind)


def as_pictures(samples: Tensor, model: Model, request: Request) -> list[Any]:
    """PIL images, or arrays, (H, W, C), where they have more than 8 bits or other channels than grey and RGB."""
    return [as_picture(one) for one in stored(samples, model, request)]
