"""What networks need of pictures, found out by trying: which sizes come out as they went in, what memory they take."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from i2i.translate.receptive import Reach, find_reach
from i2i.translate.request import Request
from i2i.translate.trial import Outcome, Trial

if TYPE_CHECKING:
    from i2i.translate.model import Model

MOST = 512
"""The largest multiple that is looked for."""

LARGE, SMALL = 512, 32
"""Sides, in pixels, of what is tried without contents, which costs nothing, and with contents."""

KEPT = 64
"""Settings of a model whose findings are kept; a page on which people type could have any number."""


@dataclass(frozen=True)
class Needs:
    """What sides a picture must have.

    Attributes:
        multiple: they are divisible by it.
        least: the shortest, a multiple too.
    """

    multiple: int
    least: int


class Probe:
    """What the networks of a model need under some controls; each is found out once, when it is asked for.

    Args:
        trial: how to try.
        hint: the multiple that the networks themselves name; 1 where they name none.
    """

    def __init__(self, trial: Trial, hint: int) -> None:
        self.trial, self.hint = trial, hint
        self._outcomes: dict[tuple[int, int, int], Outcome | None] = {}

    @cached_property
    def needs(self) -> Needs:
        """The sizes that come out as they went in; the networks' own word where no size does."""
        candidates = [self.hint, *_candidates()]
        return (
            _find(candidates, self._keeps, LARGE)
            or _find([c for c in candidates if c <= SMALL], self._really_keeps, SMALL)
            or Needs(self.hint, self.hint)
        )

    @cached_property
    def reach(self) -> Reach:
        """How far a pixel of a picture is seen in the result."""
        return find_reach(self.trial, self.needs.multiple, self.needs.least)

    def outcome(self, count: int, height: int, width: int) -> Outcome | None:
        """What so many pictures of a size that fits would take; None where nobody knows."""
        key = (count, height, width)
        if key not in self._outcomes:
            self._outcomes[key] = self.trial.without_contents(*key)
        return self._outcomes[key]

    def _keeps(self, height: int, width: int) -> bool:
        outcome = self.trial.without_contents(1, height, width)
        return outcome is not None and (outcome.height, outcome.width) == (height, width)

    def _really_keeps(self, height: int, width: int) -> bool:
        return self.trial.with_contents(height, width) == (height, width)


def probe_of(model: Model, request: Request) -> Probe:
    """What the networks need under the controls of a request; kept with the model."""
    first, _ = next(request.cells())
    key = repr((request.field, *request.maps, *((name, _told(value)) for name, value in first.items())))
    probe = model.probes.get(key)
    if probe is None:
        if len(model.probes) >= KEPT:
            model.probes.clear()
        probe = model.probes[key] = Probe(Trial(model, request), _hint(model))
    return probe


def _hint(model: Model) -> int:
    """What networks say in an attribute `multiple` that the sides of a picture must be divisible by; 1 if nothing."""
    return math.lcm(*(int(getattr(part, "multiple", 1)) for part in model.net.modules().values()))


def _told(value: Any) -> Any:
    """A control as far as networks are chosen by it: by switches and names, not by numbers or pictures."""
    return value if isinstance(value, (bool, str)) else value is not None


def _candidates() -> list[int]:
    """Multiples in the order in which they are likely."""
    powers = [2**power for power in range(MOST.bit_length())]
    rest = {
        *range(3, SMALL * 2),
        *(odd * power for odd in (3, 5, 7) for power in powers if odd * power <= MOST),
    }
    return [*powers, *sorted(rest.difference(powers))]


def _find(candidates: Iterable[int], keeps: Callable[[int, int], bool], side: int) -> Needs | None:
    """The first multiple whose sizes are kept, and its shortest side."""
    for multiple in candidates:
        times = -(-side // multiple) + 1
        # Whatever divides both sides divides the multiple.
        if keeps(times * multiple, (times + 1) * multiple):
            return Needs(multiple, _least(keeps, multiple, times))
    return None


def _least(keeps: Callable[[int, int], bool], multiple: int, most: int) -> int:
    """The shortest side from which on sizes are kept, where `most` times the multiple is."""
    low, high = 0, most
    while high - low > 1:
        middle = 1 if low == 0 and high == most else (low + high) // 2
        side = middle * multiple
        low, high = (low, middle) if keeps(side, side) else (middle, high)
    return high * multiple
