"""How well a run on the demo set with attributes obeys: `python benchmarks/attributes.py RUN`.

Every held-out picture is given every attribute that it can be given (the two other colours; large and striped are
toggled). The set can measure its own attributes, so each result is counted: is the asked attribute as asked, and are
all the others as before?
"""

from __future__ import annotations

import sys
from collections import Counter

import numpy as np

import i2i
from i2i.data.demo import held_out_count, single
from i2i.data.painting import measure, render
from i2i.data.scenes import ATTRIBUTES, COLOURS, attributes, change


def main(run: str) -> None:
    model = i2i.load(run)
    data = model.spec.data.options
    asked, obeyed, kept = Counter(), Counter(), Counter()
    for index in range(held_out_count(data["count"])):
        scene = single(data["seed"], "test", index)
        before = attributes(scene)
        for name in ATTRIBUTES:
            if name in COLOURS and before[name]:
                continue
            wanted = attributes(change(scene, name, name in COLOURS or not before[name]))
            after = measure(np.asarray(model.translate(render(scene, data["size"]), domain=name)))
            own = COLOURS if name in COLOURS else (name,)
            asked[name] += 1
            obeyed[name] += all(after[each] == wanted[each] for each in own)
            kept[name] += all(after[each] == wanted[each] for each in ATTRIBUTES if each not in own)
    print(f"{'asked for':<12}{'results':>8}{'as asked':>10}{'others kept':>13}")
    for name in ATTRIBUTES:
        line(name, asked[name], obeyed[name], kept[name])
    line("all", asked.total(), obeyed.total(), kept.total())


def line(name: str, asked: int, obeyed: int, kept: int) -> None:
    print(f"{name:<12}{asked:>8}{obeyed / asked:>10.1%}{kept / asked:>13.1%}")


if __name__ == "__main__":
    main(sys.argv[1])
