"""`python -m tests.fuzz --count N --kind images`: as many damaged files or specs as that, and what came of them."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parents[1]))  # the tests' own helpers, as pytest finds them

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import SearchStrategy

from . import checkpoints, idx, images, specs, tables

# What is made, and what must come of it: the outcome in a word, or an exception, which is a fault.
KINDS: dict[str, tuple[SearchStrategy[Any], Callable[[Any], str]]] = {
    "images": (images.cases(), images.check),
    "tables": (tables.cases(), tables.check),
    "idx": (idx.cases(), idx.check),
    "checkpoints": (checkpoints.cases(), checkpoints.check),
    "specs": (specs.cases(), specs.check),
}
PHASES = (Phase.generate, Phase.shrink)


def attack(kind: str, count: int, number: int) -> Counter[str]:
    """So many cases of a kind; a fault is shown in its smallest form."""
    cases, check = KINDS[kind]
    outcomes: Counter[str] = Counter()

    @seed(number)
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=PHASES,
        suppress_health_check=list(HealthCheck),
    )
    @given(cases)
    def case(made: Any) -> None:
        outcomes[check(made)] += 1

    case()
    return outcomes


def main() -> int:
    """Attack one kind, or all."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="cases of each kind (1000)")
    parser.add_argument("--kind", choices=KINDS, help="only this one")
    parser.add_argument("--seed", type=int, default=0, help="of the cases (0)")
    wanted = parser.parse_args()
    for kind in [wanted.kind] if wanted.kind else KINDS:
        started = time.monotonic()
        outcomes = attack(kind, wanted.count, wanted.seed)
        said = ", ".join(f"{number:,} {outcome}" for outcome, number in sorted(outcomes.items()))
        print(f"{kind}: {outcomes.total():,} cases in {time.monotonic() - started:.0f} s: {said}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
