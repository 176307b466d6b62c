"""A phase says when it runs and what its networks minimise."""

from __future__ import annotations

import pytest

from i2i.core.batch import Batch, Parts
from i2i.core.strategy import Phase, Strategy


def test_an_objective_in_words() -> None:
    def ramp(step: int) -> float:
        return 0.0

    row = {"gan": 1.0, "pixel": 100.0, "code": 0.5, "zero": 0.0}
    phase = Phase("generator", lambda net, x: {}, {"G": row})
    assert phase.objective("G") == "gan + 100·pixel + 0.5·code + 0·zero"
    assert "·late" in Phase("generator", lambda net, x: {}, {"G": {"late": ramp}}).objective("G")


@pytest.mark.parametrize(("every", "steps"), [(1, [1, 2, 3, 4, 5, 6]), (3, [3, 6]), (7, [])])
def test_a_phase_runs_at_n_2n_and_so_on(every: int, steps: list[int]) -> None:
    phase = Phase("critic", lambda net, x: {}, {}, every)
    assert [step for step in range(1, 7) if phase.runs_at(step)] == steps


def test_a_strategy_is_no_strategy_without_its_methods() -> None:
    with pytest.raises(TypeError, match="abstract"):
        Strategy()  # type: ignore[abstract]


def test_a_preview_is_the_input_and_its_translation() -> None:
    import torch
    from toy import Method

    shown = Method().preview(Parts({"G": torch.neg}), Batch({"a": torch.ones(1)}))
    assert {label: float(column) for label, column in shown.items()} == {"input": 1.0, "output": -1.0}
