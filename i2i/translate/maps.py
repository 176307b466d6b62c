"""Inputs that are maps of whole numbers: read as the training data reads them, never blended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from i2i.core.data import DataFacts
from i2i.core.errors import I2IError, Problem
from i2i.data.legend import legend_of
from i2i.data.map_files import Numbers, instances_of, read_map
from i2i.pictures.finding import find_images
from i2i.translate.pictures import Picture

Given = str | Path | Picture | Mapping[str, Path]
"""A map, or the files of a folder by their names without the ending."""


def take_map(given: str | Path | Picture, facts: DataFacts, field: str) -> tuple[Tensor, str]:
    """A map as (N×)1×H×W, int64, and the name of its file; "" where it is from no file.

    Args:
        given: a file; a PIL image; an array, H×W or in colour H×W×3; or a tensor, H×W or (N×)C×H×W with C 1 or 3.
        facts: of the training data: what the numbers or colours mean.
        field: whose map it is.

    Raises:
        I2IError: it cannot be read, or holds what the training data could not.
    """
    if isinstance(given, (str, Path)):
        path = Path(given)
        return _tensor(_read(path, facts, field)), path.name
    if isinstance(given, Image.Image):
        return _tensor(_meaning(_of_image(given, field), facts, field)), ""
    if isinstance(given, Tensor):
        return _of_tensor(given, facts, field), ""
    return _tensor(_meaning(_checked(given, field), facts, field)), ""


def take_others(given: Mapping[str, Given], facts: DataFacts, name: str, batch: Tensor) -> dict[str, Tensor]:
    """The further maps of a batch of inputs, (N, 1, H, W), by field.

    Args:
        given: what the user gave for each field.
        facts: of the training data.
        name: the file of the input; a folder holds a map of the same name.
        batch: the inputs, (N, C, H, W).

    Raises:
        I2IError: a map is missing, cannot be read, or has another size than the input.
    """
    return {field: _other(field, each, facts, name, batch) for field, each in given.items()}


def by_stem(folder: Path) -> dict[str, Path]:
    """The maps in a folder, by their names without the ending.

    Raises:
        I2IError: there are none, or two of one name.
    """
    found: dict[str, Path] = {}
    for path in find_images(folder):
        if path.stem in found:
            raise I2IError(f"'{found[path.stem]}' and '{path}' have one name without the ending; rename one")
        found[path.stem] = path
    return found


def missing(takes: Sequence[str], given: Mapping[str, Any], facts: DataFacts) -> list[Problem]:
    """What is wrong where a further map that a method cannot do without was not given."""
    return [
        Problem(
            f"control.{field}",
            "this model also takes such a map; give a file, or a folder of files named like the inputs",
        )
        for field in takes[1:]
        if field in facts.maps and field not in given
    ]


def _other(field: str, given: Given, facts: DataFacts, name: str, batch: Tensor) -> Tensor:
    if isinstance(given, Mapping):
        if not name:
            raise I2IError(f"{field}: a folder goes with files; give the map itself")
        if Path(name).stem not in given:
            folder = next(iter(given.values())).parent
            raise I2IError(f"{name}: '{folder}' holds no {field} of that name")
        given = given[Path(name).stem]
    taken, _ = take_map(given, facts, field)
    maps = taken if taken.ndim == 4 else taken[None].expand(len(batch), -1, -1, -1)
    if len(maps) != len(batch) or maps.shape[-2:] != batch.shape[-2:]:
        shapes = [f"{len(each)} of {each.shape[3]}×{each.shape[2]}" for each in (batch, maps)]
        file = f"{name}: " if name else ""
        raise I2IError(f"{file}the input ({shapes[0]}) and its {field} ({shapes[1]}) differ in size")
    return maps


def _read(path: Path, facts: DataFacts, field: str) -> Numbers:
    if facts.maps[field]:
        return legend_of(facts, field).read(path)
    return instances_of(read_map(path).numbers)


def _meaning(stored: Numbers, facts: DataFacts, field: str) -> Numbers:
    if facts.maps[field]:
        return legend_of(facts, field).classes_of(stored, f"the {field}")
    return instances_of(stored)


def _of_image(image: Image.Image, field: str) -> Numbers:
    if len(image.getbands()) > 2:
        return np.asarray(image.convert("RGB"))
    return _checked(np.asarray(image if len(image.getbands()) == 1 else image.getchannel(0)), field)


def _of_tensor(given: Tensor, facts: DataFacts, field: str) -> Tensor:
    plain = given[None] if given.ndim == 2 else given
    batch = plain if plain.ndim == 4 else plain[None]
    if batch.ndim != 4 or batch.shape[1] not in (1, 3) or not len(batch):
        raise I2IError(f"a {field} of shape {tuple(given.shape)} is none; use H×W, 1×H×W or N×1×H×W")
    arrays = [_checked(one.detach().cpu().permute(1, 2, 0).numpy(), field) for one in batch]
    read = torch.stack([_tensor(_meaning(array, facts, field)) for array in arrays]).to(given.device)
    return read if plain.ndim == 4 else read[0]


def _checked(array: Any, field: str) -> Numbers:
    """Whole numbers (H, W), or colours (H, W, 3)."""
    if array.dtype.kind not in "iub":
        raise I2IError(f"a {field} holds whole numbers, not {array.dtype}")
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    if array.ndim not in (2, 3) or 0 in array.shape or (array.ndim == 3 and array.shape[2] != 3):
        raise I2IError(f"a {field} of shape {array.shape} is none; use H×W, or H×W×3 for colours")
    if array.ndim == 3 and (array.min() < 0 or array.max() > 255):
        raise I2IError(f"a {field} in colour holds numbers from 0 to 255, not {array.min()} to {array.max()}")
    return np.asarray(array, np.uint8 if array.ndim == 3 else np.int64)


def _tensor(numbers: Numbers) -> Tensor:
    return torch.from_numpy(numbers.astype(np.int64))[None]
