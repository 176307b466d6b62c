"""Videos through a trained model, frame by frame: times and sound stay."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from i2i.core.errors import I2IError
from i2i.pictures.pixels import Pixels, to_tensor
from i2i.pictures.video import describe, frames
from i2i.pictures.video_reading import Frame
from i2i.pictures.video_writing import rewriting
from i2i.translate.flow import Read, flow
from i2i.translate.inputs import Input, Made
from i2i.translate.outputs import to_pixels
from i2i.translate.pictures import beside
from i2i.translate.request import Request
from i2i.translate.values import FULL

if TYPE_CHECKING:
    from i2i.translate.model import Model

COLOURS = (1, 3)
"""Channels of pictures that can be made of frames, and of results that become frames."""

OnFrame = Callable[[int, int | None], None]
"""Is told how many frames are done, and how many there are, where that is known."""


def answer_video(model: Model, source: Path, request: Request, out: Path | None) -> Path | list[Path]:
    """Translate a video as `Model.translate` does a picture: the file of the result, or of each.

    Raises:
        I2IError: as `translate_video`, or no file was named.
    """
    if out is None:
        raise I2IError(f"{source}: a video becomes a file; name it, for example out='new{source.suffix}'")
    written = beside(out, request.endings())
    translate_video(model, source, written, request)
    return written[0] if request.single else written


def translate_video(
    model: Model, source: Path, targets: Sequence[Path], request: Request, on_frame: OnFrame | None = None
) -> None:
    """Translate every frame of a video; each result of a frame goes into a video of its own.

    All frames have the same random numbers, which belong to the video by its name. The files appear when they are
    whole.

    Args:
        model: the model.
        source: the video.
        targets: the files to write, one for each of `request.endings()`.
        request: what is asked.
        on_frame: is called after every frame.

    Raises:
        I2IError: the model takes or makes no frames, the video cannot be read, or a result cannot be written.
    """
    _check(model, source, request)
    total = describe(source).frames
    waiting: deque[Frame] = deque()
    with ExitStack() as scope:
        writers = [scope.enter_context(rewriting(source, target)) for target in targets]
        reads = _reads(frames(source), source.name, waiting)
        answers = scope.enter_context(closing(flow(model, reads, request, _finish)))
        for count, answer in enumerate(answers, 1):
            frame = waiting.popleft()
            for writer, pixels in zip(writers, _made(answer.result, source, frame), strict=True):
                writer.write(replace(frame, pixels=pixels))
            if on_frame:
                on_frame(count, total)


def _check(model: Model, source: Path, request: Request) -> None:
    field, facts = request.field, model.facts
    if field in facts.maps or request.maps:
        raise I2IError(f"{source}: this model takes maps, which a video does not hold; translate pictures")
    for name, given in (("value_range", request.own.value_range), ("bits", request.own.bits)):
        if given is not None:
            raise I2IError(f"{source}: control.{name}: a video keeps its own; leave it out")
    for channels in (facts.channels[field], facts.channels[model.made(request)]):
        if channels not in COLOURS:
            raise I2IError(
                f"{source}: this model works on pictures of {channels} channels, and frames of a video have 3"
            )


def _reads(coming: Iterator[Frame], name: str, waiting: deque[Frame]) -> Iterator[Read]:
    """What makes an input of each frame; the rest of the frame waits for its results."""
    for frame in coming:
        waiting.append(replace(frame, pixels=frame.pixels[:0]))
        yield partial(_input, frame.pixels, name)


def _input(pixels: Pixels, name: str) -> Input:
    stored = to_tensor(pixels)[None]
    full = FULL[stored.dtype]
    return Input(stored, full, Made(stored.dtype, full), name)


def _finish(number: int, item: Input, results: list[Tensor]) -> list[Pixels]:
    return [np.ascontiguousarray(to_pixels(result[0])) for result in results]


def _made(answer: Callable[[], list[Pixels]], source: Path, frame: Frame) -> list[Pixels]:
    """The results of a frame; what is wrong with it is said with its time."""
    try:
        return answer()
    except I2IError as error:
        raise I2IError(f"{source}, the frame at {float(frame.time):.2f} seconds: {error}") from error
