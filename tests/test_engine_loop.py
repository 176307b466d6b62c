"""The loop does what the table of each phase says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from helpers import unequal
from torch import Tensor, nn
from toy import chain, pictures, size, slope, toy_engine

from i2i.core.batch import Batch, Parts
from i2i.core.errors import I2IError
from i2i.core.strategy import Phase
from i2i.engine.loop import Engine
from i2i.losses import second_order


def gradients(engine: Engine, loss: Tensor, name: str) -> list[Tensor]:
    """What autograd says, asked directly."""
    return list(torch.autograd.grad(loss, list(engine.net[name].parameters()), retain_graph=True))


def moves(engine: Engine, run: Callable[[], Any]) -> dict[str, list[Tensor]]:
    """How far every weight moves."""
    before = {name: [p.detach().clone() for p in m.parameters()] for name, m in engine.net.modules().items()}
    run()
    return {
        name: [p.detach() - old for p, old in zip(m.parameters(), before[name], strict=True)]
        for name, m in engine.net.modules().items()
    }


# --- who minimises what ------------------------------------------------------------------------------------


def test_a_term_reaches_the_networks_that_list_it_and_no_other() -> None:
    table = {"G": {"picture": 1.0, "code": 0.5}, "E": {"picture": 1.0}}
    engine = toy_engine(Phase("both", chain, table), lr=0.1)
    terms = chain(engine.net, Batch(pictures()))
    wanted = {
        "G": gradients(engine, terms["picture"] + 0.5 * terms["code"], "G"),
        "E": gradients(engine, terms["picture"], "E"),
    }
    moved = moves(engine, lambda: engine.advance(pictures()))
    for name, gradient in wanted.items():
        for step, steepness in zip(moved[name], gradient, strict=True):
            assert torch.allclose(
                step, -0.1 * steepness, rtol=1e-6, atol=0
            )  # the sum of the terms is in fp32
    assert not any(step.any() for step in moved["D"])


@pytest.mark.parametrize(("weight", "passes"), [(1.0, 1), (2.0, 2)])
def test_equal_rows_share_a_backward_pass(
    weight: float, passes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []
    backward = torch.autograd.backward

    def counted(*arguments: Any, **options: Any) -> None:
        calls.append(1)
        backward(*arguments, **options)

    monkeypatch.setattr(torch.autograd, "backward", counted)
    rows = {"G": {"picture": 1.0, "code": 1.0}, "E": {"picture": 1.0, "code": weight}}
    toy_engine(Phase("both", chain, rows)).advance(pictures())
    assert len(calls) == passes


def test_reports_are_unweighted_means_over_the_micro_batches() -> None:
    def terms(net: Parts, x: Batch) -> dict[str, Tensor]:
        return {"value": x.a.mean() + 0 * size(net.G(x.a))}

    engine = toy_engine(Phase("only", terms, {"G": {"value": 7.0}}), batch=4, accumulate=2)
    (report,) = engine.run([pictures(4)], 1)
    assert report.keys() == {"only/value"}
    assert float(report["only/value"]) == pytest.approx(float(pictures(4)["a"].mean()), rel=1e-12)
    assert not report["only/value"].requires_grad


def test_a_weight_may_be_a_function_of_the_step() -> None:
    phase = Phase(
        "only", lambda net, x: {"size": size(net.G(x.a))}, {"G": {"size": lambda step: float(step)}}
    )
    engine = toy_engine(phase)
    first = moves(engine, lambda: engine.advance(pictures()))
    second = moves(engine, lambda: engine.advance(pictures()))
    assert not any(step.any() for step in first["G"])
    assert all(step.any() for step in second["G"])


def test_a_phase_runs_at_every_nth_step() -> None:
    phases = [
        Phase(n, lambda net, x: {"size": size(net.G(x.a))}, {"G": {"size": 1.0}}, k)
        for n, k in (("one", 1), ("three", 3))
    ]
    engine = toy_engine(*phases)
    reports = list(engine.run([pictures()] * 6, 6))
    assert [len(report) for report in reports] == [1, 1, 2, 1, 1, 2]


def test_prepare_runs_once_a_step_for_each_micro_batch_and_its_graph_serves_later_phases() -> None:
    calls: list[int] = []

    def prepare(net: Parts, x: Batch) -> None:
        calls.append(len(x))
        x.fake = net.G(x.a)

    judge = Phase("judge", lambda net, x: {"judged": size(net.D(x.fake.detach()))}, {"D": {"judged": 1.0}})
    fool = Phase("fool", lambda net, x: {"fooled": size(net.D(x.fake))}, {"G": {"fooled": 1.0}})
    engine = toy_engine(judge, fool, prepare=prepare, batch=4, accumulate=2)
    moved = moves(engine, lambda: list(engine.run([pictures(4), pictures(4)], 2)))
    assert calls == [2] * 4
    assert all(step.any() for step in moved["G"] + moved["D"])


def test_a_step_takes_no_stray_gradient_and_leaves_no_frozen_weight() -> None:
    both = Phase("both", chain, {"G": {"picture": 1.0, "code": 1.0}, "E": {"code": 1.0}})
    clean, stray = toy_engine(both), toy_engine(both)
    for weight in (p for m in stray.net.modules().values() for p in m.parameters()):
        weight.grad = torch.ones_like(weight)
    for engine in (clean, stray):
        engine.advance(pictures())
    for name, module in clean.trained.items():
        for one, other in zip(module.parameters(), stray.trained[name].parameters(), strict=True):
            assert torch.equal(one, other)
            assert other.requires_grad


def test_the_rate_scales_every_learning_rate() -> None:
    phase = Phase("only", lambda net, x: {"size": size(net.G(x.a))}, {"G": {"size": 1.0}})
    full, half = (toy_engine(phase, rate=rate) for rate in (lambda s: 1.0, lambda s: 0.5))
    whole, part = (moves(e, lambda e=e: e.advance(pictures()))["G"] for e in (full, half))
    assert not unequal(*({str(i): t for i, t in enumerate(m)} for m in ([s / 2 for s in whole], part)), 1e-15)
    assert half.rates() == {"G": 0.05}


def test_averages_copy_what_is_no_weight() -> None:
    engine = toy_engine(
        Phase("only", lambda net, x: {"size": size(net.G(x.a))}, {"G": {"size": 1.0}}), ema={"G": 0.5}
    )
    for module in (engine.net.G, engine.ema["G"]):
        module.register_buffer("seen", torch.zeros(1))
    engine.net.G.seen += 3
    engine.advance(pictures())
    assert engine.ema["G"].seen.item() == 3
    assert not any(p.requires_grad for p in engine.ema["G"].parameters())


def test_numbers_that_bypass_the_batch_are_addressed_too() -> None:
    def terms(net: Parts, x: Batch) -> dict[str, Tensor]:
        return {"size": size(net.G(x.a)) * torch.rand(())}

    phase = Phase("only", terms, {"G": {"size": 1.0}})
    through = toy_engine(phase)
    reports = list(through.run([pictures()] * 3, 3))
    stopped, resumed = toy_engine(phase), toy_engine(phase)
    list(stopped.run([pictures()] * 2, 2))
    resumed.restore(*stopped.state())
    torch.rand(5)  # whatever happens in between
    assert not unequal(resumed.advance(pictures()), reports[2])


def test_an_overflow_skips_its_phase_alone() -> None:
    phases = [
        Phase("fine", lambda net, x: {"size": size(net.G(x.a).float())}, {"G": {"size": 1e-3}}),
        Phase("overflowing", lambda net, x: {"size": size(net.D(x.a).float())}, {"D": {"size": 1e38}}),
    ]
    engine = toy_engine(*phases, precision="fp16")
    for module in engine.net.modules().values():
        module.float()
    scales = {name: scaler.get_scale() for name, scaler in engine.scalers.items()}
    moved = moves(engine, lambda: engine.advance({"a": pictures()["a"].float()}))
    assert all(step.any() for step in moved["G"]) and not any(step.any() for step in moved["D"])
    assert engine.scalers["fine"].get_scale() == scales["fine"]
    assert engine.scalers["overflowing"].get_scale() == scales["overflowing"] / 2


def test_clipping_is_of_the_true_gradient_also_where_it_is_scaled() -> None:
    phase = Phase("only", lambda net, x: {"size": size(net.G(x.a).float())}, {"G": {"size": 1.0}})
    engine = toy_engine(phase, precision="fp16", clip=1e-3, lr=1.0)
    for module in engine.net.modules().values():
        module.float()
    moved = moves(engine, lambda: engine.advance({"a": pictures()["a"].float()}))
    norm = float(sum(step.square().sum() for step in moved["G"])) ** 0.5
    assert norm == pytest.approx(1e-3, rel=1e-3)  # fp32 weights near 1 move by multiples of 1e-7


# --- compiled ----------------------------------------------------------------------------------------------


def left_by_an_earlier_phase(net: Parts, x: Batch) -> dict[str, Tensor]:
    x.fake = net.G(x.a)
    return {"judged": size(net.D(x.fake.detach()))}


@pytest.mark.parametrize("compiled", [False, True])
def test_a_later_phase_trains_through_what_an_earlier_one_left(compiled: bool) -> None:
    judge = Phase("judge", left_by_an_earlier_phase, {"D": {"judged": 1.0}})
    fool = Phase("fool", lambda net, x: {"fooled": size(net.D(x.fake))}, {"G": {"fooled": 1.0}})
    engine = toy_engine(judge, fool, compiled=compiled)
    moved = moves(engine, lambda: engine.advance(pictures()))
    assert all(step.any() for step in moved["G"])


def test_compiled_networks_that_are_not_trained_any_more_are_frozen_meanwhile() -> None:
    open_weights: dict[str, list[bool]] = {}

    def terms(net: Parts, x: Batch) -> dict[str, Tensor]:
        open_weights.update(
            {name: [p.requires_grad for p in m.parameters()] for name, m in net.modules().items()}
        )
        return {"fooled": size(net.D(net.G(x.a)))}

    judge = Phase("judge", lambda net, x: {"judged": size(net.D(x.a))}, {"D": {"judged": 1.0}})
    engine = toy_engine(judge, Phase("fool", terms, {"G": {"fooled": 1.0}}), compiled=True)
    engine.net.D.first.bias.requires_grad_(False)  # the author's own choice
    engine.advance(pictures())
    assert open_weights["D"] == [False] * 4 and open_weights["G"] == [True] * 4
    assert [p.requires_grad for p in engine.net.D.parameters()] == [True, False, True, True]


def slope_inside(net: Parts, x: Batch) -> dict[str, Tensor]:
    with second_order():
        return slope(net, x)


def test_second_order_terms_train_compiled_networks() -> None:
    steps = [
        moves(engine, lambda e=engine: e.advance(pictures()))["D"]
        for engine in (
            toy_engine(Phase("judge", slope, {"D": {"penalty": 1.0}})),
            toy_engine(Phase("judge", slope_inside, {"D": {"penalty": 1.0}}), compiled=True),
        )
    ]
    assert not unequal(*({str(i): t for i, t in enumerate(step)} for step in steps), 1e-12)


# --- what an engine refuses ------------------------------------------------------------------------------


def test_a_network_is_not_there() -> None:
    with pytest.raises(I2IError, match=r"^there is no part 'F'; there are G, D, E$"):
        toy_engine(Phase("only", chain, {"F": {"picture": 1.0}}))


def test_an_optimizer_is_missing() -> None:
    engine = toy_engine(Phase("only", chain, {"G": {"picture": 1.0}}))
    phase = Phase("only", chain, {"G": {"picture": 1.0}, "E": {"picture": 1.0}})
    with pytest.raises(I2IError, match=r"^no optimizer for E, which the phases train$"):
        Engine(engine.strategy, engine.net, [phase], {"G": engine.optimizers["G"]}, settings=engine.settings)


def test_two_phases_have_one_name() -> None:
    with pytest.raises(I2IError, match=r"^several phases are called only; each needs a name of its own$"):
        toy_engine(*[Phase("only", chain, {"G": {"picture": 1.0}})] * 2)


def test_a_batch_of_another_size_is_refused() -> None:
    engine = toy_engine(Phase("only", chain, {"G": {"picture": 1.0, "code": 1.0}}))
    with pytest.raises(ValueError, match=r"^'a' holds 3 samples, not 2$"):
        engine.advance(pictures(3))


# --- state -------------------------------------------------------------------------------------------------


def test_optimizer_state_is_stored_under_the_names_of_weights() -> None:
    phase = Phase("only", lambda net, x: {"size": size(net.G(x.a))}, {"G": {"size": 1.0}})
    engine = toy_engine(phase)
    engine.optimizers["G"] = torch.optim.Adam(engine.net.G.parameters())
    engine.advance(pictures())
    tensors, facts = engine.state()
    assert tensors["G.optimizer"].keys() == {
        f"{layer}.{kind}/{key}"
        for layer in ("first", "second")
        for kind in ("weight", "bias")
        for key in ("step", "exp_avg", "exp_avg_sq")
    }
    weight = engine.net.G.first.weight
    assert torch.equal(
        tensors["G.optimizer"]["first.weight/exp_avg"], engine.optimizers["G"].state[weight]["exp_avg"]
    )
    assert facts == {"step": 1, "images": 2, "stage": 0, "attempt": 0, "skips": 0, "scalers": {}}
    assert {"D", "E"} <= tensors.keys() and "D.optimizer" not in tensors


def test_a_state_of_other_networks_is_refused() -> None:
    engine = toy_engine(Phase("only", chain, {"G": {"picture": 1.0, "code": 1.0}}))
    tensors, facts = engine.state()
    engine.net.G.first = nn.Conv2d(1, 3, 3)
    with pytest.raises(I2IError, match="the checkpoint's G does not fit the spec"):
        engine.restore(tensors, facts)
    del tensors["G"]
    with pytest.raises(I2IError, match="the checkpoint's G does not fit the spec"):
        engine.restore(tensors, facts)
