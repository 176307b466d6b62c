"""What each of several processes does: train every strategy on its share of every batch, and use the World.

`python process.py OUT`, with the variables that torchrun sets.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from helpers import PLAIN, networks, strategies, tiny_spec, train_in_double
from torch import Tensor, nn
from toy import pictures, size, toy_engine

from i2i.core.batch import Batch, Parts
from i2i.core.strategy import Phase
from i2i.engine import checkpoint
from i2i.engine.finite import NonFiniteError
from i2i.engine.loop import Engine
from i2i.engine.parallel import World
from i2i.spec.spec import Spec

STEPS = 3

# Strategies whose batch norm is over all processes; spectral norm is the same in each.
SYNCHRONISED = {"spade": {"generator": {"name": "spade", "width": 4, "hidden": 4}}}


def train_all(world: World, out: Path) -> None:
    for name in strategies():
        for accumulate in (1, 2):
            train_one(world, out / f"{name}-{accumulate}-{world.rank}", averaged(name, accumulate))
    for name in SYNCHRONISED:
        train_one(world, out / f"{name}-batch-norm-{world.rank}", averaged(name, 1, SYNCHRONISED[name]))


def averaged(name: str, accumulate: int, options: Mapping[str, Any] | None = None) -> Spec:
    settings = {"accumulate": accumulate, "ema": {networks(name)[0]: 0.9}}
    return tiny_spec(name, options=options, optimizers=PLAIN, train=settings)


def train_one(world: World, out: Path, spec: Spec) -> None:
    engine, reports = train_in_double(spec, STEPS, world)
    tensors, facts = engine.state()
    facts["terms"] = [world.mean(report) for report in reports]
    checkpoint.write(out, tensors, facts, {})


def use_the_world(world: World, out: Path) -> None:
    mine = float(world.rank + 1)
    weight, unused = nn.Parameter(torch.zeros(2, 3)), nn.Parameter(torch.zeros(1))
    weight.grad = torch.full((2, 3), mine)
    world.average([weight, unused])
    picture = torch.full((1, 2, 3, 3), mine)
    picture[:, 1] += 10
    net = nn.BatchNorm2d(2)
    nn.init.constant_(net.weight, mine)
    net.running_mean += mine
    world.share([net, nn.Module()])
    engine = toy_engine(world=world, seed=world.rank)
    results = {
        "average": weight.grad,
        "gather": world.gather(picture.contiguous(memory_format=torch.channels_last)),
        "shared weight": net.weight,
        "shared buffer": net.running_mean,
        "engine": engine.net.G.first.weight,
    }
    facts = {"mean": world.mean({"x": torch.tensor(mine)}), "told": world.tell(f"I am {world.rank}")}
    facts |= {"main": world.is_main, "size": world.size, "unused": unused.grad is None}
    world.wait()
    checkpoint.write(out / f"world-{world.rank}", {"results": results}, facts, {})


def go_wrong(world: World, out: Path) -> None:
    """One sample is wrong, and only one process sees it."""

    def terms(net: Parts, x: Batch) -> dict[str, Tensor]:
        bad = x.images_seen == 2 and 1 in x.random.samples
        return {"size": size(net.G(x.a)) * (float("nan") if bad else 1.0)}

    def engine(max_skips: int) -> Engine:
        return toy_engine(Phase("only", terms, {"G": {"size": 1.0}}), world=world, max_skips=max_skips)

    share = {"a": pictures()["a"][world.rank : world.rank + 1]}
    skipping, stopping, sentence = engine(1), engine(0), ""
    list(skipping.run([share] * 3, 3))
    try:
        list(stopping.run([share] * 3, 3))
    except NonFiniteError as error:
        sentence = str(error)
    tensors, facts = skipping.state()
    facts["sentence"] = sentence
    checkpoint.write(out / f"wrong-{world.rank}", tensors, facts, {})


if __name__ == "__main__":
    folder, joined = Path(sys.argv[1]), World.join()
    use_the_world(joined, folder)
    go_wrong(joined, folder)
    train_all(joined, folder)
    torch.distributed.destroy_process_group()
