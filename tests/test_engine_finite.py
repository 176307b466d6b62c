"""Numbers that are not finite are caught in the phase that made them, named, and left out without a trace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from helpers import everything, unequal
from torch import Tensor, nn
from toy import pictures, size, toy_engine

from i2i.core.batch import Batch, Parts
from i2i.core.strategy import Phase
from i2i.engine import finite
from i2i.engine.finite import NonFiniteError
from i2i.engine.loop import Engine
from i2i.nets.norms import BatchNorm
from i2i.nets.pool import ImagePool

Terms = Callable[[Parts, Batch], dict[str, Tensor]]
NAN, INF = float("nan"), float("inf")


def plain(net: Parts, x: Batch) -> dict[str, Tensor]:
    return {"size": size(net.G(x.a))}


def wrong(at: int, value: float = NAN, terms: Terms = plain) -> Terms:
    """The same terms, but for the first of them at one step (counted from 1) of two samples."""

    def spoilt(net: Parts, x: Batch) -> dict[str, Tensor]:
        found = terms(net, x)
        first = next(iter(found))
        return {**found, first: found[first] * (value if x.images_seen == 2 * (at - 1) else 1.0)}

    return spoilt


def steep(net: Parts, x: Batch) -> dict[str, Tensor]:
    """A term of zero, whose gradient is infinite: the root of nothing."""
    weight = net.G.first.weight
    return {"size": size(net.G(x.a)), "root": (weight - weight.detach()).sqrt().mean()}


def phase(terms: Terms, name: str = "only", network: str = "G", **options: Any) -> Phase:
    return Phase(name, terms, {network: {"size": 1.0}}, **options)


def run(engine: Engine, steps: int) -> list[dict[str, Tensor]]:
    return list(engine.run([pictures()] * steps, steps))


def refused(engine: Engine, steps: int = 5) -> NonFiniteError:
    with pytest.raises(NonFiniteError) as caught:
        run(engine, steps)
    return caught.value


# --- caught within the step, and named ---------------------------------------------------------------------


@pytest.mark.parametrize(("value", "word"), [(NAN, "nan"), (INF, "infinite"), (-INF, "infinite")])
def test_a_term_is_named_with_its_phase_and_step(value: float, word: str) -> None:
    error = refused(toy_engine(phase(wrong(3, value))))
    assert str(error) == f"step 3, phase 'only': the term size is {word}"
    assert (error.step, error.phase, [*error.terms], error.networks) == (3, "only", ["size"], ("G",))
    assert error.images == 4


def test_no_weight_of_the_phase_has_moved() -> None:
    engine, whole = (toy_engine(phase(terms)) for terms in (wrong(3), plain))
    run(whole, 2)
    refused(engine)
    assert engine.step == 2
    assert not unequal(everything(engine), everything(whole))


def test_one_micro_batch_is_enough() -> None:
    def terms(net: Parts, x: Batch) -> dict[str, Tensor]:
        return {"size": size(net.G(x.a)) * (NAN if 1 in x.random.samples else 1.0)}

    error = refused(toy_engine(phase(terms), accumulate=2))
    assert str(error) == "step 1, phase 'only': the term size is nan"


def test_a_gradient_is_named_where_every_term_is_finite() -> None:
    row = {"G": {"size": 1.0, "root": 1.0}}
    engine = toy_engine(Phase("only", steep, row))
    before = everything(engine)
    error = refused(engine)
    assert str(error) == "step 1, phase 'only': the gradient of G (first.weight) is infinite"
    assert (error.terms, error.networks) == ({}, ("G",))
    assert not unequal(everything(engine), before)


def test_weights_that_are_to_blame_are_named_too() -> None:
    engine = toy_engine(phase(plain))
    with torch.no_grad():
        engine.net.G.second.bias.fill_(NAN)
    assert str(refused(engine)) == (
        "step 1, phase 'only': the term size is nan; the weight of G (second.bias) is nan already"
    )


def test_many_weights_are_not_all_named() -> None:
    network = nn.ModuleDict({"G": nn.Sequential(*(nn.Linear(1, 1) for _ in range(4)))})
    for weight in network.parameters():
        nn.init.constant_(weight, INF)
    assert finite.of_networks("weight", finite.bad_weights({"G": network})) == (
        "the weight of G (G.0.weight, G.0.bias, G.1.weight and 5 more) is infinite"
    )


def test_huge_is_not_infinite() -> None:
    def terms(net: Parts, x: Batch) -> dict[str, Tensor]:
        return {"size": size(net.D(x.a).float()) * 1e30}

    # the squares of the gradient are beyond fp32, the gradient is not
    engine = toy_engine(phase(terms, network="D"), lr=1e-30)
    engine.net.D.float()
    (report,) = engine.run([{"a": pictures()["a"].float()}], 1)
    assert torch.linalg.vector_norm(engine.net.D.first.weight.grad).isinf()
    assert report["only/size"] > 1e20


def test_weights_are_refused_before_they_are_written() -> None:
    engine = toy_engine(phase(plain), ema={"G": 0.5})
    run(engine, 1)
    engine.check_weights()
    with torch.no_grad():
        engine.ema["G"].first.bias[0] = INF
    with pytest.raises(
        NonFiniteError, match=r"^step 1: the weight of G.ema \(first.bias\) is infinite$"
    ) as caught:
        engine.check_weights()
    assert caught.value.networks == ("G.ema",)


# --- half precision: an overflowing gradient is no fault ----------------------------------------------------


def half(terms: Terms, **settings: Any) -> Engine:
    engine = toy_engine(phase(terms), precision="fp16", **settings)
    for module in engine.net.modules().values():
        module.float()
    return engine


def advance_half(engine: Engine, steps: int) -> None:
    list(engine.run([{"a": pictures()["a"].float()}] * steps, steps))


def too_steep(net: Parts, x: Batch) -> dict[str, Tensor]:
    weight = net.G.first.weight
    return {"size": size(net.G(x.a).float()) + (weight - weight.detach()).sqrt().mean()}


def test_the_scale_falls_until_it_cannot_be_the_reason() -> None:
    engine = half(too_steep)
    advance_half(engine, 17)
    assert engine.scalers["only"].get_scale() == 0.5  # 65,536 halved seventeen times
    with pytest.raises(NonFiniteError) as caught:
        advance_half(engine, 18)
    assert str(caught.value).startswith("step 18, phase 'only': the gradient of G (first.weight")
    assert str(caught.value).endswith("is infinite at a loss scale of 0.5")


def test_a_term_counts_at_any_scale() -> None:
    with pytest.raises(NonFiniteError, match=r"^step 2, phase 'only': the term size is nan$"):
        advance_half(half(wrong(2)), 3)


# --- left out ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings", [{}, {"compiled": True}, {"precision": "bf16"}, {"accumulate": 2}], ids=str
)
def test_a_step_that_is_left_out_leaves_no_trace(settings: dict[str, Any]) -> None:
    engine, whole = (toy_engine(phase(terms), max_skips=1, **settings) for terms in (wrong(3), plain))
    run(whole, 2)
    before = everything(whole)
    reports = run(engine, 3)
    assert reports[2]["only/size"].isnan()
    assert not unequal(everything(engine), before)
    assert all(weight.grad is None for weight in engine.net.G.parameters())
    assert engine.guard.count == 1
    assert str(engine.guard.latest) == "step 3, phase 'only': the term size is nan"
    assert (engine.step, engine.images) == (3, 6)


def test_so_many_steps_may_be_left_out() -> None:
    engine = toy_engine(phase(lambda net, x: {"size": size(net.G(x.a)) * NAN}), max_skips=2)
    assert str(refused(engine)) == "step 3, phase 'only': the term size is nan"
    assert engine.guard.count == 2


def test_other_phases_and_averages_go_on() -> None:
    phases = [
        phase(wrong(1), "bad"),
        phase(lambda net, x: {"size": size(net.D(x.a))}, "good", "D"),
    ]
    engine = toy_engine(*phases, ema={"D": 0.5}, max_skips=1)
    before = everything(engine)
    run(engine, 1)
    after = everything(engine)
    moved = {key.split(":")[0] for key in after if not torch.equal(after[key], before[key])}
    assert moved == {"D", "D.ema"}


def test_what_is_shared_counts_once() -> None:
    def prepare(net: Parts, x: Batch) -> None:
        x.fake = net.G(x.a) * NAN

    phases = [
        phase(lambda net, x: {"size": size(x.fake)}, "generator"),
        phase(lambda net, x: {"size": size(net.D(x.fake.detach()))}, "discriminator", "D"),
    ]
    engine = toy_engine(*phases, prepare=prepare, max_skips=1)
    before = everything(engine)
    run(engine, 1)
    assert engine.guard.count == 1
    assert "phase 'generator'" in str(engine.guard.latest)
    assert not unequal(everything(engine), before)


def test_resuming_counts_on() -> None:
    whole, stopped, resumed = (
        toy_engine(phase(wrong(4, terms=wrong(2))), max_skips=2, ema={"G": 0.5}) for _ in range(3)
    )
    run(whole, 5)
    run(stopped, 3)
    resumed.restore(*stopped.state())
    assert resumed.guard.count == 1
    list(resumed.run([pictures()] * 2, 5))
    assert not unequal(everything(whole), everything(resumed))
    assert whole.state()[1] == resumed.state()[1]
    assert whole.guard.count == 2


def with_norm(engine: Engine) -> Engine:
    engine.net.G.second = nn.Sequential(BatchNorm(2), engine.net.G.second).double()
    engine.optimizers["G"] = torch.optim.SGD(engine.net.G.parameters(), lr=0.1)
    return engine


@pytest.mark.parametrize("accumulate", [1, 2])
@pytest.mark.parametrize("others", [[], [phase(lambda net, x: {"size": size(net.D(x.a))}, "other", "D")]])
def test_running_statistics_are_as_before(others: list[Phase], accumulate: int) -> None:
    """Whether or not another phase trains in that step."""

    def of_generator() -> dict[str, Tensor]:
        return {key: tensor for key, tensor in everything(engine).items() if key.startswith("G:")}

    engine = with_norm(toy_engine(phase(wrong(2)), *others, max_skips=1, accumulate=accumulate))
    run(engine, 1)
    before = of_generator()
    assert before["G:second.0.running_mean"].any()
    run(engine, 2)
    assert not unequal(of_generator(), before)
    run(engine, 3)
    assert unequal(of_generator(), before)


def test_what_was_prepared_serves_the_phases_that_are_not_left_out() -> None:
    def prepare(net: Parts, x: Batch) -> None:
        x.fake = net.G(x.a)

    phases = [
        phase(lambda net, x: {"size": size(net.D(x.fake.detach())) * NAN}, "discriminator", "D"),
        phase(lambda net, x: {"size": size(x.fake)}, "generator"),
    ]
    engine = with_norm(toy_engine(*phases, prepare=prepare, max_skips=1))
    good = with_norm(toy_engine(phases[1], prepare=prepare))
    for each in (engine, good):
        run(each, 1)
    kept = {key: t for key, t in everything(engine).items() if key.startswith("G")}
    assert not unequal(kept, {key: t for key, t in everything(good).items() if key.startswith("G")})


def test_what_was_prepared_goes_where_no_phase_trains() -> None:
    """Also of a step that follows a good one."""

    def prepare(net: Parts, x: Batch) -> None:
        x.fake = net.G(x.a)

    engine = with_norm(
        toy_engine(phase(wrong(2, terms=lambda net, x: {"size": size(x.fake)})), prepare=prepare, max_skips=1)
    )
    run(engine, 1)
    before = engine.net.G.second[0].running_mean.clone()
    assert before.any()
    run(engine, 2)
    assert torch.equal(engine.net.G.second[0].running_mean, before)


def pooled(net: Parts, x: Batch) -> dict[str, Tensor]:
    x.shown = x.together(net.pool, x.fake)
    return {"size": size(net.D(x.shown))}


@pytest.mark.parametrize("first", ["generator", "discriminator"])
def test_no_pool_keeps_a_picture_that_is_not_finite(first: str) -> None:
    """The pool may show an older picture while it takes in the bad one: no term says so."""

    def prepare(net: Parts, x: Batch) -> None:
        x.fake = net.G(x.a) * (NAN if x.images_seen >= 4 else 1.0)

    phases = {
        "generator": phase(lambda net, x: {"size": size(x.fake)}, "generator"),
        "discriminator": phase(pooled, "discriminator", "D"),
    }
    order = [phases.pop(first), *phases.values()]
    engine = toy_engine(*order, prepare=prepare, max_skips=20)
    engine.net.__dict__["pool"] = pool = ImagePool(2).double()
    engine.guard.modules.append(pool)
    run(engine, 2)
    before = pool.images.clone()
    assert len(before) == 2
    trained = []
    for report in engine.run([pictures()] * 10, 12):
        trained.append(bool(report["discriminator/size"].isfinite()))
        assert pool.images.isfinite().all()
        assert torch.equal(pool.images, before)
    assert True in trained  # the discriminator saw older pictures, and went on
    assert engine.guard.count == 10


def test_a_pool_that_has_grown_shrinks_again() -> None:
    def terms(net: Parts, x: Batch) -> dict[str, Tensor]:
        x.fake = net.G(x.a)
        return pooled(net, x)

    engine = toy_engine(phase(wrong(1, terms=terms), network="D"), max_skips=1)
    engine.net.__dict__["pool"] = pool = ImagePool(3).double()
    engine.guard.modules.append(pool)
    run(engine, 1)
    assert len(pool.images) == 0


# --- another attempt ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("drawn", [lambda x: x.random.uniform(x.a).mean(), lambda x: torch.rand(())])
def test_another_attempt_draws_other_numbers_and_a_resume_repeats_them(
    drawn: Callable[[Batch], Tensor],
) -> None:
    def terms(net: Parts, x: Batch) -> dict[str, Tensor]:
        return {"size": size(net.G(x.a)) * drawn(x)}

    first, second, resumed = (toy_engine(phase(terms)) for _ in range(3))
    second.attempt = 1
    assert first.seed == 0 != second.seed
    (one,), (other, after) = run(first, 1), run(second, 2)
    assert not torch.equal(one["only/size"], other["only/size"])
    run(resumed, 1)
    stopped = toy_engine(phase(terms))
    stopped.attempt = 1
    run(stopped, 1)
    resumed.restore(*stopped.state())
    assert (resumed.attempt, resumed.seed) == (1, second.seed)
    assert not unequal(resumed.advance(pictures()), after)
