"""Many pictures through the networks: read and finished in other threads, in batches of equal shape between."""

from __future__ import annotations

import os
import warnings
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Generic, TypeVar

from torch import Tensor

from i2i.core.errors import I2IError, I2IWarning, lacks_memory
from i2i.engine.inference import release
from i2i.translate.inputs import Input
from i2i.translate.request import NothingDrawnError, Request
from i2i.translate.running import run_measured
from i2i.translate.tiling import Seams

if TYPE_CHECKING:
    from i2i.translate.model import Model

Done = TypeVar("Done")
Read = Callable[[], Input]
"""Reads an input, in another thread."""

Finish = Callable[[int, Input, list[Tensor]], Done]
"""Makes of the results of an input, by its number, what is wanted of them; in another thread."""

WAITING, BYTES = 64, 2**28
"""Of pictures that are read and not yet translated: how many, and how much memory, before no more are read; of results
that are translated and not yet finished, the same."""

THREADS = 8
"""The most that read, and the most that finish."""


def flow(
    model: Model, reads: Iterable[Read], request: Request, finish: Finish[Done]
) -> Generator[Future[Done], None, None]:
    """What became of each picture, in order; all are done: `result()` gives it, or raises why the picture failed.

    Warns once, at the end, where tiles disagreed visibly.

    Which pictures are translated together depends on their order and their shapes, not on how fast they are read.

    Args:
        model: the model.
        reads: what reads each picture.
        request: what is asked of all.
        finish: what makes of their results what is wanted.

    Raises:
        NothingDrawnError: several samples were asked of a method that draws no random numbers.
    """
    count = max(2, min(THREADS, (os.cpu_count() or 2) // 2))
    with ExitStack() as scope:
        readers, finishers = (scope.enter_context(ThreadPoolExecutor(count)) for _ in range(2))
        try:
            through = _Flow(model, request, finish, readers, finishers)
            yield from through.run(reads)
            if through.seams.visible:
                warnings.warn(str(through.seams), I2IWarning, stacklevel=2)
        finally:
            readers.shutdown(cancel_futures=True)
            finishers.shutdown(cancel_futures=True)


@dataclass(eq=False)
class _Slot(Generic[Done]):
    """A picture on its way: being read, waiting for others of its shape, or being finished."""

    number: int
    read: Future[Input] | None
    item: Input | None = None
    done: Future[Done] | None = None


class _Flow(Generic[Done]):
    def __init__(
        self, model: Model, request: Request, finish: Finish[Done], readers: Executor, finishers: Executor
    ) -> None:
        self.model, self.request, self.finish = model, request, finish
        self.readers, self.finishers = readers, finishers
        self.line: deque[_Slot[Done]] = deque()  # all that were not handed out yet, in order
        self.unread: deque[_Slot[Done]] = deque()
        self.groups: dict[tuple[object, ...], list[_Slot[Done]]] = {}  # the oldest first
        self.leaving: deque[tuple[Future[Done], int]] = deque()  # being finished, and their bytes
        self.seams = Seams()  # the worst
        self.largest = (
            BYTES  # bytes of a picture: the next may be as large; until one is known, they come singly
        )

    def run(self, reads: Iterable[Read]) -> Iterator[Future[Done]]:
        coming = enumerate(reads)
        while True:
            while self._has_room() and (following := next(coming, None)):
                self._enter(*following)
            if self.unread:
                self._sort(self.unread.popleft())
            elif self.groups:
                self._translate(next(iter(self.groups)))
            elif not self.line:
                return
            yield from self._finished(wait=not self.unread and not self.groups)

    def _has_room(self) -> bool:
        waiting = [slot.item for group in self.groups.values() for slot in group if slot.item]
        count = len(waiting) + len(self.unread)
        held = sum(map(size_of, waiting)) + self.largest * (1 + len(self.unread))
        return count == 0 or (count < WAITING and held <= BYTES)

    def _enter(self, number: int, read: Read) -> None:
        slot: _Slot[Done] = _Slot(number, self.readers.submit(read))
        self.line.append(slot)
        self.unread.append(slot)

    def _sort(self, slot: _Slot[Done]) -> None:
        """Wait until a picture is read; with its group it is translated once that is full or old."""
        assert slot.read is not None
        problem, slot_read = slot.read.exception(), slot.read
        slot.read = None
        if problem is not None:
            slot.done = _failed(problem, "reading it")
            return
        slot.item = slot_read.result()
        size = size_of(slot.item)
        self.largest = size if self.largest == BYTES else max(self.largest, size)
        shape = slot.item.shape
        self.groups.setdefault(shape, []).append(slot)
        if len(self.groups[shape]) >= together(self.model, slot.item, self.request):
            self._translate(shape)
        oldest, group = next(iter(self.groups.items()), (None, [slot]))
        if oldest is not None and slot.number - group[0].number >= WAITING:
            self._translate(oldest)

    def _translate(self, shape: tuple[object, ...]) -> None:
        """Translate a group, or its pictures singly if that fails."""
        group = self.groups.pop(shape)
        problem = self._try(group)
        if problem is None:
            return
        release(self.model.device)
        for slot in group:
            problem = self._try([slot]) if len(group) > 1 else problem
            if problem is not None:
                slot.item, slot.done = None, _failed(problem, "translating it")

    def _try(self, group: list[_Slot[Done]]) -> I2IError | None:
        items = [slot.item for slot in group if slot.item]
        try:
            made, seams = run_measured(self.model, items, self.request)
        except NothingDrawnError:
            raise
        except I2IError as error:
            return error.with_traceback(None)
        self.seams = max(self.seams, seams, key=lambda each: each.mean)
        for slot, item, results in zip(group, items, made, strict=True):
            self._leave(slot, item, results)
        return None

    def _leave(self, slot: _Slot[Done], item: Input, results: list[Tensor]) -> None:
        """Have results finished, when there is room for more of them."""
        while self.leaving and sum(size for _, size in self.leaving) > BYTES:
            self.leaving.popleft()[0].exception()
        slot.item, slot.done = None, self.finishers.submit(self.finish, slot.number, item, results)
        size = size_of(item) + sum(result.nbytes for result in results)
        self.leaving.append((slot.done, size))
        while self.leaving[0][0].done() and len(self.leaving) > 1:
            self.leaving.popleft()

    def _finished(self, *, wait: bool) -> Iterator[Future[Done]]:
        """The next in line that are done."""
        while self.line and (done := self.line[0].done):
            if not wait and not done.done():
                return
            problem = done.exception()
            self.line.popleft()
            yield done if problem is None else _failed(problem, "writing it")


def _failed(problem: BaseException, doing: str) -> Future[Done]:
    """What became of a picture that could not be translated; what is no fault of the picture is raised at once."""
    if not isinstance(problem, I2IError) and not lacks_memory(problem):
        raise problem
    told = str(problem) if isinstance(problem, I2IError) else f"there was not enough memory for {doing}"
    failed: Future[Done] = Future()
    failed.set_exception(I2IError(told))  # a new one: the traceback of the old one keeps pictures in memory
    return failed


def size_of(item: Input) -> int:
    """Bytes that an input takes."""
    return (0 if item.bands else item.stored.nbytes) + sum(other.nbytes for other in item.others.values())


# Pixels that the networks see at a time. A CPU is no faster with more of them; a GPU wants to be busy.
PIXELS_ON_CPU: Mapping[str, int] = MappingProxyType({"fp32": 2**17, "bf16": 2**18})
PIXELS_ON_GPU, MOST = 2**21, 64


def together(model: Model, item: Input, request: Request) -> int:
    """How many pictures of the shape of this one the networks see at a time."""
    if request.own.batch is not None:
        return request.own.batch
    on_cpu = PIXELS_ON_CPU[model.precision_of(item.made.kind)]
    pixels = on_cpu if model.device.type == "cpu" else PIXELS_ON_GPU
    return max(1, min(MOST, pixels // (item.height * item.width)))
