"""Many pictures at a time: batches of equal shape, in order, in bounded memory, whatever becomes of one of them."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import closing
from functools import partial
from typing import Any

import pytest
import torch
from many import many
from torch import Tensor

from i2i.core.errors import I2IError
from i2i.translate import flow as flowing
from i2i.translate.flow import Read, flow, together
from i2i.translate.inputs import Input
from i2i.translate.model import Model
from i2i.translate.request import NothingDrawnError

WIDE, TALL = (3, 8, 12), (3, 16, 8)


def picture(number: int, shape: tuple[int, ...] = WIDE) -> Tensor:
    return torch.full(shape, number, dtype=torch.uint8)


def first_value(number: int, item: Input, results: list[Tensor]) -> tuple[int, int]:
    return number, int(results[0][0, 0, 0, 0])


def reads(model: Model, request: Any, shapes: Sequence[tuple[int, ...]]) -> list[Read]:
    return [partial(model.take, picture(n, shape), request) for n, shape in enumerate(shapes)]


@pytest.fixture
def batches(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """The pictures that went through the networks together, by the value that fills each."""
    seen: list[list[int]] = []
    run = flowing.run_measured

    def noted(model: Model, items: Sequence[Input], request: Any) -> Any:
        seen.append([int(item.stored[0, 0, 0, 0]) for item in items])
        return run(model, items, request)

    monkeypatch.setattr(flowing, "run_measured", noted)
    return seen


def outcomes(model: Model, shapes: Sequence[tuple[int, ...]], **controls: Any) -> list[Any]:
    request = model.request({"noise": 0.0, **controls})
    return [done.result() for done in flow(model, reads(model, request, shapes), request, first_value)]


def test_pictures_of_one_shape_go_together_and_results_come_in_order(batches: list[list[int]]) -> None:
    shapes = [WIDE, TALL, WIDE, TALL, WIDE, WIDE, WIDE]
    assert outcomes(many(), shapes, batch=2) == [(n, n) for n in range(7)]
    assert batches == [[0, 2], [1, 3], [4, 5], [6]]


def test_a_rare_shape_does_not_wait_for_ever(
    batches: list[list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flowing, "WAITING", 4)
    assert outcomes(many(), [TALL, *[WIDE] * 9], batch=3) == [(n, n) for n in range(10)]
    assert [0] in batches[:3]


def test_no_more_is_read_than_the_memory_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flowing, "BYTES", 4 * picture(0).nbytes)
    model, alive, most, lock = many(), 0, 0, threading.Lock()
    request = model.request({"noise": 0.0, "batch": 1})

    def read(number: int) -> Input:
        nonlocal alive, most
        with lock:
            alive += 1
            most = max(most, alive)
        return model.take(picture(number), request)

    def finish(number: int, item: Input, results: list[Tensor]) -> int:
        nonlocal alive
        with lock:
            alive -= 1
        return number

    made = flow(model, [partial(read, n) for n in range(40)], request, finish)
    assert [done.result() for done in made] == list(range(40))
    assert most <= 4 + 4 + 1  # waiting, being finished, at work


def test_what_fails_fails_alone(batches: list[list[int]]) -> None:
    model = many()
    request = model.request({"noise": 0.0, "batch": 4})
    wrong = [partial(model.take, torch.zeros(2, 8, 8, dtype=torch.uint8), request)]
    some = reads(model, request, [WIDE] * 3)
    done = list(flow(model, some[:1] + wrong + some[1:], request, first_value))
    assert [bool(each.exception()) for each in done] == [False, True, False, False]
    with pytest.raises(I2IError, match="the picture has 2 channels; this model takes 3"):
        done[1].result()


def test_a_batch_that_does_not_fit_is_translated_singly(monkeypatch: pytest.MonkeyPatch) -> None:
    model, run = many(), flowing.run_measured

    def short(model: Model, items: Sequence[Input], request: Any) -> Any:
        if len(items) > 1 or int(items[0].stored.max()) == 2:
            raise I2IError("there is not enough memory")
        return run(model, items, request)

    monkeypatch.setattr(flowing, "run_measured", short)
    request = model.request({"noise": 0.0, "batch": 4})
    done = list(flow(model, reads(model, request, [WIDE] * 4), request, first_value))
    assert [str(each.exception() or "") for each in done] == ["", "", "there is not enough memory", ""]


def test_a_program_error_is_not_a_pictures_fault() -> None:
    model = many()
    request = model.request({})

    def broken(number: int, item: Input, results: list[Tensor]) -> int:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(flow(model, reads(model, request, [WIDE]), request, broken))


def test_samples_that_are_all_the_same_end_it() -> None:
    model = many()
    request = model.request({"samples": 2, "noise": 0.0})
    with pytest.raises(NothingDrawnError):
        next(flow(model, reads(model, request, [WIDE] * 2), request, first_value))


def test_threads_end_with_it() -> None:
    model = many()
    request = model.request({"batch": 1})

    def endless() -> Iterator[Read]:
        while True:
            yield partial(model.take, picture(1), request)

    before = threading.active_count()
    with closing(flow(model, endless(), request, first_value)) as made:
        assert isinstance(next(made), Future)
    assert threading.active_count() == before


@pytest.mark.parametrize(
    ("device", "precision", "counts"),
    [
        ("cpu", "fp32", [64, 8, 2, 1]),
        ("cpu", "bf16", [64, 16, 4, 1]),
        ("cuda", "bf16", [64, 64, 32, 2]),
    ],
)
def test_batches_are_larger_for_small_pictures(device: str, precision: str, counts: list[int]) -> None:
    model = many()
    request = model.request({})
    items = [model.take(torch.zeros(3, side, side), request) for side in (16, 128, 256, 1024)]
    model.device, model.precision = torch.device(device), precision
    assert [together(model, item, request) for item in items] == counts
    assert together(model, items[0], model_request(batch=5)) == 5


def model_request(**controls: Any) -> Any:
    return many().request(controls)
