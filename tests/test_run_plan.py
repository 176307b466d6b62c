"""What another length does to the learning rate, in words."""

from __future__ import annotations

import pytest

from i2i.core.errors import I2IError
from i2i.engine.optim import Linear
from i2i.run.plan import changed_length, look_ahead

RATES = {"G": 2e-4, "D": 2e-4}


def rate(step: int) -> float:
    """Constant to step 1,000, then down to 0 at step 2,400."""
    return Linear(constant_steps=1000, decay_steps=1400)(step, 1)


def words(done: int, before: int, total: int, rates: dict[str, float] = RATES) -> str:
    return changed_length(rate, rates, done, before, total)


@pytest.mark.parametrize(
    ("done", "before", "total", "plan"),
    [
        (1000, 2400, 3000, "the learning rate is 0.0002 at step 1,001 and 0 from step 2,401 on"),
        (500, 2400, 1500, "the learning rate is 0.0002 at step 501 and 0.000129 at step 1,500"),
        (2400, 2400, 3000, "the learning rate is 0 from step 2,401 on, so that nothing more is learned"),
        (500, 2400, 500, "no step is left"),
    ],
)
def test_the_plan_is_told(done: int, before: int, total: int, plan: str) -> None:
    assert words(done, before, total) == (
        f"train.steps: {before:,} → {total:,}; the schedule stays as it was planned: {plan}"
    )


def test_the_figures_are_those_of_the_schedule() -> None:
    assert rate(2399) > 0 and rate(2400) == 0  # steps 2,400 and 2,401
    assert 2e-4 * rate(1499) == pytest.approx(1.29e-4, rel=0.01)


def test_rates_that_differ_are_told_by_network() -> None:
    assert "the learning rate of G is 0.0001 at step 1 " in words(0, 100, 200, {"G": 1e-4, "D": 4e-4})


def test_less_than_is_done_is_refused() -> None:
    with pytest.raises(I2IError) as caught:
        words(2000, 3000, 1500)
    assert str(caught.value) == (
        "train.steps: 1,500 is less than the 2,000 steps that this run has done; use more, or start a new run"
    )


def test_a_schedule_that_ends_before_the_run_is_told() -> None:
    assert look_ahead(rate, 0, 2400) == ""
    assert look_ahead(rate, 0, 2401) == (
        "the learning rate is 0 from step 2,401 on: the schedule ends before the run"
    )
    assert look_ahead(rate, 2401, 2401) == ""
