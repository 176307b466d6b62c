"""Files and folders to translate: names and folders are kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from i2i.core.errors import I2IError, nearest
from i2i.pictures.finding import find_images, is_image
from i2i.translate.grid import Row
from i2i.translate.pictures import beside
from i2i.translate.request import NothingDrawnError, Request

if TYPE_CHECKING:
    from i2i.translate.model import Model


@dataclass(frozen=True)
class Result:
    """What became of one file; `problem` is empty if it was translated."""

    source: Path
    target: Path
    problem: str = ""


def found(inputs: Iterable[Path]) -> Iterator[tuple[Path, Path]]:
    """Every picture of files and folders, with its place in the folder that it is from.

    Raises:
        I2IError: an input that is missing, or a folder without pictures.
    """
    for source in inputs:
        if source.is_dir():
            yield from ((file, file.relative_to(source)) for file in find_images(source))
        elif source.is_file():
            yield source, Path(source.name)
        else:
            near = nearest(source.name, _names(source.parent)) if source.parent.is_dir() else ""
            raise I2IError(f"{source}: there is no such file or folder\n    {near}".rstrip())


def plan(inputs: Iterable[Path], out: Path, endings: Sequence[str] = ("",)) -> list[tuple[Path, Path]]:
    """Every input file with the place of its result.

    A folder's tree is kept below `out`. A single file goes to `out` itself if that has a suffix. Several results stand
    beside each other: `endings` are what each adds to the name.

    Raises:
        I2IError: an input that is missing or a folder without pictures, two results of one name, or a result that
            would replace an input.
    """
    inputs = list(inputs)
    alone = len(inputs) == 1 and inputs[0].is_file() and out.suffix and not out.is_dir()
    if not alone and is_image(out.name) and not out.is_dir():
        raise I2IError(
            f"{out}: this names a picture, and the results of a folder or of several files need a folder"
        )
    pairs = [(source, out if alone else out / place) for source, place in found(inputs)]
    _refuse_clashes([(source, file) for source, target in pairs for file in beside(target, endings)])
    return pairs


def _names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.is_dir() or is_image(path.name)]


def _refuse_clashes(pairs: list[tuple[Path, Path]]) -> None:
    sources = {source.resolve(): source for source, _ in pairs}
    taken: dict[Path, Path] = {}
    for source, target in pairs:
        if target in taken:
            raise I2IError(
                f"{taken[target]} and {source} would both be written to {target}; translate them one by one"
            )
        replaced = sources.get(target.resolve())
        if replaced is not None:
            whose = "its own result" if replaced == source else f"a result of {source}"
            raise I2IError(f"{replaced} would be replaced by {whose}; choose another output folder")
        taken[target] = source


def translate_files(model: Model, pairs: Iterable[tuple[Path, Path]], request: Request) -> Iterator[Result]:
    """Translate files one by one; one that fails does not stop the rest.

    Raises:
        NothingDrawnError: several samples were asked of a method that draws no random numbers.
    """
    for source, target in pairs:
        try:
            model.answer(source, request, target)
            yield Result(source, target)
        except NothingDrawnError:
            raise
        except I2IError as error:
            yield Result(source, target, str(error).strip())


def translate_rows(model: Model, pictures: Iterable[tuple[Path, Path]], request: Request) -> Iterator[Row]:
    """The rows of a grid, as `found` lists them; one that fails does not stop the rest.

    Raises:
        NothingDrawnError: several samples were asked of a method that draws no random numbers.
    """
    for source, place in pictures:
        try:
            yield Row(place.as_posix(), model.row(source, request))
        except NothingDrawnError:
            raise
        except I2IError as error:
            yield Row(place.as_posix(), problem=str(error).strip())
