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
from torch import nn
from toy import toy_engine

from i2i.engine import checkpoint
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


if __name__ == "__main__":
    folder, joined = Path(sys.argv[1]), World.join()
    use_the_world(joined, folder)
    train_all(joined, folder)
    torch.distributed.destroy_process_group()
