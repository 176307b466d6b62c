"""Files and folders to translate: names and folders are kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from i2i.core.errors import I2IError, nearest
from i2i.data.images import find_images, is_image
from i2i.translate.translator import Model


@dataclass(frozen=True)
class Result:
    """What became of one file; `problem` is empty if it was translated."""

    source: Path
    target: Path
    problem: str = ""


def plan(inputs: Iterable[Path], out: Path) -> list[tuple[Path, Path]]:
    """Every input file with the place of its result.

    A folder's tree is kept below `out`. A single file goes to `out` itself if that has a suffix.

    Raises:
        I2IError: an input that is missing or a folder without pictures, two results of one name, or a result that
            would replace its own input.
    """
    inputs = list(inputs)
    pairs: list[tuple[Path, Path]] = []
    for source in inputs:
        if source.is_dir():
            pairs += [(file, out / file.relative_to(source)) for file in find_images(source)]
        elif source.is_file():
            alone = len(inputs) == 1 and out.suffix and not out.is_dir()
            pairs.append((source, out if alone else out / source.name))
        else:
            near = nearest(source.name, _names(source.parent)) if source.parent.is_dir() else ""
            raise I2IError(f"{source}: there is no such file or folder\n    {near}".rstrip())
    _refuse_clashes(pairs)
    return pairs


def _names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.is_dir() or is_image(path.name)]


def _refuse_clashes(pairs: list[tuple[Path, Path]]) -> None:
    taken: dict[Path, Path] = {}
    for source, target in pairs:
        if target in taken:
            raise I2IError(
                f"{taken[target]} and {source} would both be written to {target}; translate them one by one"
            )
        if target.resolve() == source.resolve():
            raise I2IError(f"{source} would be replaced by its own result; choose another output folder")
        taken[target] = source


def translate_files(
    model: Model, pairs: Iterable[tuple[Path, Path]], seed: int, controls: Mapping[str, Any]
) -> Iterator[Result]:
    """Translate files one by one; one that fails does not stop the rest."""
    for source, target in pairs:
        try:
            model.translate(source, out=target, seed=seed, **controls)
            yield Result(source, target)
        except I2IError as error:
            yield Result(source, target, str(error).strip())
