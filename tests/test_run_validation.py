"""Judging: against the truth, picture by picture; the best is remembered."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import everything, published_norms, registry, tiny_engine, tiny_spec, tiny_tables, unequal
from PIL import Image
from torch import Tensor

import i2i
from i2i.core.errors import I2IError
from i2i.core.registry import Registry
from i2i.core.schema import Ref
from i2i.run.validation import Ranking, judgement, material_of, metrics_of
from i2i.spec.assemble import build_source
from i2i.spec.spec import Spec, resolve
from i2i.translate.evaluating.judging import Material


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


def material(spec: Spec) -> Material | None:
    return material_of(spec, registry(), build_source(spec, registry()), tiny_engine(spec))


def with_metric(name: str, metric: Any) -> Registry:
    """What is installed, and a metric."""
    known = Registry(owner="test")
    known.merge(registry())
    known.add("metric", name, metric)
    return known


@pytest.mark.parametrize("strategy", ["pix2pix", "cyclegan"])
def test_every_held_out_picture_is_compared_with_its_truth(strategy: str) -> None:
    spec = tiny_spec(strategy, data={"count": 20})
    judged = material(spec)
    assert judged is not None
    seen: list[tuple[Tensor, Tensor]] = []

    def metric(output: Tensor, truth: Tensor) -> float:
        seen.append((output, truth))
        return float(len(seen))

    found = judgement(
        tiny_engine(spec), judged, [Ref.of("metric", "counting", {})], with_metric("counting", metric)
    )
    held = judged.source
    assert len(seen) == 2 * len(held) == 8
    sample = held.load(0, torch.Generator().manual_seed(0))
    truth = sample[held.facts.truth["a"]] / 127.5 - 1
    assert torch.allclose(seen[0][1][0], truth, atol=1e-6)
    # results are judged at odd calls, the untouched input at even ones
    assert torch.allclose(seen[1][0][0], sample["a"] / 127.5 - 1, atol=1e-6)
    assert found == {"counting": 4.0, "counting_of_copying": 5.0}


def test_judging_twice_gives_the_same_and_leaves_random_numbers_alone() -> None:
    spec = tiny_spec("pix2pix")
    engine, judged = tiny_engine(spec), material(spec)
    assert judged is not None

    def noisy(output: Tensor, truth: Tensor) -> float:
        torch.rand(3)
        return float((output - truth).abs().mean())

    known, metrics = with_metric("noisy", noisy), [Ref.of("metric", "noisy", {})]
    torch.manual_seed(1)
    first = judgement(engine, judged, metrics, known)
    after = torch.rand(())
    torch.manual_seed(1)
    assert torch.equal(after, torch.rand(()))
    torch.manual_seed(2)
    assert judgement(engine, judged, metrics, known) == first


def test_data_of_its_own_is_judged() -> None:
    other = {"name": "demo", "layout": "paired", "size": 64, "count": 3, "split": "test"}
    judged = material(tiny_spec("pix2pix", validate={"data": other}))
    assert judged is not None
    assert len(judged.source) == 1


@pytest.fixture
def unpaired(tmp_path: Path) -> dict[str, Any]:
    for folder in ("trainA", "trainB", "testA", "testB"):
        (tmp_path / folder).mkdir()
        Image.new("RGB", (32, 32)).save(tmp_path / folder / "1.png")
    return {"name": "unpaired", "root": str(tmp_path), "size": 32}


def test_data_without_truth_is_refused(unpaired: dict[str, Any]) -> None:
    spec = tiny_spec("cyclegan", validate={"data": unpaired})
    with pytest.raises(I2IError, match=r"validate\.data: the true translations of this data are not known"):
        material(spec)


class Brightness:
    """How bright results are; it needs no truth."""

    higher_is_better = True

    def __init__(self) -> None:
        self.seen = list[float]()

    def update(self, result: Tensor) -> None:
        self.seen += result.mean((1, 2, 3)).tolist()

    def compute(self) -> dict[str, float]:
        return {"brightness": sum(self.seen) / len(self.seen), "pictures": float(len(self.seen))}


def test_a_metric_that_needs_no_truth_judges_data_without(unpaired: dict[str, Any]) -> None:
    known = with_metric("brightness", Brightness)
    tables = tiny_tables("cyclegan", validate={"metric": "brightness", "data": unpaired})
    spec = resolve(tables, known)
    assert spec.validation.direction == "max"
    judged = material_of(spec, known, build_source(spec, known), tiny_engine(spec))
    assert judged is not None
    found = judgement(tiny_engine(spec), judged, metrics_of(spec), known)
    assert found.keys() == {"brightness", "brightness_pictures"}
    assert found["brightness_pictures"] == 1.0


class Picky(Brightness):
    """Needs the labels that pictures were made from."""

    def update(self, result: Tensor, labels: Tensor) -> None:  # type: ignore[override]
        """Look at nothing."""


def test_a_metric_that_lacks_something_is_refused_before_training() -> None:
    known = with_metric("picky", Picky)
    for key, value in (("metric", "picky"), ("also", ["picky"])):
        spec = resolve(tiny_tables("pix2pix", validate={key: value}), known)
        with pytest.raises(I2IError, match=rf"validate\.{key}: metric 'picky' needs label maps as inputs"):
            material_of(spec, known, build_source(spec, known), tiny_engine(spec))


class Odd(Brightness):
    """Asks for what nobody shows."""

    def update(self, results: Tensor) -> None:  # type: ignore[override]
        """Look at nothing."""


def test_a_metric_that_nobody_can_show_anything_is_refused_at_registration() -> None:
    with pytest.raises(I2IError, match=r"metric 'odd': nobody shows its update 'results'\n.*'result'"):
        with_metric("odd", Odd)
    with pytest.raises(I2IError, match="metric 'empty': Empty has no method update and no compute"):
        with_metric("empty", type("Empty", (), {"__init__": lambda self: None}))


def test_the_wrong_direction_is_refused() -> None:
    known = with_metric("brightness", Brightness)
    tables = tiny_tables("pix2pix", validate={"metric": "brightness", "direction": "min"})
    with pytest.raises(I2IError, match=r"validate\.direction: of 'brightness' higher values are better"):
        resolve(tables, known)


FEATURES = {"network": "test_resnet", "weights": "random"}
JUDGED = {"metric": {"name": "kid", **FEATURES}, "also": [{"name": "fid", **FEATURES}, "l1"]}


def weights_after(tables: dict[str, Any], out: Path) -> dict[str, Tensor]:
    run = i2i.build(tables, out=out)
    run.train()
    return everything(run.engine)


@pytest.mark.filterwarnings("ignore::i2i.core.errors.I2IWarning")  # of few pictures, FID is biased
@pytest.mark.parametrize("strategy", ["pix2pix", "bicyclegan"])
def test_a_run_with_validation_equals_the_run_without(strategy: str, tmp_path: Path) -> None:
    def tables(every: int, **validate: Any) -> dict[str, Any]:
        published = published_norms(strategy)  # batch norm, whose averages a judgement could change
        train = {"steps": 4, "batch": 2, "validate_every": every}
        own = tiny_tables(strategy, options=published, train=train, data={"count": 20})
        return {**own, "validate": validate}

    judged = weights_after(tables(1, **JUDGED), tmp_path / "judged")
    alone = weights_after(tables(1000), tmp_path / "alone")
    assert unequal(judged, alone) == []
    lines = (tmp_path / "judged/metrics.jsonl").read_text().splitlines()
    assert sum("validate/fid" in line and "validate/l1" in line for line in lines) == 4
    assert not any("validate/l1_of_copying" in line for line in lines)  # of what counts alone


@pytest.mark.filterwarnings("ignore::i2i.core.errors.I2IWarning")
def test_a_resumed_run_knows_its_best(tmp_path: Path) -> None:
    own = tiny_tables("pix2pix", train={"steps": 4, "batch": 2, "checkpoint_every": 1, "validate_every": 1})
    tables = {**own, "data": {**own["data"], "count": 20}, "validate": JUDGED}
    whole = i2i.build(tables, out=tmp_path / "whole")
    whole.train()
    for step, _ in enumerate(i2i.build(tables, out=tmp_path / "cut").steps(), start=1):
        if step == 2:
            break
    cut = i2i.Run.open(tmp_path / "cut")
    assert cut.engine.step == 2
    cut.train()
    assert (cut.ranking.best, cut.ranking.since) == (whole.ranking.best, whole.ranking.since)
    best = [(tmp_path / name / "checkpoints/best").read_text() for name in ("whole", "cut")]
    assert best[0] == best[1]


def test_a_metric_that_cannot_look_at_such_pictures_is_known_before_training() -> None:
    spec = tiny_spec("pix2pix", data={"count": 20}, validate={"metric": "l1", "also": ["ms-ssim"]})
    with pytest.raises(
        I2IError, match=r"validate\.also: metric 'ms-ssim' needs sides of at least 176 pixels"
    ):
        material(spec)


class Late(Brightness):
    """Finds at the end that it cannot say anything."""

    def compute(self) -> dict[str, float]:
        raise I2IError("metric 'late': these are too few pictures")


def test_what_was_trained_is_kept_when_a_judgement_fails(tmp_path: Path) -> None:
    known = with_metric("late", Late)
    tables = tiny_tables("pix2pix", train={"steps": 6, "batch": 2, "validate_every": 3})
    run = i2i.build({**tables, "validate": {"metric": "late"}}, registry=known, out=tmp_path / "run")
    with pytest.raises(I2IError, match="too few pictures"):
        run.train()
    assert (tmp_path / "run/checkpoints/step-000003/state.json").is_file()
