"""Many pictures in one call: a list becomes a list, a folder a folder."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from i2i.core.errors import I2IError
from i2i.core.words import counted, listed
from i2i.pictures.video import is_video
from i2i.translate.files import plan
from i2i.translate.flow import flow
from i2i.translate.inputs import Input
from i2i.translate.jobs import job
from i2i.translate.outputs import hand_back
from i2i.translate.pictures import Picture
from i2i.translate.request import Request

if TYPE_CHECKING:
    from i2i.translate.model import Model

Pictures = Sequence[str | Path | Picture]
SHOWN = 20
"""Failures that a message lists."""


def answer_all(model: Model, pictures: Pictures, request: Request, out: Path | None) -> list[Any]:
    """Translate pictures as `Model.translate` does each; in memory, or as files into a folder.

    Raises:
        I2IError: a picture failed. In memory that is the end; of files it is said when the rest is done.
    """
    if out is not None:
        return _into(model, pictures, request, out)
    for picture in pictures:
        if isinstance(picture, (str, Path)):
            _refuse_without_out(Path(picture))
    reads = [partial(model.take, picture, request) for picture in pictures]

    def finish(number: int, item: Input, results: list[Tensor]) -> Any:
        return request.shaped([hand_back(pictures[number], result, item) for result in results])

    with closing(flow(model, reads, request, finish)) as answers:
        return [_answer(number, answer) for number, answer in enumerate(answers)]


def _refuse_without_out(path: Path) -> None:
    """Refuse files whose results are no pictures in memory."""
    kind = "folder" if path.is_dir() else "video" if is_video(path.name) else ""
    if kind:
        raise I2IError(
            f"'{path}' is a {kind}; name a picture, or the folder that its results go to: out='results'"
        )


def _answer(number: int, answer: Any) -> Any:
    problem = answer.exception()
    if problem is not None:
        raise I2IError(f"picture {number} of the list: {problem}")
    return answer.result()


def _into(model: Model, pictures: Pictures, request: Request, out: Path) -> list[Any]:
    """Translate files and folders into a folder; the files of the results, those of earlier included."""
    paths = [Path(picture) for picture in pictures if isinstance(picture, (str, Path))]
    if len(paths) < len(pictures):
        raise I2IError(
            f"{out}: pictures in memory have no names for files; leave out= away, and save the results"
        )
    with job(model, paths, out, request) as work:
        problems = [result.problem for result in work.results() if result.problem]
    if problems:
        failed = f"{counted(len(problems), 'picture')} could not be translated; the others are in {out}"
        raise I2IError("\n".join([failed, listed(problems, SHOWN, "\n")]))
    written = [work.targets(target) for _, target in plan(paths, out, request.endings())]
    return [files[0] if request.single else files for files in written]
