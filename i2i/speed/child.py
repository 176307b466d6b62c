"""A process that trains a spec in one setting, a few steps when it is told to; `python -m i2i.speed.child`.

It reads a line of JSON for each order and answers each with another. A setting that finds too little memory, or that a
library ends, takes only its own process with it; and the memory of a process is the memory of its setting.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from i2i.core.errors import lacks_memory


def main() -> None:
    """Take orders until there are no more."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever libraries print is no answer
    try:
        _obey(sys.stdin, answers)
    except Exception as error:
        _say(answers, {"problem": _sentence(error)})


def _obey(orders: TextIO, answers: TextIO) -> None:
    from i2i.speed.steps import Steps

    job = json.loads(orders.readline())
    steps = Steps(job["spec"], [Path(file) for file in job["plugins"]], job["settings"])
    _say(answers, {"seconds": steps.warm(), "cycle": steps.cycle, "batch": steps.batch})
    for line in orders:
        order = json.loads(line)
        _say(answers, {"answer": getattr(steps, order["do"])(*order["with"])})


def _say(answers: TextIO, facts: Mapping[str, Any]) -> None:
    print(json.dumps(facts), file=answers, flush=True)


def _sentence(error: Exception) -> str:
    if lacks_memory(error):
        return "too little memory"
    return str(error).strip() or type(error).__name__


if __name__ == "__main__":
    main()
