"""What a length says about the learning rate."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from i2i.core.errors import I2IError

Rate = Callable[[int], float]


def look_ahead(rate: Rate, done: int, total: int) -> str:
    """That the schedule ends before the run does, if it does."""
    zero = _zero_from(rate, done, total)
    return (
        ""
        if zero is None
        else f"the learning rate is 0 from step {zero:,} on: the schedule ends before the run"
    )


def changed_length(rate: Rate, bases: Mapping[str, float], done: int, before: int, total: int) -> str:
    """What another length does to the learning rate.

    Args:
        rate: the factor on every learning rate at a step (counted from 0).
        bases: the learning rate of each network before the factor.
        done: steps that are done.
        before: the length as it was.
        total: the length as it is now.

    Raises:
        I2IError: more steps are done already.
    """
    if total < done:
        raise I2IError(
            f"train.steps: {total:,} is less than the {done:,} steps that this run has done; use more, or start a new "
            "run"
        )
    return (
        f"train.steps: {before:,} → {total:,}; the schedule stays as it was planned: "
        f"{_words(rate, bases, done, total)}"
    )


def _words(rate: Rate, bases: Mapping[str, float], done: int, total: int) -> str:
    if done == total:
        return "no step is left"
    (network, base), *_ = bases.items()
    of = f" of {network}" if len(set(bases.values())) > 1 else ""
    first, last, zero = base * rate(done), base * rate(total - 1), _zero_from(rate, done, total)
    if zero == done + 1:
        return f"the learning rate{of} is 0 from step {zero:,} on, so that nothing more is learned"
    if zero is not None:
        return f"the learning rate{of} is {first:.3g} at step {done + 1:,} and 0 from step {zero:,} on"
    if first == last:
        return f"the learning rate{of} is {first:.3g} at step {done + 1:,} and at step {total:,}"
    return f"the learning rate{of} is {first:.3g} at step {done + 1:,} and {last:.3g} at step {total:,}"


def _zero_from(rate: Rate, done: int, total: int) -> int | None:
    """The first step (counted from 1) without a learning rate, if the last one has none."""
    if done >= total or rate(total - 1) != 0:
        return None
    return next(step for step in range(done, total) if rate(step) == 0) + 1
