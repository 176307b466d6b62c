"""Files and folders to translate: names and folders are kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from i2i.core.errors import I2IError, nearest
from i2i.pictures.finding import EXTENSIONS, find_images, is_image
from i2i.pictures.video import VIDEO_EXTENSIONS, is_video
from i2i.translate.patterns import is_input, is_pattern, matching, names_in
from i2i.translate.pictures import beside

Pair = tuple[Path, Path]
"""A file, and the place of its result."""


def found(inputs: Iterable[Path]) -> Iterator[tuple[Path, Path]]:
    """Every picture and video of files, folders and patterns, with its place in the folder that it is from.

    Raises:
        I2IError: an input that is missing, or a folder or a pattern without pictures.
    """
    for source in inputs:
        if source.is_dir():
            yield from ((file, file.relative_to(source)) for file in find_images(source, also=is_video))
        elif source.is_file():
            yield source, Path(source.name)
        elif is_pattern(source):
            yield from matching(source)
        else:
            near = nearest(source.name, names_in(source.parent)) if source.parent.is_dir() else ""
            raise I2IError(f"{source}: there is no such file or folder\n    {near}".rstrip())


def plan(inputs: Iterable[Path], out: Path, endings: Sequence[str] = ("",), kind: str = "") -> list[Pair]:
    """Every input file with the place of its result.

    A folder's tree is kept below `out`. A single file goes to `out` itself if that has a suffix. Several results stand
    beside each other: `endings` are what each adds to the name. What is named twice is translated once.

    Args:
        inputs: files, folders and patterns.
        out: a folder, or a file.
        endings: of the results of each input.
        kind: "png" for results that are PNG files, whatever their inputs are; of a video's ending, the videos.

    Raises:
        I2IError: an input that is missing or a folder without pictures, two results of one name, or a result that
            would replace an input.
    """
    inputs = list(inputs)
    suffix = _suffix(kind)
    alone = len(inputs) == 1 and inputs[0].is_file() and out.suffix and not out.is_dir()
    if not alone and is_input(out.name) and not out.is_dir():
        what = "picture" if is_image(out.name) else "video"
        raise I2IError(
            f"{out}: this names a {what}, and the results of a folder or of several files need a folder"
        )
    if alone and suffix and out.suffix.lower() != suffix:
        raise I2IError(f"--type {kind} and {out} are two kinds of file; leave one of them out")
    places = dict.fromkeys(found(inputs))
    pairs = [(source, out if alone else out / _renamed(place, suffix)) for source, place in places]
    _refuse_clashes([(source, file) for source, target in pairs for file in beside(target, endings)])
    return pairs


def _suffix(kind: str) -> str:
    """A kind of file as its ending, with the dot.

    Raises:
        I2IError: there is none of that name.
    """
    suffix = f".{kind.lower().removeprefix('.')}" if kind else ""
    known = EXTENSIONS | VIDEO_EXTENSIONS
    if suffix and suffix not in known:
        raise I2IError(
            f"--type {kind}: there is no such kind of file\n    {nearest(suffix[1:], (each[1:] for each in known))}"
        )
    return suffix


def _renamed(place: Path, suffix: str) -> Path:
    """Pictures do not become videos, and videos no pictures."""
    return place.with_suffix(suffix) if suffix and is_video(place.name) == is_video(f"x{suffix}") else place


def _refuse_clashes(pairs: list[Pair]) -> None:
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
