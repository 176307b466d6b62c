"""How varied and how true the results of a run on the lit demo set are: `python benchmarks/variety.py RUN`.

One map has a family of true pictures, one for every hour between day and night. For every held-out map some random
codes are translated. Printed: how far a result is from the nearest member of the family, and how far results of one
map are from each other, beside the same for true pictures at random hours. Distances are L1 on [-1, 1].
"""

from __future__ import annotations

import sys
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

import i2i
from i2i.data.demo import held_out_count, landscape
from i2i.data.painting import render, render_at

SAMPLES = 8
HOURS = 41


def main(run: str) -> None:
    model = i2i.load(run)
    data = model.spec.data.options
    rng = np.random.default_rng(0)
    near, between, true_between, apart = [], [], [], []
    for index in range(held_out_count(data["count"])):
        scene, size = landscape(data["seed"], "test", 2 * index), data["size"]
        family = [unit(render_at(scene, size, hour)) for hour in np.linspace(0, 1, HOURS)]
        made = [
            unit(each) for each in model.translate(render(scene, size, "map"), samples=SAMPLES, seed=index)
        ]
        true = [unit(render_at(scene, size, hour)) for hour in rng.random(SAMPLES)]
        near += [min(distance(one, other) for other in family) for one in made]
        apart += [distance(one, family[HOURS // 2]) for one in true]
        between += [distance(one, other) for one, other in combinations(made, 2)]
        true_between += [distance(one, other) for one, other in combinations(true, 2)]
    print(f"from the nearest true picture  {np.mean(near):.3f}")
    print(f"true pictures from the middle  {np.mean(apart):.3f}")
    print(f"between results of one map     {np.mean(between):.3f}")
    print(f"between true pictures          {np.mean(true_between):.3f}")
    print(f"share of the true variety      {np.mean(between) / np.mean(true_between):.2f}")


def unit(picture: object) -> NDArray[np.float32]:
    return np.asarray(picture, np.float32) / 127.5 - 1


def distance(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    return float(np.abs(one - other).mean())


if __name__ == "__main__":
    main(sys.argv[1])
