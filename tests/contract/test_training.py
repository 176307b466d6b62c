"""What every strategy keeps to while it trains."""

from __future__ import annotations

import copy
import math
from pathlib import Path

import pytest
import torch
from helpers import (
    batches,
    double,
    everything,
    in_double,
    networks,
    published_norms,
    strategies,
    tiny_engine,
    tiny_spec,
    train,
    unequal,
)

from i2i.engine import checkpoint
from i2i.spec.spec import Spec

every_strategy = pytest.mark.parametrize("name", strategies())


@every_strategy
@pytest.mark.parametrize(
    ("broken_after", "precision", "workers", "accumulate"),
    [(4, "fp32", 0, 1), (3, "fp32", 2, 2), (5, "bf16", 0, 2), (1, "fp16", 0, 2)],
)
def test_a_broken_run_ends_like_an_unbroken_one(
    name: str, broken_after: int, precision: str, workers: int, accumulate: int, tmp_path: Path
) -> None:
    settings = {
        "precision": precision,
        "clip": 1.0,
        "ema": dict.fromkeys(networks(name), 0.9),
        "accumulate": accumulate,
    }
    spec = tiny_spec(name, options=published_norms(name), train=settings, data={"workers": workers})
    whole = tiny_engine(spec)
    before = {net: copy.deepcopy(m.state_dict()) for net, m in whole.trained.items()}
    terms = train(whole, spec, broken_after)
    checkpoint.write(tmp_path / "broken", *whole.state(), {})
    terms += train(whole, spec, 8)

    resumed = tiny_engine(spec)
    resumed.restore(*checkpoint.read(tmp_path / "broken"))
    assert resumed.step == broken_after
    again = train(resumed, spec, 8)
    for one, other in zip(terms[broken_after:], again, strict=True):
        assert not unequal(one, other)
    assert not unequal(everything(whole), everything(resumed))
    assert whole.state()[1] == resumed.state()[1]
    for net, start in before.items():
        assert unequal(start, whole.trained[net].state_dict()), f"{net} never moved"


@every_strategy
def test_a_step_on_pictures_that_are_nan_leaves_no_trace_of_them(name: str, tmp_path: Path) -> None:
    settings = {"on_nonfinite": "skip", "ema": dict.fromkeys(networks(name), 0.9)}
    spec = tiny_spec(name, options=published_norms(name), train=settings)
    engine, resumed = tiny_engine(spec), tiny_engine(spec)
    train(engine, spec, 3)
    bad = {
        key: t.fill_(math.nan) if t.is_floating_point() else t for key, t in next(batches(spec, 3)).items()
    }
    report = engine.advance(bad)
    assert any(term.isnan() for term in report.values())
    assert engine.guard.count == 1
    assert [key for key, t in everything(engine).items() if not t.isfinite().all()] == []
    checkpoint.write(tmp_path / "four", *engine.state(), {})

    resumed.restore(*checkpoint.read(tmp_path / "four"))
    terms, again = (train(each, spec, 6) for each in (engine, resumed))
    assert all(term.isfinite() for report in terms for term in report.values())
    assert [unequal(one, other) for one, other in zip(terms, again, strict=True)] == [[], []]
    assert not unequal(everything(engine), everything(resumed))


@every_strategy
@pytest.mark.parametrize(("precision", "within"), [("bf16", 0.03), ("fp16", 0.005)])
def test_half_precision_stays_near(name: str, precision: str, within: float) -> None:
    # A term is a mean over thousands of values; each carries 8 (11) bits through a dozen layers.
    spec = tiny_spec(name, train={"precision": precision})
    (half,) = train(tiny_engine(spec), spec, 1)
    (full,) = train(tiny_engine(tiny_spec(name)), spec, 1)
    for term in full:
        assert float(half[term]) == pytest.approx(float(full[term]), rel=within, abs=within), term
    assert any(not torch.equal(half[term], full[term]) for term in full)


@every_strategy
def test_averaged_weights_follow_the_formula(name: str) -> None:
    net = networks(name)[0]
    spec = tiny_spec(name, train={"ema": {net: 0.75}})
    engine = tiny_engine(spec)
    network, average = engine.net[net], engine.ema[net]
    expected = {k: v.detach().clone() for k, v in network.named_parameters()}
    for _ in engine.run(batches(spec), 3):
        for key, weight in network.named_parameters():
            expected[key] = 0.75 * expected[key] + 0.25 * weight.detach()
    assert not unequal(
        dict(average.named_parameters()), expected, 1e-6
    )  # one rounding each step, of weights up to 4
    assert unequal(dict(average.named_parameters()), dict(network.named_parameters()), 1e-5)
    assert not unequal(dict(average.named_buffers()), dict(network.named_buffers()))
    assert engine.best_net()[net] is engine.ema[net]


@every_strategy
def test_gradients_are_clipped_network_by_network(name: str) -> None:
    plain = {"default": {"name": "sgd", "lr": 1.0}}
    free, tight = (tiny_spec(name, optimizers=plain, train=t) for t in ({}, {"clip": 1e-3}))
    moved, clipped = step_sizes(free), step_sizes(tight)
    for net, size in clipped.items():
        assert size <= 1e-3 * 1.001, net
        assert size == pytest.approx(min(1e-3, moved[net]), rel=0.01), net  # small gradients stay


def step_sizes(spec: Spec) -> dict[str, float]:
    """How far each network moves in a step, in fp64: at a rate of one, the norm of its gradient."""
    engine = in_double(tiny_engine(spec))
    for batch, _ in zip(batches(spec), range(max(phase.every for phase in engine.phases)), strict=False):
        before = {net: [p.detach().clone() for p in m.parameters()] for net, m in engine.trained.items()}
        engine.advance(double(batch))
    return {
        net: math.sqrt(
            sum(
                float((p.detach() - old).square().sum())
                for p, old in zip(m.parameters(), before[net], strict=True)
            )
        )
        for net, m in engine.trained.items()
    }


@every_strategy
def test_the_learning_rate_follows_the_schedule(name: str) -> None:
    spec = tiny_spec(name, train={"steps": 400}, schedule={"name": "linear", "constant": 100, "decay": 100})
    engine = tiny_engine(spec)
    base = engine.optimizers[networks(name)[0]].param_groups[0]["lr"]
    for epoch, factor in {1: 1, 100: 1, 101: 0.9901, 150: 0.50495, 199: 0.0198, 200: 0.0099}.items():
        engine.step = (epoch - 1) * 2 + 1  # 8 samples, 4 a step: the second step of the epoch
        train(engine, spec, engine.step + 1)
        assert engine.rates()[networks(name)[0]] == pytest.approx(base * factor, rel=5e-4), epoch
