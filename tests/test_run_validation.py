"""Judging: against the truth, picture by picture; the best is remembered."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from helpers import registry, tiny_engine, tiny_spec
from torch import Tensor

from i2i.core.errors import I2IError
from i2i.run.validation import Ranking, judge, judged_source
from i2i.spec.assemble import build_source


@pytest.mark.parametrize(
    ("direction", "values", "better", "best", "since"),
    [
        ("min", [3.0, 2.0, 2.0, 5.0], [True, True, False, False], 2.0, 2),
        ("max", [3.0, 2.0, 5.0], [True, False, True], 5.0, 0),
        ("min", [math.nan, 1.0, math.nan], [False, True, False], 1.0, 1),
        ("max", [-math.inf, 0.0], [True, True], 0.0, 0),
    ],
)
def test_the_best_is_remembered(
    direction: str, values: list[float], better: list[bool], best: float, since: int
) -> None:
    ranking = Ranking(direction)
    assert [ranking.add(value) for value in values] == better
    assert (ranking.best, ranking.since) == (best, since)


@pytest.mark.parametrize("strategy", ["pix2pix", "cyclegan"])
def test_every_held_out_picture_is_compared_with_its_truth(strategy: str) -> None:
    spec = tiny_spec(strategy, data={"count": 20})
    held = judged_source(spec, registry(), build_source(spec, registry()))
    assert held is not None
    seen: list[tuple[Tensor, Tensor]] = []

    def metric(output: Tensor, truth: Tensor) -> float:
        seen.append((output, truth))
        return float(len(seen))

    judgement = judge(tiny_engine(spec), held, metric)
    assert len(seen) == 2 * len(held) == 8
    sample = held.load(0, torch.Generator().manual_seed(0))
    truth = sample[held.facts.truth["a"]] / 127.5 - 1
    assert torch.allclose(seen[0][1][0], truth, atol=1e-6)
    # results are judged at odd calls, the untouched input at even ones
    assert torch.allclose(seen[1][0][0], sample["a"] / 127.5 - 1, atol=1e-6)
    assert (judgement.value, judgement.copying) == (4.0, 5.0)


def test_judging_twice_gives_the_same(strategy: str = "pix2pix") -> None:
    spec = tiny_spec(strategy)
    engine, held = tiny_engine(spec), judged_source(spec, registry(), build_source(spec, registry()))
    assert held is not None

    def distance(output: Tensor, truth: Tensor) -> float:
        return float((output - truth).abs().mean())

    torch.manual_seed(1)
    first = judge(engine, held, distance)
    torch.manual_seed(2)
    assert judge(engine, held, distance) == first


def test_data_of_its_own_is_judged(tmp_path: Any) -> None:
    other = {"name": "demo", "layout": "paired", "size": 64, "count": 3, "split": "test"}
    spec = tiny_spec("pix2pix", validate={"data": other})
    held = judged_source(spec, registry(), build_source(spec, registry()))
    assert held is not None
    assert len(held) == 1


def test_data_without_truth_is_refused(tmp_path: Any) -> None:
    from PIL import Image

    for folder in ("trainA", "trainB", "testA", "testB"):
        (tmp_path / folder).mkdir()
        Image.new("RGB", (32, 32)).save(tmp_path / folder / "1.png")
    unpaired = {"name": "unpaired", "root": str(tmp_path)}
    spec = tiny_spec("cyclegan", validate={"data": unpaired})
    with pytest.raises(I2IError, match=r"validate\.data: the true translations of this data are not known"):
        judged_source(spec, registry(), build_source(spec, registry()))
